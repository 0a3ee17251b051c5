import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { alive, entry, Solo, type SoloOptions } from "./_harness_solo.ts";
import { generationOf, generationTag, MAX_GENERATION_JUMP } from "./generation.ts";

const A = "10.0.1.1:8080";
const B = "10.0.1.2:8080";

function solo(options: SoloOptions = {}): Solo {
  const it = new Solo({ announceGeneration: true, generation: 1000, ...options });
  it.answering = true;
  return it;
}

const life = (generation: number, address = A, incarnation = 1) =>
  alive("x", address, { meta: generationTag(generation), incarnation });

const own = (generation: number, address: string, fields = {}) =>
  entry("me", address, { meta: generationTag(generation), ...fields });

const address = (it: Solo) => it.core.peers.find(({ name }) => name === "x")?.addr;

describe("SwimCore identity of others", () => {
  it("lets a newer generation evict a living one at once, at any incarnation", () => {
    const it = solo();
    it.receive(life(10, A, 9));
    it.receive(life(11, B, 1));
    assertEquals([address(it), it.record("x")?.incarnation], [B, 1]);
    assertEquals([it.of("conflict"), it.counted("eventNodeJoin")], [[], 3]);
    assertEquals(it.counted("eventNodeLeave"), 1);
  });

  it("takes an evicted name's declaration away with it", () => {
    const it = solo();
    it.receive(life(10));
    it.pushPull([], {
      currentTime: 5n,
      nodeStates: [{ nodeName: "x", newState: 1, time: 4n }],
    });
    assertEquals(it.core.peers[1]?.state, "participant");
    it.receive(life(11));
    assertEquals(it.core.peers[1]?.state, "viewer");
  });

  it("evicts suspects, dead and left ones as well", () => {
    for (const from of ["y", "x"]) {
      const it = solo();
      it.receive(life(10, A, 4), { type: "dead", node: "x", incarnation: 4, from });
      assertEquals(address(it), undefined);
      it.receive(life(11, B, 1));
      assertEquals(address(it), B);
    }
    const it = solo();
    it.receive(life(10, A, 4), { type: "suspect", node: "x", incarnation: 4, from: "y" });
    it.receive(life(11, B, 1));
    it.run(200_000);
    assertEquals([address(it), it.core.stats.suspect], [B, 0]);
  });

  it("refuses an older generation, wherever and however high its incarnation", () => {
    const it = solo();
    it.receive(life(11, B));
    it.receive(life(10, A, 50), life(10, B, 50));
    assertEquals([address(it), it.record("x")?.incarnation], [B, 1]);
    assertEquals([it.refusals, it.of("conflict")], [["stale", "stale"], []]);
  });

  it("falls back to memberlist's rules for the same generation, and for none", () => {
    const metas = [[generationTag(10), generationTag(10)], [undefined, generationTag(10)], [
      generationTag(10),
      undefined,
    ]];
    for (const [before, after] of metas) {
      const it = solo();
      it.receive(alive("x", A, { meta: before }));
      it.receive(alive("x", B, { meta: after, incarnation: 5 }));
      assertEquals([address(it), it.of("conflict").length], [A, 1]);
      it.receive(alive("x", A, { meta: after, incarnation: 1 }));
      assertEquals(it.record("x")?.meta, before);
      it.receive(alive("x", A, { meta: after, incarnation: 2 }));
      assertEquals(it.record("x")?.meta, after);
    }
  });

  it("does not hold the death of a former life against the newer one", () => {
    const it = solo();
    it.receive(life(10, A, 4));
    it.receive(life(11, A, 1));
    it.receive(
      { type: "dead", node: "x", incarnation: 4, from: "x" },
      { type: "suspect", node: "x", incarnation: 3, from: "y" },
    );
    assertEquals([address(it), it.core.stats.suspect], [A, 0]);
    it.receive({ type: "suspect", node: "x", incarnation: 5, from: "y" });
    assertEquals(it.core.stats.suspect, 1);
  });

  it("does not hold the end of a former life, as a whole state tells it, against the newer one", () => {
    for (const state of [1, 2, 3]) {
      const it = solo();
      it.receive(life(10, A, 2), life(11, B, 1));
      const meta = generationTag(10);
      it.pushPull([entry("x", A, { meta, state, incarnation: 7 })]);
      assertEquals([address(it), it.core.stats.suspect], [B, 0]);
    }
  });

  it("does not suspect a newer life because the former one was silent", () => {
    const it = solo();
    it.receive(life(10, A, 4));
    it.answering = false;
    while (it.counted("probe") === 0) it.run(1);
    it.receive(life(11, B, 1));
    it.run(4999);
    assertEquals([it.counted("probeFailed"), it.core.stats.suspect], [0, 0]);
    it.run(1);
    assertEquals([it.counted("probeFailed"), it.core.stats.suspect], [1, 0]);
  });

  it("still finds a newer life dead by its own probes", () => {
    const it = solo();
    it.receive(life(10, A, 4));
    it.receive(life(11, A, 1));
    it.answering = false;
    it.run(60_000);
    assertEquals(address(it), undefined);
  });

  it("refuses generations more than 100 years ahead of what is known", () => {
    const it = solo();
    it.receive(life(1000 + MAX_GENERATION_JUMP + 1));
    assertEquals([address(it), it.refusals], [undefined, ["generation"]]);
    it.receive(life(1000 + MAX_GENERATION_JUMP));
    assertEquals(address(it), A);
  });
});

