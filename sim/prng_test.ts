import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { between, heavyTailed, some } from "./draw.ts";
import { sfc32, Streams } from "./prng.ts";

const take = (random: () => number, count: number): number[] =>
  Array.from({ length: count }, () => random());

describe("sfc32()", () => {
  it("follows the reference: sfc32 of PractRand seeded with 1, 2, 3, 4", () => {
    const random = sfc32([1, 2, 3, 4]);
    // t = a + b + counter++; a = b ^ b >>> 9; b = c + (c << 3); c = rotl(c, 21) + t
    assertEquals(take(random, 3).map((x) => x * 2 ** 32), [7, 34, 56_623_200]);
  });

  it("is uniform enough for its use", () => {
    const counts = new Array<number>(16).fill(0);
    const random = new Streams(1).named("uniform");
    for (let i = 0; i < 160_000; i++) counts[Math.floor(random() * 16)]!++;
    assert(counts.every((count) => count > 9600 && count < 10_400), counts.join());
  });
});

describe("Streams", () => {
  it("named() begins the same stream each time, another one for each name and seed", () => {
    const streams = new Streams(42);
    const network = take(streams.named("network"), 8);
    assertEquals(take(streams.named("network"), 8), network);
    assertEquals(take(new Streams(42).named("network"), 8), network);
    assertNotEquals(take(streams.named("networl"), 8), network);
    assertNotEquals(take(new Streams(43).named("network"), 8), network);
    assertNotEquals(take(new Streams(42 + 2 ** 32).named("network"), 8), network);
  });

  it("draws from one stream do not shift another", () => {
    const streams = new Streams(7);
    const a = streams.named("a");
    const b = take(streams.named("b"), 4);
    const c = streams.named("b");
    const mixed = b.map(() => (a(), c()));
    assertEquals(mixed, b);
  });

  it("new Streams() refuses what is no seed", () => {
    for (const seed of [-1, 1.5, NaN, 2 ** 53]) assertThrows(() => new Streams(seed), RangeError);
  });
});

describe("drawing", () => {
  const random = new Streams(3).named("draw");

  it("between() reaches both ends and nothing beyond", () => {
    const drawn = new Set(Array.from({ length: 1000 }, () => between(random, -2, 3)));
    assertEquals([...drawn].sort((a, b) => a - b), [-2, -1, 0, 1, 2, 3]);
  });

  it("some() takes each at most once", () => {
    assertEquals(some(random, [1, 2, 3], 5).sort(), [1, 2, 3]);
    assertEquals(some(random, [1, 2, 3], 0), []);
  });

  it("heavyTailed() stays in its bounds and reaches far", () => {
    const drawn = Array.from(
      { length: 2000 },
      () => heavyTailed(random, { least: 10, most: 5000, probability: 0.5 }),
    );
    assert(drawn.every((value) => value >= 10 && value <= 5000));
    assert(
      drawn.some((value) => value > 1000) && drawn.filter((value) => value < 40).length > 1200,
    );
  });
});
