import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { describe, it } from "node:test";
import { compareBytes } from "./_harness_naive.ts";
import { compareNames } from "./_roster.ts";
import { exponential } from "./_weighted.ts";
import { jump, maglev, multiprobe, rendezvous, ring } from "./mod.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `node-${i}`);

describe("ring()", () => {
  it("ring() refuses tokens and cache sizes out of range", () => {
    for (const tokens of [0, -1, 1.5, NaN, 65_537]) {
      const error = assertThrows(() => ring({ tokens }), RangeError);
      assertEquals(
        error.message,
        `Cannot create a ring as 'tokens' must be an integer from 1 to 65536: current value is ${tokens}`,
      );
    }
    assertThrows(() => ring({ cachedLists: 0 }), RangeError, "'cachedLists'");
  });

  it("ring() keeps at most 12 bytes a token, also after changes", () => {
    for (const nodes of [3, 10, 100, 300]) {
      let placement = ring().place(names(nodes));
      assertEquals(placement.tokens, nodes * 512);
      assertLessOrEqual(placement.tableBytes / placement.tokens, 12);
      placement = placement.with("another").without("node-1");
      assertEquals(placement.tokens, nodes * 512);
      assertLessOrEqual(placement.tableBytes / placement.tokens, 12);
    }
  });

  it("ring() gives the same lists whether it remembers many or one", () => {
    const big = ring({ tokens: 64 }).place(names(20));
    const small = ring({ tokens: 64, cachedLists: 1 }).place(names(20));
    for (let i = 0; i < 2_000; i++) {
      const key = `key:${i % 700}`;
      const count = 1 + i % 9;
      const options = { spreadZones: i % 5 === 0 };
      assertEquals(small.owners(key, count, options), big.owners(key, count, options));
    }
  });

  it("ring().owners() shares one frozen list among lookups of the same stretch", () => {
    const placement = ring().place(names(5));
    const owners = placement.owners("user:42", 3);
    assertStrictEquals(placement.owners("user:42", 3), owners);
    assertThrows(() => (owners as string[]).push("intruder"), TypeError);
  });

  it("ring() places 10,000 nodes, and 70,000 whose numbers need more than 16 bits", () => {
    const many = ring({ tokens: 4 }).place(names(10_000));
    assertEquals(new Set(many.owners("user:42", 10_000)).size, 10_000);
    const more = ring({ tokens: 1 }).place(names(70_000));
    const owners = more.owners("user:42", 3);
    assertEquals(more.without(owners[0]!).owners("user:42", 2), owners.slice(1));
    assertEquals(more.with("x").without("x").owners("user:42", 3), owners);
  });
});

describe("rendezvous()", () => {
  it("rendezvous() ranks 10,000 nodes", () => {
    const placement = rendezvous().place(names(10_000));
    const owners = placement.owners("user:42", 10_000);
    assertEquals(new Set(owners).size, 10_000);
    assertEquals(placement.owners("user:42", 5), owners.slice(0, 5));
  });

  it("rendezvous() placements take turns without disturbing each other", () => {
    const a = rendezvous().place(names(50));
    const b = rendezvous().place(names(80).slice(20));
    const c = multiprobe().place(names(60));
    const alone = Array.from({ length: 50 }, (_, i) => a.owners(`k${i}`, 3));
    for (let i = 0; i < 50; i++) {
      b.owners(`k${i}`, 3);
      c.owners(`k${i}`, 3);
      assertEquals(a.owners(`k${i}`, 3), alone[i]!);
    }
  });

  it("rendezvous() refuses weights out of range", () => {
    for (const weight of [0, -1, NaN, Infinity, 1_001]) {
      assertThrows(() => rendezvous().place([{ name: "a", weight }]), RangeError, "'weight'");
      assertThrows(() => ring().place([{ name: "a", weight }]), RangeError, "'weight'");
    }
  });

  it("exponential() is −ln(1 − s/2^64) to within a few units of the last place", () => {
    for (let i = 0; i < 5_000; i++) {
      const high = Math.imul(i, 0x9e3779b9) >>> 0;
      const low = Math.imul(i, 0x85ebca6b) >>> 0;
      const x = (high * 2 ** 20 + (low >>> 12) + 0.5) / 2 ** 52;
      const expected = -Math.log1p(-x);
      const error = Math.abs(exponential(high, low) - expected) / expected;
      assertLessOrEqual(error, 8 * Number.EPSILON, `${high}:${low}`);
    }
    assert(exponential(0, 0) > 0);
    assert(Number.isFinite(exponential(0xffff_ffff, 0xffff_ffff)));
  });
});

