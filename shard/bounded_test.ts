import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { bounded, NotEnoughNodesError, ring } from "./mod.ts";

const SEED = 20260105;
const names = (count: number) => Array.from({ length: count }, (_, i) => `node-${i}`);
const jobs = (count: number) => Array.from({ length: count }, (_, i) => `job:${i}`);

describe("bounded()", () => {
  it("bounded().assign() keeps every load within ⌈factor · keys · weight / weights⌉", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 300 }),
        fc.double({ min: 1.01, max: 3, noNaN: true }),
        (nodes, keys, loadFactor) => {
          const weight = (i: number) => 1 + i % 3;
          const total = names(nodes).reduce((sum, _, i) => sum + weight(i), 0);
          const placement = bounded({ tokens: 32, loadFactor })
            .place(names(nodes).map((name, i) => ({ name, weight: weight(i) })));
          const { owners, loads, bounds, relaxed } = placement.assign(jobs(keys));
          assertEquals(owners.size, keys);
          assertEquals(relaxed, []);
          for (const [i, name] of names(nodes).entries()) {
            assertEquals(bounds.get(name), Math.ceil(loadFactor * keys * weight(i) / total));
            assertLessOrEqual(loads.get(name)!, bounds.get(name)!);
          }
          assertEquals([...loads.values()].reduce((sum, load) => sum + load, 0), keys);
        },
      ),
      { seed: SEED, numRuns: 40 },
    );
  });

  it("bounded().assign() does not depend on the order of keys or on duplicates", () => {
    const placement = bounded({ tokens: 32, loadFactor: 1.05 }).place(names(7));
    const keys = [...jobs(200), 17n, 18n];
    const a = placement.assign(keys);
    const b = placement.assign([...keys, ...keys].reverse());
    for (const key of keys) assertEquals(a.owners.get(key), b.owners.get(key));
  });

  it("bounded() keys that meet no full node stay with their owner on the ring", () => {
    const placement = bounded({ tokens: 64, loadFactor: 1_000 }).place(names(9));
    const { owners } = placement.assign(jobs(300));
    const plain = ring({ tokens: 64 }).place(names(9));
    for (const key of jobs(300)) assertEquals(owners.get(key), plain.owners(key, 1)[0]);
  });

  it("bounded().choose() takes the first node on the ring with room", () => {
    const placement = bounded({ tokens: 64 }).place(names(4));
    const order = placement.owners("job", 4);
    assertEquals(placement.choose("job", new Map()).node, order[0]);
    const full = new Map([[order[0]!, 10], [order[1]!, 10], [order[2]!, 2], [order[3]!, 2]]);
    assertEquals(placement.choose("job", full), { node: order[2]!, relaxed: false, bound: 8 });
  });

  it("bounded() never throws for load: it takes the least loaded node and says so", () => {
    const caps = new Map(names(3).map((name) => [name, 2]));
    const placement = bounded({ tokens: 64, caps }).place(names(3));
    const { owners, loads, relaxed } = placement.assign(jobs(9));
    assertEquals(owners.size, 9);
    assertEquals(relaxed.length, 3);
    assertEquals([...loads.values()], [3, 3, 3]);
    const choice = placement.choose(
      "one more",
      new Map([["node-0", 5], ["node-1", 4], ["node-2", 6]]),
    );
    assertEquals(choice, { node: "node-1", relaxed: true, bound: 2 });
    assert(Object.isFrozen(choice));
  });

  it("bounded() a node with cap 0 gets nothing while others have room", () => {
    const placement = bounded({ caps: new Map([["node-1", 0]]) }).place(names(3));
    const { loads, relaxed } = placement.assign(jobs(2));
    assertEquals(loads.get("node-1"), 0);
    assertEquals(relaxed, []);
  });

  it("bounded() a node that leaves moves its own keys and few others", () => {
    const before = bounded({ loadFactor: 1.25 }).place(names(20));
    const after = before.without("node-3");
    const keys = jobs(2_000);
    const was = before.assign(keys).owners;
    const is = after.assign(keys).owners;
    const strays = keys.filter((key) => was.get(key) !== "node-3" && was.get(key) !== is.get(key));
    assertLess(strays.length / keys.length, 0.1);
  });

  it("bounded() without nodes has no place for a key", () => {
    const none = bounded().place([]);
    assertThrows(() => none.choose("job", new Map()), NotEnoughNodesError);
    assertThrows(() => none.assign(["job"]), NotEnoughNodesError);
    assertEquals(none.assign([]).owners.size, 0);
  });

  it("bounded() is total, deterministic and never throws over all small members, keys, factors and caps", () => {
    for (let nodes = 1; nodes <= 5; nodes++) {
      for (let keys = 0; keys <= 12; keys++) {
        for (const loadFactor of [1 + Number.EPSILON, 1.25, 3]) {
          for (const cap of [undefined, 0, 1, 2]) {
            const caps = new Map(
              cap === undefined ? [] : names(nodes - 1).map((name) => [name, cap]),
            );
            const placement = bounded({ tokens: 8, loadFactor, caps }).place(names(nodes));
            const { owners, loads, bounds, relaxed } = placement.assign(jobs(keys));
            const again = placement.assign(jobs(keys).reverse());
            assertEquals([...again.owners].sort(), [...owners].sort());
            assertEquals(owners.size, keys);
            for (const [name, load] of loads) {
              const own = [...owners.values()].filter((owner) => owner === name).length;
              assertEquals(load, own);
              if (relaxed.length === 0) assertLessOrEqual(load, bounds.get(name)!);
            }
            const room = [...bounds.values()].reduce((sum, bound) => sum + bound, 0);
            assertEquals(relaxed.length, Math.max(0, keys - room));
          }
        }
      }
    }
  });

  it("bounded().choose() takes infinite loads and refuses those that are no numbers", () => {
    const placement = bounded({ tokens: 8 }).place(names(2));
    const all = new Map(names(2).map((name) => [name, Infinity]));
    const { node, relaxed } = placement.choose("job", all);
    assertEquals([node, relaxed], [placement.owners("job", 1)[0], true]);
    for (const load of [NaN, -1]) {
      assertThrows(
        () => placement.choose("job", new Map([["node-0", load]])),
        RangeError,
        "'loads'",
      );
    }
  });

  it("bounded() refuses settings out of range", () => {
    for (const loadFactor of [1, 0, -1, NaN, 1_001]) {
      assertThrows(() => bounded({ loadFactor }), RangeError, "'loadFactor' must be above 1");
    }
    for (const cap of [-1, 0.5, NaN]) {
      assertThrows(() => bounded({ caps: new Map([["a", cap]]) }), RangeError, "'caps'");
    }
  });
});