describe("SwimCore's own identity", () => {
  const told = (it: Solo) => generationOf(it.record("me")?.meta);

  it("is raised above another life of its name, and announced (clock went back)", () => {
    for (const state of [0, 1, 2, 3]) {
      const it = solo();
      it.pushPull([own(2000, B, { state, incarnation: 6 })]);
      assertEquals([told(it), it.record("me")?.incarnation], [2001, 7]);
      assertEquals([it.of("conflict"), it.core.peers[0]?.addr], [[], "10.0.0.1:8080"]);
    }
  });

  it("is raised above an equal one elsewhere, and not above itself", () => {
    const it = solo();
    it.pushPull([own(1000, "10.0.0.1:8080")]);
    assertEquals([told(it), it.record("me")?.incarnation], [1000, 1]);
    it.pushPull([own(1000, B)]);
    assertEquals(told(it), 1001);
  });

  it("is not raised by an older life, whose incarnation is outdone", () => {
    const it = solo();
    it.pushPull([own(900, B, { incarnation: 4 }), own(900, "10.0.0.1:8080", { incarnation: 6 })]);
    assertEquals([told(it), it.record("me")?.incarnation, it.of("conflict")], [1000, 7, []]);
  });

  it("is not raised beyond 100 years", () => {
    const it = solo();
    it.pushPull([own(1001 + MAX_GENERATION_JUMP, B)]);
    assertEquals([told(it), it.refusals], [1000, ["generation"]]);
  });

  it("yields to a duplicate that answered its raise: a conflict, and no more raises", () => {
    const it = solo();
    it.pushPull([own(2000, B)]);
    for (let i = 0; i < 10; i++) {
      it.pushPull([own(2002, B, { incarnation: 9 })]);
      it.run(10_000);
    }
    assertEquals([told(it), it.counted("eventNodeConflict")], [2001, 10]);
    assertEquals(it.of("conflict").length, 4);
    // Once the other one is believed dead, the name is free.
    it.pushPull([own(2002, B, { incarnation: 9, state: 2 })]);
    assertEquals(told(it), 2003);
  });

  it("is a mere name where generations are not announced", () => {
    const it = solo({ announceGeneration: false });
    it.pushPull([own(2000, B)]);
    assertEquals([told(it), it.of("conflict").length], [undefined, 1]);
  });
});

describe("SwimCore collected names", () => {
  function collected(): Solo {
    const it = solo();
    it.receive(alive("p1", "10.0.3.1:80"), life(10, A, 4));
    it.receive({ type: "dead", node: "x", incarnation: 4, from: "y" });
    it.run(60_000);
    assertEquals(it.record("x"), undefined);
    it.answering = false;
    return it;
  }

  it("do not return by an echo of their last life", () => {
    const it = collected();
    const sent = it.receive(life(10, A, 4));
    assertEquals([address(it), it.refusals], [undefined, ["collected"]]);
    const asked = sent.filter(({ message }) => message.type === "ping");
    assertEquals(asked.map(({ to }) => to), [A]);
    it.receive(life(10, A, 3), life(9, A, 40));
    assertEquals([address(it), it.refusals.length], [undefined, 3]);
    it.run(2000);
    const { message } = asked[0]!;
    assert(message.type === "ping" && message.node === "x");
    it.receive({ type: "ack", seqNo: message.seqNo, payload: undefined });
    assertEquals(address(it), undefined);
  });

  it("return when they answer for themselves", () => {
    const it = collected();
    it.answering = true;
    it.receive(life(10, A, 4));
    assertEquals(address(it), A);
  });

  it("return in a newer life, a higher incarnation, or after 15 minutes", () => {
    for (const news of [life(11), life(10, A, 5)]) {
      const it = collected();
      it.receive(news);
      assertEquals(address(it), A);
    }
    const it = collected();
    it.answering = true;
    it.run(15 * 60_000);
    it.answering = false;
    it.receive(life(10, A, 1));
    assertEquals(address(it), A);
  });

  it("do not pile up: ten thousand names pass through", () => {
    const it = solo({ gossipToTheDeadMs: 1000, maxCollectedNames: 500, probeIntervalMs: 2100 });
    for (let i = 0; i < 10_000; i++) {
      const name = `pod-${i}`;
      const meta = generationTag(i);
      it.receive(
        alive(name, `10.${1 + (i >> 12)}.${(i >> 6) & 63}.${i & 63}:80`, { meta }),
        { type: "dead", node: name, incarnation: 1, from: name },
      );
      if (i % 20 === 0) it.run(2000);
      const { dead, left, queuedBroadcasts } = it.core.stats;
      assert(dead + left < 200 && queuedBroadcasts < 1000, `${dead + left} ${queuedBroadcasts}`);
    }
    it.run(20_000);
    assertEquals([it.names, it.core.stats.left], [["me"], 0]);
  });
});
