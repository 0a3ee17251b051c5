import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { StateMessage } from "./messages.ts";
import { alive, entry, type Sent, Solo } from "./_harness_solo.ts";
import { decodeLocalState, decodeStateMessage } from "./wire/ckit.ts";

/** The declarations among messages. */
function states(sent: readonly Sent[]): readonly StateMessage[] {
  return sent.flatMap(({ message }) =>
    message.type === "user" ? [decodeStateMessage(message.payload)] : []
  );
}

/** What one ping brings back on its ack. */
function piggyback(solo: Solo): readonly StateMessage[] {
  return states(solo.receive({
    type: "ping",
    seqNo: 1,
    node: "me",
    sourceAddr: Uint8Array.of(10, 0, 1, 1),
    sourcePort: 8080,
    sourceNode: "p1",
  }));
}

const state = (nodeName: string, newState: number, time: number | bigint): StateMessage => ({
  nodeName,
  newState,
  time: BigInt(time),
});

function solo(peers = 1): Solo {
  const it = new Solo();
  it.meet(peers);
  return it;
}

describe("SwimCore declarations", () => {
  it("begins as a viewer with clock 0 and nothing declared", () => {
    const it = new Solo();
    assertEquals([it.core.state, it.core.stats.lamportTime], ["viewer", 0]);
    assertEquals(it.core.peers, [
      { name: "me", addr: "10.0.0.1:8080", self: true, state: "viewer" },
    ]);
    assertEquals(states(it.sent), []);
  });

  it("keeps and gossips a later time, ignores an equal or earlier one (C-60)", () => {
    const it = solo();
    it.declare(state("p1", 1, 5));
    assertEquals(piggyback(it), [state("p1", 1, 5)]);
    it.drain();
    it.declare(state("p1", 2, 5));
    it.declare(state("p1", 2, 4));
    assertEquals(states(it.drain()), []);
    assertEquals(it.core.peers.find(({ name }) => name === "p1")?.state, "participant");
    assertEquals(it.core.stats.lamportTime, 6);
    assertEquals(it.counted("eventStateMessage"), 3);
  });

  it("overrules what others declare of itself, later than they did (C-61, C-62, C-63)", () => {
    const it = solo();
    const before = it.core.peers;
    it.declare(state("me", 1, 100));
    assertEquals(piggyback(it), [state("me", 0, 102)]);
    it.declare(state("me", 1, 102));
    assertEquals(piggyback(it), [state("me", 0, 104)]);
    it.drain();
    it.declare(state("me", 0, 104));
    assertEquals(states(it.drain()), []);
    assertEquals(it.core.peers, before);
    assertEquals(it.core.stats.lamportTime, 105);
  });

  it("gossips the state of an unknown name on, and uses it once that joins (C-64)", () => {
    const it = solo();
    it.declare(state("late", 1, 3));
    assertEquals(piggyback(it), [state("late", 1, 3)]);
    assertEquals(it.names, ["me", "p1"]);
    it.receive(alive("late", "10.0.2.1:80"));
    assertEquals(it.core.peers.find(({ name }) => name === "late")?.state, "participant");
  });

  it("skips unknown names of a whole state, and counts it (C-65)", () => {
    const it = solo();
    it.pushPull([], {
      currentTime: 50n,
      nodeStates: [state("nobody", 1, 9), state("p1", 1, 8)],
    });
    assertEquals(states(it.drain()).filter(({ nodeName }) => nodeName === "nobody"), []);
    assertEquals(it.core.peers.find(({ name }) => name === "p1")?.state, "participant");
    assertEquals([it.core.stats.lamportTime, it.counted("eventRemoteState")], [51, 1]);
    it.receive(alive("nobody", "10.0.2.1:80"));
    assertEquals(it.core.peers.find(({ name }) => name === "nobody")?.state, "viewer");
  });

  it("observes the clock of a whole state, but not its single times", () => {
    const it = solo();
    it.pushPull([], { currentTime: 3n, nodeStates: [state("p1", 1, 900)] });
    assertEquals(it.core.stats.lamportTime, 4);
  });

  it("announces itself once a whole state lists it as never declared", () => {
    const it = solo();
    it.pushPull([], { currentTime: 7n, nodeStates: [state("me", 0, 0)] });
    assertEquals(piggyback(it), [state("me", 0, 9)]);
  });

  it("takes a peer that left and came back for a viewer (C-66)", () => {
    const it = solo();
    it.declare(state("p1", 1, 5));
    it.receive({ type: "dead", node: "p1", from: "p1", incarnation: 1 });
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 2 }));
    assertEquals(it.core.peers.find(({ name }) => name === "p1")?.state, "viewer");
  });

  it("keeps an unknown state number, shown as viewer", () => {
    const it = solo();
    it.declare(state("p1", 77, 5));
    assertEquals(it.core.peers.find(({ name }) => name === "p1")?.state, "viewer");
    assertEquals(piggyback(it), [state("p1", 77, 5)]);
  });

  it("refuses illegal changes without a message (C-67)", () => {
    const it = solo();
    const change = (operation: number, to: "viewer" | "participant" | "terminating") =>
      it.input({ type: "changeState", operation, state: to });
    const cause = (operation: number) =>
      it.of("failed").find((effect) => effect.operation === operation)?.cause;
    change(1, "terminating");
    change(2, "viewer");
    change(3, "participant");
    change(4, "participant");
    change(5, "viewer");
    assertEquals([1, 2, 3, 4, 5].map(cause), [
      "illegalState",
      "illegalState",
      undefined,
      "illegalState",
      "illegalState",
    ]);
    assertEquals([it.core.state, it.core.stats.lamportTime], ["participant", 1]);
  });

  it("changes at once when alone; a later joiner learns of it (C-68)", () => {
    const it = new Solo();
    it.input({ type: "changeState", operation: 1, state: "participant" });
    assertEquals(it.of("done"), [{ type: "done", operation: 1, count: 0 }]);
    assertEquals(decodeLocalState(it.state().userState), {
      currentTime: 1n,
      nodeStates: [state("me", 1, 1)],
    });
  });

  it("changes with one peer after the fourth transmission, within 0.9 s (C-69)", () => {
    const it = solo();
    const begin = it.now;
    it.input({ type: "changeState", operation: 1, state: "participant" });
    assertEquals(it.of("done"), []);
    const sent: Sent[] = [];
    while (it.of("done").length === 0) {
      sent.push(...it.run(10));
      assert(it.now - begin <= 900, "still waiting");
    }
    assertEquals(states(sent), Array(4).fill(state("me", 1, 1)));
    // One of the four may ride on a probe.
    assert(it.now - begin >= 400);
  });

  it("replaces the queued declaration by a newer one, whose time is later (C-70)", () => {
    const it = solo();
    it.input({ type: "changeState", operation: 1, state: "participant" });
    it.input({ type: "changeState", operation: 2, state: "terminating" });
    assertEquals(it.of("done").map(({ operation }) => operation), [1]);
    assertEquals(states(it.drain()), Array(4).fill(state("me", 2, 2)));
    assertEquals(it.of("done").map(({ operation }) => operation), [1, 2]);
  });

  it("tells of each peer, and of one without a declaration as viewer at 0", () => {
    const it = solo(2);
    it.declare(state("p1", 1, 5));
    it.declare(state("stranger", 1, 6));
    it.receive({ type: "dead", node: "p2", from: "p2", incarnation: 1 });
    const local = decodeLocalState(it.state().userState);
    const told = [...local.nodeStates].sort((a, b) => a.nodeName < b.nodeName ? -1 : 1);
    assertEquals([local.currentTime, told], [7n, [state("me", 0, 0), state("p1", 1, 5)]]);
  });

  it("refuses times that would wrap a clock, in gossip and in whole states (T-35)", () => {
    const it = solo();
    const end = 2n ** 64n - 1n;
    it.declare(state("p1", 1, end));
    it.declare(state("me", 1, end));
    it.pushPull([], { currentTime: end, nodeStates: [state("p1", 1, 5)] });
    it.pushPull([], { currentTime: 3n, nodeStates: [state("p1", 1, end)] });
    assertEquals(it.refusals, ["lamport", "lamport", "lamport", "lamport"]);
    assertEquals(it.core.stats.lamportTime, 3 * 2 ** 40);
    assertEquals(it.core.peers.map((peer) => peer.state), ["viewer", "viewer"]);
    assertEquals(states(it.drain()), []);
  });

  it("catches up with a clock that a liar moved, message by message", () => {
    const it = solo();
    const moved = 3n * 2n ** 40n;
    for (let i = 0; i < 3; i++) {
      assertEquals(it.core.peers[1]?.state, "viewer");
      it.pushPull([], { currentTime: moved, nodeStates: [state("p1", 1, moved - 1n)] });
    }
    assertEquals(it.core.peers[1]?.state, "participant");
    assertEquals(it.refusals, ["lamport", "lamport"]);
  });

  it("wins about itself against a whole state whose clock is behind its own times", () => {
    const it = solo();
    it.pushPull([], { currentTime: 1n, nodeStates: [state("me", 2, 500)] });
    assertEquals(piggyback(it), [state("me", 0, 502)]);
    assertEquals(it.core.state, "viewer");
  });

  it("ends a change at once when the last other one leaves or dies meanwhile", () => {
    for (const from of ["p1", "p9"]) {
      const it = solo();
      it.input({ type: "changeState", operation: 3, state: "participant" });
      assertEquals(it.of("done"), []);
      it.receive({ type: "dead", node: "p1", incarnation: 1, from });
      assertEquals(it.of("done"), [{ type: "done", operation: 3, count: 0 }]);
      it.run(60_000);
      assertEquals(it.of("done").length, 1);
    }
  });

  it("keeps no more declarations of strangers waiting than it knows of", () => {
    const it = solo();
    for (let i = 0; i < 6000; i++) it.declare(state(`s${i}`, 1, i + 1));
    assertEquals(it.core.stats.queuedBroadcasts, 4096);
  });

  it("drops what is no declaration (C-58)", () => {
    const it = solo();
    const payloads = [[0x12], [0x12, 1], [0xdd, 0xff, 1, 0x80], [0x12, 1, 0], [0x12, 1, 150, 0x80]];
    for (const payload of payloads) {
      it.receive({ type: "user", payload: Uint8Array.from(payload) });
    }
    assertEquals([it.refusals.length, it.counted("eventStateMessage")], [payloads.length, 0]);
  });

  it("keeps the declarations of at most 4096 strangers", () => {
    const it = solo();
    for (let i = 0; i < 4100; i++) it.declare(state(`s${i}`, 1, i + 1));
    it.pushPull([entry("s0", "10.0.3.1:1"), entry("s4099", "10.0.3.2:1")]);
    const shown = it.core.peers.filter(({ name }) => name.startsWith("s"));
    assertEquals(shown.map((peer) => peer.state), ["viewer", "participant"]);
  });
});
