import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { block, entry, listed, Solo, source, TAG, words } from "./_harness.ts";
import type { Block } from "./messages.ts";
import { decodePacket, encodeFrame } from "./wire/codec.ts";

const A1 = entry("a", "1", 1);

/** A node `b` with 500 tombstones and three keys, compacted: all blocks that it would send, by the version asked for. */
function compacted(): { readonly at: (from: number) => Block; readonly versions: number } {
  const owner = new Solo({ id: "b" });
  for (const key of ["k1", "k2", "k3"]) owner.upsert(key, key);
  for (let i = 0; i < 500; i++) owner.upsert(`t${i}`, "x");
  for (let i = 0; i < 500; i++) owner.delete(`t${i}`);
  owner.run(6000);
  const { entries, version } = owner.core.localNode;
  const at = (from: number): Block =>
    block("b", entries.filter((one) => one.version > from), { from });
  return { at, versions: version };
}

/** What a replica holds that stopped at version `version` of the same node before its compaction. */
function replicaAt(version: number): Solo {
  const owner = new Solo({ id: "b" });
  for (const key of ["k1", "k2", "k3"]) owner.upsert(key, key);
  for (let i = 0; i < 500; i++) owner.upsert(`t${i}`, "x");
  for (let i = 0; i < 500 && owner.core.localNode.version < version; i++) owner.delete(`t${i}`);
  const replica = new Solo();
  const entries = owner.core.localNode.entries.filter((one) => one.version <= version);
  replica.delta(block("b", entries));
  return replica;
}

/** Some seconds of work on a busy machine: Bun gives a test five unless told otherwise. */
const LONG = { timeout: 120_000 };

