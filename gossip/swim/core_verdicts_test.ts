import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { ack, dead, messages, nextPing, solo, suspect } from "./_harness_played.ts";
import { alive, entry } from "./_harness_solo.ts";

describe("SwimCore suspicions", () => {
  it("become a death 20 s later in a cluster of 3 (C-76)", () => {
    const it = solo(2);
    it.receive(suspect("p1", 1));
    it.run(19_999);
    assertEquals(it.names, ["me", "p1", "p2"]);
    it.run(1);
    assertEquals([it.names, it.record("p1")?.state], [["me", "p2"], 2]);
    const told = messages(it.drain(), "dead");
    assert(told.length > 0);
    assertEquals(told[0], dead("p1", 1, "me"));
  });

  const timelines = [[0, 120_000], [1, 56_907], [2, 20_000]] as const;
  for (const [accusers, expected] of timelines) {
    it(`last ${expected} ms of 4 nodes with ${accusers} further accusers (C-77)`, () => {
      const it = solo(3);
      it.answering = true;
      const begin = it.now;
      it.receive(suspect("p1", 1, "p2"));
      for (let i = 0; i < accusers; i++) it.receive(suspect("p1", 1, `x${i}`));
      while (it.names.includes("p1")) {
        it.run(1);
        assert(it.now - begin < 130_000);
      }
      assertEquals(it.now - begin, expected);
    });
  }

  it("count and gossip each accuser once (C-78)", () => {
    const it = solo(5);
    it.receive(suspect("p1", 1, "p2"));
    it.receive(suspect("p1", 1, "p3"));
    it.receive(suspect("p1", 1, "p3"));
    it.receive(suspect("p1", 1, "p2"));
    const told = messages(it.drain(), "suspect");
    // The second replaced the first, with its own accuser (T-25).
    assertEquals(new Set(told.map(({ from }) => from)), new Set(["p3"]));
    assertEquals(told.length, 4);
  });

  it("are not lifted by alive with the same incarnation, but by a higher one (C-91)", () => {
    const it = solo(3);
    it.receive(suspect("p1", 1));
    it.receive(alive("p1", "10.0.1.1:8080"));
    assertEquals(it.core.stats.suspect, 1);
    const events = it.of("peers").length;
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 2 }));
    assertEquals([it.core.stats.suspect, it.of("peers").length], [0, events]);
    assertEquals(it.counted("eventNodeJoin"), 4);
    // The timer is gone: the probes are answered, so nobody dies.
    for (let i = 0; i < 60; i++) it.receive(ack(nextPing(it).message.seqNo));
    assertEquals(it.names.length, 4);
  });

  it("of unknown nodes, or of an older incarnation, are nothing", () => {
    const it = solo(1);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 3 }));
    it.drain();
    it.receive(suspect("nobody", 1), suspect("p1", 2), dead("nobody", 1), dead("p1", 2));
    assertEquals([it.core.stats.suspect, it.core.stats.queuedBroadcasts, it.names], [0, 0, [
      "me",
      "p1",
    ]]);
  });
});

