import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { type Timer, TimerQueue } from "./timers.ts";

describe("TimerQueue", () => {
  it("run() fires what is due, in order, ties as they were set", () => {
    const queue = new TimerQueue();
    const fired: string[] = [];
    for (const [at, name] of [[5, "c"], [1, "a"], [5, "d"], [3, "b"], [9, "e"]] as const) {
      queue.set(at, () => fired.push(name));
    }
    queue.run(5);
    assertEquals([fired.join(""), queue.deadline], ["abcd", 9]);
  });

  it("run() fires what was set meanwhile for an instant that has passed", () => {
    const queue = new TimerQueue();
    const fired: number[] = [];
    queue.set(1, () => {
      fired.push(1);
      queue.set(0, () => fired.push(2));
    });
    queue.run(1);
    assertEquals([fired, queue.deadline], [[1, 2], Infinity]);
  });

  it("deadline never shows a cancelled timer, in any order of calls", () => {
    const action = fc.oneof(
      fc.record({ set: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ cancel: fc.nat({ max: 60 }) }),
      fc.record({ run: fc.integer({ min: 0, max: 50 }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
        const queue = new TimerQueue();
        const all: { timer: Timer; live: boolean }[] = [];
        for (const step of actions) {
          if ("set" in step) {
            const entry = { timer: undefined as unknown as Timer, live: true };
            entry.timer = queue.set(step.set, () => {
              assertEquals(entry.live, true);
              entry.live = false;
            });
            all.push(entry);
          } else if ("cancel" in step) {
            const entry = all[step.cancel];
            if (entry === undefined) continue;
            entry.live = false;
            queue.cancel(entry.timer);
          } else {
            queue.run(step.run);
            for (const { timer, live } of all) if (timer.at <= step.run) assertEquals(live, false);
          }
          const live = all.filter((entry) => entry.live).map(({ timer }) => timer.at);
          assertEquals(queue.deadline, Math.min(Infinity, ...live));
        }
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});