describe("algorithms without weights", () => {
  it("multiprobe(), jump() and maglev() refuse a weight instead of ignoring it", () => {
    for (const algorithm of [multiprobe(), jump(), maglev()]) {
      const error = assertThrows(
        () => algorithm.place(["a", { name: "b", weight: 2 }]),
        RangeError,
      );
      assertEquals(
        error.message,
        `Cannot place nodes as ${algorithm.name} takes nodes of weight 1 only: current value is 2`,
      );
      assertEquals(algorithm.place([{ name: "b", weight: 1 }]).nodes, ["b"]);
    }
  });
});

describe("jump()", () => {
  it("jump() equals the published function", () => {
    // From the paper's Figure 1, with BigInt for the 64-bit word.
    function published(key: bigint, buckets: number): number {
      let bucket = -1;
      let next = 0;
      while (next < buckets) {
        bucket = next;
        key = key * 2862933555777941757n + 1n & (1n << 64n) - 1n;
        next = Math.floor((bucket + 1) * (2 ** 31 / (Number(key >> 33n) + 1)));
      }
      return bucket;
    }
    for (const size of [1, 2, 7, 100, 1_000]) {
      const placement = jump().place(Array.from({ length: size }, (_, i) => `${1_000 + i}`));
      for (let i = 0n; i < 200n; i++) {
        const key = i * 0x9e3779b97f4a7c15n & (1n << 64n) - 1n;
        assertEquals(placement.owners(key, 1), [`${1_000 + published(key, size)}`]);
      }
    }
  });

  it("jump() finds all nodes for every key, key 0 included", () => {
    const placement = jump().place(names(50));
    for (const key of [0n, 1n, (1n << 64n) - 1n]) {
      assertEquals(new Set(placement.owners(key, 50)).size, 50);
    }
  });
});

describe("maglev()", () => {
  it("maglev() refuses sizes that are not prime or too large, and more nodes than entries", () => {
    for (const tableSize of [0, 1, 4, 65_536, 2.5, NaN, 1_048_583]) {
      assertThrows(() => maglev({ tableSize }), RangeError, "'tableSize' must be a prime");
    }
    assertThrows(() => maglev({ tableSize: 2 }).place(["a", "b", "c"]), RangeError, "at most");
    assertEquals(maglev({ tableSize: 2 }).place(["a", "b"]).owners("k", 2).length, 2);
    assertEquals(maglev().place(names(10_000)).owners("k", 3).length, 3);
  });

  it("maglev() gives every node its entries to within one per node", () => {
    const placement = maglev({ tableSize: 1_009 }).place(names(10));
    const loads = new Map<string, number>();
    for (let entry = 0n; entry < 1_009n; entry++) {
      const [owner] = placement.owners(entry, 1);
      loads.set(owner!, (loads.get(owner!) ?? 0) + 1);
    }
    assertEquals([...loads.values()].every((load) => load === 100 || load === 101), true);
  });
});

describe("compareNames()", () => {
  it("compareNames() orders as the UTF-8 bytes do", () => {
    const texts = [
      "",
      "a",
      "aa",
      "b",
      "\u007f",
      "é",
      "京",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "🙂",
      "a🙂",
      "a\uffff",
    ];
    for (const a of texts) {
      for (const b of texts) {
        assertEquals(Math.sign(compareNames(a, b)), Math.sign(compareBytes(a, b)), `${a} ${b}`);
      }
    }
  });
});