describe("SwimCore refutations", () => {
  for (const [what, accuse] of [["suspect", suspect], ["dead", dead]] as const) {
    it(`answer ${what} about self at or above the own incarnation (C-79)`, () => {
      const it = solo(2);
      it.receive(accuse("me", 1));
      assertEquals(it.record("me")?.incarnation, 2);
      it.receive(accuse("me", 7));
      assertEquals(it.record("me")?.incarnation, 8);
      assertEquals([it.core.stats.healthScore, it.counted("refutation")], [2, 2]);
      const told = messages(it.drain(), "alive");
      assertEquals(new Set(told.map(({ incarnation }) => incarnation)), new Set([8]));
      assertEquals(told[0]?.node, "me");
    });

    it(`ignore ${what} about self below the own incarnation (C-80)`, () => {
      const it = solo(2);
      it.receive(accuse("me", 1));
      it.drain();
      it.receive(accuse("me", 1));
      assertEquals([it.core.stats.queuedBroadcasts, it.core.stats.healthScore], [0, 1]);
    });
  }

  it("answer alive about self with a higher incarnation or other data, not the same (C-81)", () => {
    const it = solo(2);
    const own = (fields = {}) => alive("me", "10.0.0.1:8080", fields);
    it.receive(own());
    it.receive(own({ meta: new Uint8Array() }));
    assertEquals(it.counted("refutation"), 0);
    it.receive(own({ incarnation: 5 }));
    assertEquals(it.record("me")?.incarnation, 6);
    it.receive(own({ incarnation: 6, meta: Uint8Array.of(1) }));
    assertEquals(it.record("me")?.incarnation, 7);
    it.receive(own({ incarnation: 7, vsn: Uint8Array.of(1, 5, 3, 0, 0, 0) }));
    assertEquals(it.record("me")?.incarnation, 8);
  });

  it("do not answer alive about self at another address: that is a conflict (C-81, T-28)", () => {
    const it = solo(2);
    it.receive(alive("me", "10.0.0.2:8080", { incarnation: 9 }));
    assertEquals(it.of("conflict"), [
      { type: "conflict", name: "me", known: "10.0.0.1:8080", claimed: "10.0.0.2:8080" },
    ]);
    assertEquals([it.counted("refutation"), it.record("me")?.incarnation], [0, 1]);
  });

  it("never come near the end of the incarnations", () => {
    const it = solo(2);
    it.receive(suspect("me", 0xffff_ffff), dead("me", 0xfff0_0001));
    it.receive(alive("me", "10.0.0.1:8080", { incarnation: 0xffff_ffff }));
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 0xffff_ffff }));
    assertEquals(it.refusals, Array(4).fill("incarnation"));
    assertEquals([it.record("me")?.incarnation, it.record("p1")?.incarnation], [1, 1]);
    it.receive(suspect("me", 0xfff0_0000));
    assertEquals(it.record("me")?.incarnation, 0xfff0_0001);
    // At the incarnation that it has it can still be accused, answer, and hear its own echo.
    it.receive(
      suspect("me", 0xfff0_0001),
      alive("me", "10.0.0.1:8080", { incarnation: 0xfff0_0002 }),
    );
    assertEquals([it.record("me")?.incarnation, it.refusals.length], [0xfff0_0002, 4]);
  });

  it("leave nobody immortal: one at the highest incarnation can be accused and die", () => {
    const it = solo(2);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 0xffff_0000 }));
    it.receive(suspect("p1", 0xffff_0001));
    assertEquals([it.refusals, it.core.stats.suspect], [["incarnation"], 0]);
    it.receive(suspect("p1", 0xffff_0000));
    it.run(20_000);
    assertEquals(it.names, ["me", "p2"]);
  });

  it("are not owed to accusers without a sane name, which nobody gossips on", () => {
    const it = solo(2);
    it.receive(suspect("p1", 1, "x".repeat(2000)), dead("p1", 1, "x".repeat(2000)));
    assertEquals([it.refusals, it.names], [["limit", "limit"], ["me", "p1", "p2"]]);
    assertEquals(it.core.stats.queuedBroadcasts, 0);
  });
});

describe("SwimCore push/pull entries", () => {
  it("that are dead or suspect are suspected in its own name, left ones left (C-90, T-24)", () => {
    const it = solo(4);
    it.pushPull([
      entry("p1", "10.0.1.1:8080", { state: 2 }),
      entry("p2", "10.0.1.2:8080", { state: 1 }),
      entry("p3", "10.0.1.3:8080", { state: 3 }),
      entry("p4", "10.0.1.4:8080", { state: 9 }),
      entry("p5", "10.0.1.5:8080"),
    ]);
    assertEquals([1, 2, 3, 4, 5].map((i) => it.record(`p${i}`)?.state), [1, 1, 3, 0, 0]);
    const told = it.drain().map(({ message }) => message);
    assertEquals(
      told.find((message) => message.type === "suspect" && message.node === "p1"),
      suspect("p1", 1, "me"),
    );
    assertEquals(told.find((message) => message.type === "dead"), dead("p3", 1, "p3"));
  });

  it("about itself as suspect, dead or left are refuted (5.15)", () => {
    for (const state of [1, 2, 3]) {
      const it = solo(1);
      it.pushPull([entry("me", "10.0.0.1:8080", { state, incarnation: 4 })]);
      assertEquals([it.record("me")?.incarnation, it.record("me")?.state], [5, 0]);
    }
  });

  it("about itself as alive in a higher incarnation are refuted, in the same not (C-100)", () => {
    const it = solo(1);
    it.pushPull([entry("me", "10.0.0.1:8080")]);
    assertEquals(it.record("me")?.incarnation, 1);
    it.pushPull([entry("me", "10.0.0.1:8080", { incarnation: 3 })]);
    assertEquals(it.record("me")?.incarnation, 4);
  });
});
