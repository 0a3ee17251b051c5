import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { LamportClock } from "./lamport.ts";

function at(time: bigint): LamportClock {
  const clock = new LamportClock();
  if (time > 0n) clock.observe(time - 1n);
  assertEquals(clock.now, time);
  return clock;
}

describe("LamportClock", () => {
  it("observe() moves past the present and the future: 5 sees 4, 5, 9 (C-59)", () => {
    const results = [4n, 5n, 9n].map((time) => {
      const clock = at(5n);
      clock.observe(time);
      return clock.now;
    });
    assertEquals(results, [5n, 6n, 10n]);
  });

  it("tick() counts from 0", () => {
    const clock = new LamportClock();
    assertEquals([clock.now, clock.tick(), clock.tick(), clock.now], [0n, 1n, 2n, 2n]);
  });

  it("observe() keeps times beyond what a double holds", () => {
    const clock = new LamportClock();
    while (clock.now < 2n ** 54n) clock.observe(clock.now + 2n ** 40n);
    const { now } = clock;
    assert(now > BigInt(Number.MAX_SAFE_INTEGER));
    assertEquals([clock.tick(), clock.observe(now + 7n), clock.now], [now + 1n, true, now + 8n]);
  });

  it("observe() takes no time more than 2^40 ahead, but moves towards it", () => {
    const clock = at(3n);
    assertEquals([clock.observe(2n ** 40n + 4n), clock.now], [false, 2n ** 40n + 3n]);
    assertEquals([clock.observe(2n ** 41n + 3n), clock.now], [true, 2n ** 41n + 4n]);
    assertEquals([clock.observe(-1n), clock.now], [false, 2n ** 41n + 4n]);
  });

  it("observe() never wraps, nor comes near it: 16 million lies use a clock up, not one", () => {
    const end = 2n ** 64n - 1n;
    const limit = 2n ** 64n - 2n ** 32n;
    const clock = at(3n);
    for (let lies = 1; lies <= 1000; lies++) {
      assertEquals([clock.observe(end), clock.now], [false, 3n + BigInt(lies) * 2n ** 40n]);
    }
    for (const now of [limit - 2n ** 40n - 1n, limit - 2n ** 40n, limit - 5n, limit + 7n]) {
      const late = new LamportClock(now);
      assertEquals([end, limit].map((time) => late.observe(time)), [false, false]);
      assert(late.now === now || late.now < limit, `${late.now}`);
      assert(late.tick() > now);
    }
    assertEquals(new LamportClock(limit - 5n).observe(limit - 1n), true);
  });
});
