import { describe, it } from "node:test";
import { assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { eventLoopLag } from "./event_loop_lag.ts";

/** Time that only passes when told to. */
function manualClock() {
  let now = 0;
  let pending: { readonly due: number; readonly fire: () => void } | undefined;
  return {
    now: () => now,
    setTimer(afterMs: number, fire: () => void): () => void {
      const timer = pending = { due: now + afterMs, fire };
      return () => {
        if (pending === timer) pending = undefined;
      };
    },
    /** Lets time pass in one go: at most one timer fires, late. */
    pass(ms: number): void {
      now += ms;
      if (pending === undefined || now < pending.due) return;
      const { fire } = pending;
      pending = undefined;
      fire();
    },
    get armed(): boolean {
      return pending !== undefined;
    },
  };
}

describe("eventLoopLag()", () => {
  it("measures how late its timer fires", () => {
    const clock = manualClock();
    const samples: number[] = [];
    const lag = eventLoopLag({ intervalMs: 100, clock, onSample: (ms) => samples.push(ms) });
    assertEquals([lag.lastMs, lag.maxMs, lag.count], [0, 0, 0]);
    clock.pass(100);
    clock.pass(350);
    clock.pass(99);
    clock.pass(6);
    assertEquals(samples, [0, 250, 5]);
    assertEquals([lag.lastMs, lag.maxMs, lag.count], [5, 250, 3]);
  });

  it("takes an early timer for no lag", () => {
    let fire = () => {};
    const clock = {
      now: () => 0,
      setTimer: (_afterMs: number, callback: () => void) => {
        fire = callback;
        return () => {};
      },
    };
    const lag = eventLoopLag({ clock });
    fire();
    assertEquals([lag.lastMs, lag.count], [0, 1]);
  });

  it("stops when closed, also from within a sample", async () => {
    const clock = manualClock();
    const lag = eventLoopLag({ intervalMs: 10, clock });
    await lag.close();
    assertEquals(clock.armed, false);
    clock.pass(1000);
    assertEquals(lag.count, 0);
    const other = eventLoopLag({ intervalMs: 10, clock, onSample: () => void other.close() });
    clock.pass(10);
    assertEquals([other.count, clock.armed], [1, false]);
    await other[Symbol.asyncDispose]();
  });

  it("refuses an interval outside its range", () => {
    for (const intervalMs of [0, 9, 60_001, NaN]) {
      assertThrows(() => eventLoopLag({ intervalMs }), RangeError, "intervalMs");
    }
  });

  it("sees a blocked loop on the machine's own clock", async () => {
    const seen = new Promise<number>((resolve) => {
      const lag = eventLoopLag({
        intervalMs: 10,
        onSample(lagMs) {
          void lag.close();
          resolve(lagMs);
        },
      });
    });
    // The sampler does not keep the process alive; this timer does until it had its turn.
    const alive = setTimeout(() => {}, 5000);
    const end = performance.now() + 60;
    while (performance.now() < end);
    assertGreaterOrEqual(await seen, 45);
    clearTimeout(alive);
  });
});
