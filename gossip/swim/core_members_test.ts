import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { dead, messages, solo } from "./_harness_played.ts";
import { alive } from "./_harness_solo.ts";

describe("SwimCore members", () => {
  it("are not made by incarnation 0 (C-82, T-14)", () => {
    const it = solo(0);
    it.receive(alive("x", "10.0.2.1:80", { incarnation: 0 }));
    assertEquals([it.names, it.record("x")], [["me"], undefined]);
  });

  it("that died return with a higher incarnation only (C-83)", () => {
    const it = solo(2);
    it.receive(dead("p1", 1));
    it.receive(alive("p1", "10.0.1.1:8080"));
    assertEquals(it.names, ["me", "p2"]);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 2 }));
    assertEquals(it.names, ["me", "p1", "p2"]);
    assertEquals([it.counted("eventNodeJoin"), it.counted("eventNodeLeave")], [4, 1]);
  });

  it("that left return at another address with any incarnation (C-84)", () => {
    const it = solo(2);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 9 }), dead("p1", 9, "p1"));
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 9 }));
    assertEquals(it.names, ["me", "p2"]);
    it.receive(alive("p1", "10.0.1.1:9090", { incarnation: 2 }));
    assertEquals(it.core.peers[1]?.addr, "10.0.1.1:9090");
    assertEquals(it.record("p1")?.incarnation, 2);
  });

  it("that died do not return at another address (C-85), unless reclaiming is on", () => {
    const it = solo(2);
    it.receive(dead("p1", 1));
    it.run(10_000);
    it.receive(alive("p1", "10.0.1.1:9090", { incarnation: 5 }));
    assertEquals([it.names, it.of("conflict").length], [["me", "p2"], 1]);
    const reclaiming = solo(2, { deadNodeReclaimMs: 5000 });
    reclaiming.receive(dead("p1", 1));
    reclaiming.run(4000);
    reclaiming.receive(alive("p1", "10.0.1.1:9090", { incarnation: 1 }));
    assertEquals(reclaiming.names, ["me", "p2"]);
    reclaiming.run(1001);
    reclaiming.receive(alive("p1", "10.0.1.1:9090", { incarnation: 1 }));
    assertEquals(reclaiming.names, ["me", "p1", "p2"]);
  });

  it("with the same address in 16 bytes are in conflict (C-86, T-11)", () => {
    const it = solo(1);
    const addr = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 1, 1);
    it.receive(alive("p1", "10.0.1.1:8080", { addr, incarnation: 4 }));
    assertEquals(it.of("conflict")[0]?.claimed, "[::ffff:10.0.1.1]:8080");
    assertEquals(it.record("p1")?.incarnation, 1);
  });

  it("in conflict are told once in 30 s and name, and counted each time", () => {
    const it = solo(2);
    const claim = () => it.receive(alive("p1", "10.0.7.7:1", { incarnation: 4 }));
    for (let i = 0; i < 5; i++) claim();
    it.receive(alive("p2", "10.0.7.7:1", { incarnation: 4 }));
    assertEquals([it.of("conflict").length, it.counted("eventNodeConflict")], [2, 6]);
    it.run(30_000);
    claim();
    assertEquals(it.of("conflict").length, 3);
  });

  const versions = [[], [0, 5, 2], [0, 5, 2, 0, 0, 0], [1, 0, 2, 0, 0, 0], [5, 1, 2, 0, 0, 0], [
    1,
    5,
    0,
    0,
    0,
    0,
  ], [1, 5, 2, 0, 0, 0, 0]];
  for (const vsn of versions) {
    it(`with versions [${vsn}] are ignored, and kept from poisoning others (C-87, T-04)`, () => {
      const it = solo(0);
      it.receive(alive("x", "10.0.2.1:80", { vsn: Uint8Array.from(vsn) }));
      assertEquals([it.names, it.refusals, it.record("x")], [["me"], ["version"], undefined]);
    });
  }

  it("are left when they say so themselves, else dead; what they are they stay (C-88, C-89)", () => {
    const it = solo(3);
    it.receive(dead("p1", 1, "p1"), dead("p2", 1, "p3"));
    assertEquals([it.record("p1")?.state, it.record("p2")?.state], [3, 2]);
    it.receive(dead("p1", 1, "p3"), dead("p2", 1, "p2"));
    assertEquals([it.record("p1")?.state, it.record("p2")?.state], [3, 2]);
    assertEquals([it.core.stats.left, it.core.stats.dead, it.counted("eventNodeLeave")], [1, 1, 2]);
    const told = messages(it.drain(), "dead");
    assert(told.some((message) => message.from === "p1" && message.node === "p1"));
    assert(told.some((message) => message.from === "p3" && message.node === "p2"));
  });

  it("with other metadata are updated", () => {
    const it = solo(1);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 2, meta: Uint8Array.of(7) }));
    assertEquals([it.counted("eventNodeUpdate"), it.record("p1")?.meta], [1, Uint8Array.of(7)]);
    const told = messages(it.drain(), "alive");
    assertEquals(told[0]?.meta, Uint8Array.of(7));
  });

  it("without a port have 7946", () => {
    const it = solo(0);
    it.receive({ ...alive("x", "10.0.2.1:80"), port: 0 });
    assertEquals(it.core.peers[1]?.addr, "10.0.2.1:7946");
  });

  it("beyond the bound are refused", () => {
    const it = solo(0, { maxMembers: 3 });
    for (let i = 1; i < 6; i++) it.receive(alive(`x${i}`, `10.0.2.${i}:80`));
    assertEquals([it.names, it.refusals], [["me", "x1", "x2"], ["limit", "limit", "limit"]]);
  });

  it("dead or left for more than 30 s are collected at the end of a round (C-98, C-97)", () => {
    const it = solo(4);
    it.receive(dead("p1", 1), dead("p2", 1, "p2"));
    const begin = it.now;
    const gossiped = new Set<string>();
    const gone: number[] = [];
    it.answering = true;
    for (let step = 0; step < 1000; step++) {
      // Something to gossip, always.
      it.receive(alive("p3", "10.0.1.3:8080", { incarnation: step + 2 }));
      for (const { to, message } of it.run(100)) {
        if (message.type !== "alive") continue;
        gossiped.add(to);
        if (to === "10.0.1.1:8080") assert(it.now - begin <= 30_100, "gossip to the long dead");
      }
      const n = it.core.stats.dead + it.core.stats.left;
      if (n === 0 && gone.length === 0) gone.push(it.now - begin);
    }
    assert(gossiped.has("10.0.1.1:8080"), "no gossip to the dead");
    assert(!gossiped.has("10.0.1.2:8080"), "gossip to the left");
    assert(!gossiped.has("10.0.0.1:8080"), "gossip to self");
    assert(gone[0]! > 30_000 && gone[0]! < 46_000, `collected after ${gone[0]}`);
    assertEquals(it.record("p1"), undefined);
  });
});
