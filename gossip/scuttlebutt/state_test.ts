import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { Solo } from "./_harness.ts";

describe("local state", () => {
  it("1: a new node has version 0 and no entries, and knows itself", () => {
    const { core, events } = new Solo();
    assertEquals(core.localNode.version, 0);
    assertEquals(core.localNode.entries, []);
    assertEquals(core.nodes().map(({ id }) => id), ["a"]);
    assertEquals(events, []);
  });

  it("2: upsert a=1, b=2, a=3 leaves b@2 and a@3", () => {
    const solo = new Solo();
    solo.upsert("a", "1");
    solo.upsert("b", "2");
    assertEquals(solo.upsert("a", "3"), 3);
    assertEquals(solo.held("a"), ["b=2@2", "a=3@3"]);
  });

  it("3: the same value again takes no version", () => {
    const solo = new Solo();
    solo.upsert("a", "1");
    assertEquals(solo.core.upsertLocal("a", "1", 0), { version: 1, changed: false, large: false });
  });

  it("4: a delete leaves a tombstone, once", () => {
    const solo = new Solo();
    solo.upsert("a", "1");
    assertEquals(solo.delete("a"), 2);
    assertEquals(solo.core.localNode.entries, [
      { key: "a", value: "", version: 2, internal: false, deleted: true },
    ]);
    assertEquals(solo.delete("a"), 2);
    assertEquals(solo.delete("never"), 2);
  });

  it("5: an empty value is set again after a delete", () => {
    const solo = new Solo();
    solo.upsert("a", "");
    solo.delete("a");
    assertEquals(solo.upsert("a", ""), 3);
    assertEquals([...solo.live("a")], [["a", ""]]);
  });

  it("6: what is over a limit is refused, and changes nothing", () => {
    const solo = new Solo({ maxValueBytes: 10, maxKeys: 2, maxNodeBytes: 20 });
    solo.upsert("k", "v");
    const refused: readonly [() => void, new (...args: never[]) => Error][] = [
      [() => solo.upsert("_internal:x", ""), RangeError],
      [() => solo.delete("_internal:x"), RangeError],
      [() => solo.upsert("x".repeat(256), ""), RangeError],
      [() => solo.upsert("é".repeat(128), ""), RangeError],
      [() => solo.upsert("x", "y".repeat(11)), RangeError],
      [() => solo.upsert("x", "\ud800"), TypeError],
      [() => solo.upsert("x", 1 as never), TypeError],
      [() => solo.upsert("x".repeat(9), "y".repeat(10)), RangeError],
    ];
    for (const [write, error] of refused) {
      assertThrows(write, error as never, "Cannot ");
      assertEquals(solo.core.localNode.version, 1);
    }
    solo.upsert("x".repeat(9), "y".repeat(9));
    assertThrows(() => solo.upsert("third", ""), RangeError);
    solo.delete("k");
    assertEquals(solo.upsert("m", ""), 4, "a deleted key makes room");
  });

  it("6: values are limited to 64 KiB, and large above 4 KiB, by default", () => {
    const { core } = new Solo();
    assertThrows(() => core.upsertLocal("a", "v".repeat(65_537), 0), RangeError, "65536");
    assert(core.upsertLocal("a", "v".repeat(65_536), 0).large);
    assert(core.upsertLocal("a", "v".repeat(4097), 0).large);
    assert(!core.upsertLocal("a", "v".repeat(4096), 0).large);
  });

  it("7: after the leave nothing is written any more", () => {
    const solo = new Solo();
    solo.upsert("a", "1");
    solo.leave();
    const { version, entries, left } = solo.core.localNode;
    assertEquals([version, left, entries.at(-1)!.key], [2, true, "_internal:left"]);
    const error = assertThrows(() => solo.upsert("a", "2"), DOMException);
    assertEquals(error.name, "InvalidStateError");
    assertThrows(() => solo.delete("a"), DOMException);
    solo.leave();
    assertEquals(solo.core.localNode.version, 2);
  });

  it("17: 500 tombstones are compacted, 499 are not", () => {
    for (const tombstones of [499, 500]) {
      const solo = new Solo();
      const keep = ["k1", "k2", "k3"];
      // 500 deletes of 250 keys that were there before: one version each.
      for (let i = 0; i < tombstones; i++) solo.upsert(`t${i}`, "x");
      for (let i = 0; i < tombstones; i++) solo.delete(`t${i}`);
      for (const key of keep) solo.upsert(key, key);
      const before = solo.core.localNode.version;
      solo.run(6000);
      if (tombstones === 499) {
        assertEquals(solo.core.localNode.version, before);
        continue;
      }
      assertEquals(solo.held("a"), [
        ...keep.map((key, i) => `${key}=${key}@${before + 1 + i}`),
        `_internal:compact=${before}@${before + 4}`,
      ]);
      assertEquals(solo.core.scuttlebuttStats.compactions, 1);
      assertEquals(solo.core.scuttlebuttStats.tombstones, 0);
    }
  });

  it("17: a ratio holds the compaction back, and leaving forbids it", () => {
    const world = (compactRatio: number): Solo => {
      const solo = new Solo({ compactThreshold: 5, compactRatio });
      for (let i = 0; i < 5; i++) solo.upsert(`t${i}`, "x");
      for (let i = 0; i < 5; i++) solo.delete(`t${i}`);
      for (let i = 0; i < 3; i++) solo.upsert(`k${i}`, "x");
      return solo;
    };
    const outcome = (solo: Solo): number => {
      solo.run(6000);
      return solo.core.scuttlebuttStats.compactions;
    };
    assertEquals([outcome(world(1.5)), outcome(world(2))], [1, 0]);
    const leaver = world(0);
    leaver.leave();
    assertEquals(outcome(leaver), 0);
  });

  it("snapshots are frozen, and stay as they were", () => {
    const solo = new Solo();
    solo.upsert("a", "1");
    const { localNode } = solo.core;
    solo.upsert("a", "2");
    assertEquals(localNode.entries.map(({ value }) => value), ["1"]);
    assert(Object.isFrozen(localNode) && Object.isFrozen(localNode.entries));
    assert(Object.isFrozen(localNode.entries[0]));
    assert(Object.isFrozen(solo.core.nodes()) && Object.isFrozen(solo.core.nodes()[0]));
  });
});