describe("deltas", () => {
  it("8: an unknown node joins, then its keys come", () => {
    const solo = new Solo();
    assertEquals(words(solo.delta(block("b", [A1, entry("b", "2", 4)]))), [
      "join b",
      "upsertKey b a=1",
      "upsertKey b b=2",
    ]);
    assertEquals(solo.core.node("b")!.version, 4);
  });

  it("9: the same delta again changes nothing", () => {
    const solo = new Solo();
    const delta = block("b", [A1, entry("b", "2", 4)]);
    solo.delta(delta);
    const before = solo.core.node("b");
    assertEquals(solo.delta(delta), []);
    assertEquals(solo.effects, []);
    assertEquals(solo.core.node("b"), before);
  });

  it("10: a delta from a later version is refused as a whole", () => {
    const solo = new Solo();
    solo.delta(block("b", [A1, entry("b", "2", 2)]));
    const gap = block("b", [entry("c", "3", 5)], { from: 4, heartbeat: 9, left: true });
    assertEquals(solo.delta(gap), []);
    assertEquals(solo.refusals, ["gap"]);
    const { version, heartbeat, left } = solo.core.node("b")!;
    assertEquals([version, heartbeat, left], [2, 1, false]);
    assertEquals(solo.delta(block("c", [entry("c", "3", 5)], { from: 4 })), []);
    assertEquals(solo.refusals, ["gap"]);
    assertEquals(solo.core.node("c"), undefined);
  });

  it("11: entries that are held already are skipped", () => {
    const solo = new Solo();
    solo.delta(block("b", [entry("a", "1", 5)]));
    const events = solo.delta(
      block("b", [entry("a", "old", 3), entry("c", "new", 6)], { from: 2 }),
    );
    assertEquals(words(events), ["upsertKey b c=new"]);
    assertEquals(solo.held("b"), ["a=1@5", "c=new@6"]);
  });

  it("12: versions that do not rise cannot be decoded; a block about the own node is ignored", () => {
    const solo = new Solo();
    const bytes = encodeFrame(
      {
        type: "fin",
        source: source("z"),
        known: 1,
        exchange: 0,
        delta: [block("b", [{ ...A1, version: 0 }])],
      },
      TAG,
    );
    solo.step({ type: "packet", bytes });
    assertEquals(solo.refusals, ["decode"]);
    solo.upsert("mine", "1");
    assertEquals(solo.delta(block("a", [entry("mine", "theirs", 1)], { heartbeat: 0 })), []);
    assertEquals(solo.held("a"), ["mine=1@1"]);
  });

  it("13: a tombstone over a live key deletes it, one for a key that is not held is silent", () => {
    const solo = new Solo();
    solo.delta(block("b", [A1]));
    const events = solo.delta(
      block("b", [entry("a", undefined, 2), entry("x", undefined, 3)], { from: 1 }),
    );
    assertEquals(words(events), ["deleteKey b a"]);
    assertEquals(solo.held("b"), ["a@2", "x@3"]);
  });

  it("14: the same value at a new version is silent", () => {
    const solo = new Solo();
    solo.delta(block("b", [A1]));
    assertEquals(solo.delta(block("b", [entry("a", "1", 7)], { from: 1 })), []);
    assertEquals(solo.held("b"), ["a=1@7"]);
  });

  it("15: a block without entries makes an unknown node known", () => {
    const solo = new Solo();
    assertEquals(words(solo.delta(block("b", []))), ["join b"]);
    assertEquals(solo.core.node("b")!.version, 0);
    assertEquals(solo.delta(block("b", [])), []);
  });

  it("16: an older life is ignored, a newer one takes its place", () => {
    const solo = new Solo();
    solo.delta(block("b", [A1, entry("old", "1", 2)], { generation: 7 }));
    assertEquals(solo.delta(block("b", [entry("z", "1", 9)], { generation: 5 })), []);
    const events = solo.delta(
      block("b", [entry("a", "2", 1)], { generation: 8, addr: "10.9.9.9:1" }),
    );
    assertEquals(events.map(({ type, generation }) => `${type} ${generation}`), [
      "expired 7",
      "join 8",
      "upsertKey 8",
    ]);
    assertEquals(solo.held("b"), ["a=2@1"]);
    assertEquals(solo.core.node("b")!.addr, "10.9.9.9:1");
  });

  it("16: a newer life that begins with a hole does not end the older one", () => {
    const solo = new Solo();
    solo.delta(block("b", [A1], { generation: 7 }));
    solo.delta(block("b", [entry("a", "2", 4)], { generation: 8, from: 3 }));
    assertEquals(solo.refusals, ["gap"]);
    assertEquals(solo.core.node("b")!.generation, 7);
  });

  it("18: replicas of every version end with the same map after a compaction", () => {
    const { at, versions } = compacted();
    const expected = at(0).entries;
    for (const version of [0, 3, 250, 503, 800, 1003]) {
      const replica = version === 0 ? new Solo() : replicaAt(version);
      const deleted = [...replica.core.node("b")?.entries ?? []]
        .filter((one) => !one.deleted && one.key.startsWith("t")).map(({ key }) => key);
      const events = replica.delta(at(version));
      assertEquals(replica.core.node("b")!.entries, expected);
      const fired = events.filter(({ type }) => type === "deleteKey");
      assertEquals(fired.map((event) => "key" in event && event.key), deleted);
      if (version >= 3) {
        assertEquals(events.filter(({ type }) => type === "upsertKey"), []);
      }
    }
    // In the middle of the new versions, and at the marker.
    for (const version of [versions - 2, versions]) {
      const replica = replicaAt(1003);
      const all = at(1003);
      replica.delta({ ...all, entries: all.entries.filter((one) => one.version <= version) });
      replica.delta(at(version));
      assertEquals(replica.core.node("b")!.entries, expected);
    }
  });

  it(
    "19: the same, cut after every entry and resumed from another replica that is midway, too",
    LONG,
    () => {
      const { at } = compacted();
      const { entries } = at(0);
      for (let first = 0; first <= entries.length; first++) {
        for (let second = 0; second <= entries.length; second++) {
          const relay = replicaAt(400);
          relay.delta({ ...at(400), entries: entries.slice(0, second) });
          const replica = replicaAt(250);
          replica.delta({ ...at(250), entries: entries.slice(0, first) });
          const { version } = replica.core.node("b")!;
          const relayed = relay.core.node("b")!.entries.filter((one) => one.version > version);
          replica.delta(block("b", relayed, { from: version }));
          const { version: now } = replica.core.node("b")!;
          replica.delta(at(now));
          assertEquals(replica.core.node("b")!.entries, entries);
        }
      }
    },
  );

  it("20: a later compaction contains the earlier one", () => {
    const owner = new Solo({ id: "b", compactThreshold: 3 });
    const laggard = new Solo();
    for (const key of ["x", "y", "k"]) owner.upsert(key, key);
    laggard.delta(block("b", owner.core.localNode.entries));
    for (let compaction = 0; compaction < 2; compaction++) {
      for (const key of ["p", "q", "r"]) owner.upsert(key, key);
      for (const key of ["p", "q", "r"]) owner.delete(key);
      owner.run(6000);
    }
    assertEquals(owner.core.scuttlebuttStats.compactions, 2);
    const { entries } = owner.core.localNode;
    assertEquals(laggard.delta(block("b", entries, { from: 3 })), []);
    assertEquals(laggard.core.node("b")!.entries, entries);
  });

  it("20: a marker that no owner would write ends the block", () => {
    for (const marker of ["abc", "03", "-1", "1.5", "", "4", "99999999999999999999"]) {
      const solo = new Solo();
      solo.delta(
        block("b", [A1, entry("b", "2", 2), entry("_internal:compact", marker, 4), {
          ...A1,
          version: 9,
        }]),
      );
      assertEquals(solo.refusals, ["decode"]);
      assertEquals(solo.held("b"), ["a=1@1", "b=2@2"]);
    }
  });

  it("21: a new version of the goodbye is no second goodbye", () => {
    const solo = new Solo();
    solo.delta(block("b", [A1, entry("_internal:left", "", 2)]));
    assertEquals(words(solo.events), ["join b", "upsertKey b a=1", "leave b"]);
    const { expiry } = solo.core.node("b")!;
    solo.run(3000);
    assertEquals(solo.delta(block("b", [entry("_internal:left", "", 6)], { from: 2 })), []);
    assertEquals(Math.round(solo.core.node("b")!.expiry! - expiry!), 0);
  });

  it("a key and its flag that contradict each other end the block", () => {
    const solo = new Solo();
    solo.delta(block("b", [A1, { ...entry("_internal:left", "", 2), internal: false }]));
    assertEquals(solo.refusals, ["decode"]);
    solo.delta(block("c", [A1, { ...entry("x", "", 2), internal: true }]));
    assertEquals(solo.refusals, ["decode"]);
    assertEquals([solo.held("b"), solo.held("c")], [["a=1@1"], ["a=1@1"]]);
    assertEquals(solo.core.node("b")!.left, false);
  });

  it("a node with more keys than any may have is cut off, and nobody else", () => {
    const solo = new Solo({ maxKeys: 10, compactThreshold: 1 });
    const entries = Array.from({ length: 400 }, (_, i) => entry(`k${i}`, "v", i + 1));
    solo.delta(block("b", entries), block("c", [A1]));
    assertEquals(solo.refusals, ["limit"]);
    assertEquals(solo.core.node("b")!.entries.length, 150);
    assertEquals(solo.held("c"), ["a=1@1"]);
  });

  it("nodes beyond the limit are ignored, and counted", () => {
    const solo = new Solo({ maxNodes: 3 });
    solo.delta(block("b", []), block("c", []), block("d", []));
    assertEquals(solo.refusals, ["limit"]);
    assertEquals(solo.core.nodes().map(({ id }) => id), ["a", "b", "c"]);
    // Nothing is wanted that could not be held.
    const [answer] = solo.syn([listed("e", 3)], { known: 9 });
    assertEquals(answer?.type === "synAck" && answer.digest.some(({ want }) => want), false);
  });

  it("a node at no address is refused", () => {
    const solo = new Solo();
    for (const addr of ["host:80", "10.0.0.1", "10.0.0.1:0", "x"]) {
      assertEquals(solo.delta(block("b", [], { addr })), []);
      assertEquals(solo.refusals, ["address"]);
    }
    solo.packet({ ...decodePacketOf(source("z", { addr: "nowhere" })) });
    assertEquals(solo.refusals, ["address"]);
  });
});

function decodePacketOf(from: ReturnType<typeof source>) {
  const packet = { type: "syn" as const, source: from, known: 1, exchange: 1, digest: [] };
  return decodePacket(encodeFrame(packet, TAG), TAG);
}
