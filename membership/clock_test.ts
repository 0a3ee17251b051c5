import { describe, it } from "node:test";
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { cryptoRandom, systemClock } from "./clock.ts";
import { TypedEventTarget } from "./events.ts";
import { logtape, LogThrottle } from "./logger.ts";
import { Tally } from "./stats.ts";

describe("systemClock()", () => {
  it("setTimer() fires once, later, and not before its time", async () => {
    const clock = systemClock();
    const start = clock.now();
    let calls = 0;
    await new Promise<void>((resolve) => {
      clock.setTimer(3, () => {
        calls += 1;
        resolve();
      });
      assertEquals(calls, 0);
    });
    assertGreaterOrEqual(clock.now() - start, 3);
    assertEquals(calls, 1);
  });

  it("setTimer() can be cancelled, and takes delays beyond 24 days", async () => {
    const clock = systemClock();
    const fired: string[] = [];
    const far = clock.setTimer(1e12, () => void fired.push("far"));
    const near = clock.setTimer(0, () => void fired.push("near"));
    near();
    near();
    await new Promise<void>((resolve) => void clock.setTimer(2, resolve));
    assertEquals(fired, []);
    far();
  });
});

describe("cryptoRandom()", () => {
  it("gives numbers in [0, 1) that use all of it", () => {
    const random = cryptoRandom();
    const numbers = Array.from({ length: 4_000 }, random);
    assert(numbers.every((number) => number >= 0 && number < 1));
    assertEquals(new Set(numbers).size, numbers.length);
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    // Standard error of the mean: 1/√(12 × 4000) ≈ 0.0046; eight of them.
    assert(Math.abs(mean - 0.5) < 0.037, `${mean}`);
    assert(numbers.some((number) => (number * 2 ** 53) % 2 === 1), "53 bits");
  });
});

describe("LogThrottle", () => {
  it("pass() lets one a period through, by subject, and tells how many it held", () => {
    const throttle = new LogThrottle(60_000);
    assertEquals(throttle.pass("a", 0), 0);
    assertEquals(throttle.pass("a", 1), undefined);
    assertEquals(throttle.pass("b", 1), 0);
    assertEquals(throttle.pass("a", 59_999), undefined);
    assertEquals(throttle.pass("a", 60_000), 2);
    assertEquals(throttle.pass("a", 120_000), 0);
  });

  it("forgets old subjects rather than grow", () => {
    const throttle = new LogThrottle(60_000);
    for (let i = 0; i < 300; i++) assertEquals(throttle.pass(`s${i}`, 0), 0);
    assertEquals(throttle.pass("s299", 1), undefined);
    assertEquals(throttle.pass("s0", 1), 0);
  });

  it("logtape() has every level and says nothing unless configured", () => {
    const logger = logtape();
    for (const level of ["debug", "info", "warn", "error"] as const) {
      logger[level]("nobody hears this", { level });
    }
  });
});

describe("Tally", () => {
  it("counts by name, and the 65th name as other", () => {
    const tally = new Tally();
    for (let i = 0; i < 70; i++) tally.add(`n${i}`, 2);
    tally.add("n0");
    assertEquals(tally.counts.n0, 3);
    assertEquals(tally.counts.other, 12);
    assertEquals(Object.keys(tally.counts).length, 65);
  });
});

describe("TypedEventTarget", () => {
  it("addEventListener() knows the detail; removeEventListener() ends it", () => {
    const target = new TypedEventTarget<{ size: number }>();
    const seen: number[] = [];
    const listener = (event: CustomEvent<number>) => void seen.push(event.detail);
    target.addEventListener("size", listener);
    target.dispatchEvent(new CustomEvent("size", { detail: 3 }));
    target.removeEventListener("size", listener);
    target.dispatchEvent(new CustomEvent("size", { detail: 4 }));
    assertEquals(seen, [3]);
  });
});
