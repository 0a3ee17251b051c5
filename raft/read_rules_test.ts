import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Cluster } from "./_harness.ts";
import { of, order, sent, Solo } from "./_harness_solo.ts";
import type { RaftEffect } from "./contract.ts";

const read = (solo: Solo, number: number) => solo.step({ type: "readIndex", read: number });
const ready = (effects: readonly RaftEffect[]) =>
  of(effects, "readReady").map((e) => [e.read, e.index]);
const failed = (effects: readonly RaftEffect[]) =>
  of(effects, "readFailed").map((e) => [e.read, e.reason]);
const beat = (solo: Solo, round: number, from = "b") =>
  solo.receive({ type: "heartbeatReply", from, term: solo.core.status.term, round });

/** Leads three, or as many as are named, and has committed in its term. */
function leader(init: ConstructorParameters<typeof Solo>[0] = {}): Solo {
  const solo = new Solo(init);
  solo.leadAndCommit();
  return solo;
}

describe("R1 a leader serves reads once it has committed in its own term", () => {
  it("those that come before wait, and are answered then", () => {
    const solo = new Solo({ terms: [1, 1], hard: { commit: 2 } });
    solo.lead();
    solo.flush();
    assertEquals(order(read(solo, 1)), []);
    assertEquals(solo.core.status.pendingReads, 1);
    const effects = solo.acknowledge("b");
    const [round] = sent(effects, "heartbeat");
    assertEquals(ready(effects), []);
    assertEquals(ready(beat(solo, round!.round)), [[1, 4]]);
    assertEquals(solo.core.status.pendingReads, 0);
  });
});

describe("R2 a quorum answers a round that began after the read", () => {
  it("at once, not with the next heartbeat", () => {
    const solo = leader();
    const effects = read(solo, 1);
    assertEquals(order(effects), ["send:heartbeat", "send:heartbeat"]);
    assertEquals(ready(beat(solo, sent(effects, "heartbeat")[0]!.round)), [[1, 2]]);
  });

  it("an answer to an earlier round, however late, confirms nothing", () => {
    const solo = leader();
    const before = sent(solo.wait(100), "heartbeat")[0]!.round;
    const round = sent(read(solo, 1), "heartbeat")[0]!.round;
    assert(round > before);
    assertEquals(ready(beat(solo, before)), []);
    assertEquals(ready(solo.acknowledge("b")), [], "neither do appends");
    assertEquals(ready(beat(solo, round)), [[1, 2]]);
  });

  it("one round serves all that came before it; who comes meanwhile waits for the next", () => {
    const solo = leader();
    const first = sent(read(solo, 1), "heartbeat")[0]!.round;
    assertEquals(order(read(solo, 2)), []);
    assertEquals(order(read(solo, 3)), []);
    const effects = beat(solo, first);
    assertEquals(ready(effects), [[1, 2]]);
    const second = sent(effects, "heartbeat")[0]!.round;
    assertEquals(second, first + 1);
    assertEquals(ready(beat(solo, second)), [[2, 2], [3, 2]]);
  });

  it("what is lost is asked again by the next heartbeat", () => {
    const solo = leader();
    const round = sent(read(solo, 1), "heartbeat")[0]!.round;
    assertEquals(sent(solo.wait(100), "heartbeat")[0]!.round, round);
    assertEquals(ready(beat(solo, round)), [[1, 2]]);
  });

  it("who waits for the next one goes with the next heartbeat, if the round is lost", () => {
    const solo = leader();
    const first = sent(read(solo, 1), "heartbeat")[0]!.round;
    read(solo, 2);
    const [again] = sent(solo.wait(100), "heartbeat");
    assertEquals(again!.round, first + 1);
    assertEquals(ready(beat(solo, first + 1)), [[1, 2], [2, 2]]);
  });

  it("of five, two others are needed, each counted once; learners and strangers are not", () => {
    const solo = new Solo({ members: ["a", "b", "c", "d", "e"] });
    solo.lead();
    solo.flush();
    for (const id of ["b", "c"]) solo.acknowledge(id);
    const round = sent(read(solo, 1), "heartbeat")[0]!.round;
    for (const from of ["b", "b", "x"]) assertEquals(ready(beat(solo, round, from)), []);
    assertEquals(ready(beat(solo, round, "c")), [[1, 2]]);
    const cluster = new Cluster({
      members: [{ id: "a", address: "a" }, { id: "b", address: "b" }, {
        id: "l",
        address: "l",
        voter: false,
      }],
    });
    cluster.elect("a");
    cluster.filter = (m) => m.from !== "b";
    cluster.step("a", { type: "readIndex", read: 1 });
    cluster.settle();
    assertEquals(ready(cluster.at("a").events), []);
  });

  it("a round that never began confirms nothing", () => {
    const solo = leader();
    read(solo, 1);
    assertEquals(ready(beat(solo, 99)), []);
  });

  it("a deposed leader's answers, delayed across an election, are stale by their term", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("a");
    cluster.step("a", { type: "readIndex", read: 1 });
    const asked = cluster.network.splice(0);
    cluster.partition(["a"], ["b", "c"]);
    cluster.now = 5000;
    cluster.elect("b");
    cluster.propose("b", "x");
    cluster.settle();
    cluster.heal();
    cluster.at("a").events = [];
    for (const message of asked) cluster.receive(message);
    cluster.settle();
    assertEquals(ready(cluster.at("a").events), []);
    assertEquals(failed(cluster.at("a").events), [[1, "lostLeadership"]]);
  });
});

describe("R3 the index is the commit index when the read came, or later", () => {
  it("never earlier", () => {
    const solo = leader();
    const first = sent(read(solo, 1), "heartbeat")[0]!.round;
    read(solo, 2);
    solo.propose("x");
    solo.flush();
    solo.acknowledge("b");
    read(solo, 3);
    const effects = beat(solo, first);
    assertEquals(ready(effects), [[1, 2]]);
    assertEquals(ready(beat(solo, first + 1)), [[2, 3], [3, 3]]);
  });

  it("a deposed leader fails what waits", () => {
    const solo = leader();
    read(solo, 1);
    read(solo, 2);
    const effects = solo.receive({ type: "heartbeat", term: 9, commit: 0, round: 0 });
    assertEquals(failed(effects), [[1, "lostLeadership"], [2, "lostLeadership"]]);
    assertEquals(solo.core.status.pendingReads, 0);
  });
});

describe("R4 who decides alone answers at once", () => {
  it("after its first entry", () => {
    const solo = new Solo({ members: ["a"] });
    solo.lead();
    assertEquals(ready(read(solo, 1)), []);
    const effects = solo.flush();
    assertEquals(ready(effects), [[1, 2]]);
    assertEquals(ready(read(solo, 2)), [[2, 2]]);
  });
});

describe("reads of followers", () => {
  const follower = () => {
    const solo = new Solo();
    solo.append(2, [1, 1], [2], 2);
    solo.flush();
    return solo;
  };

  it("go to the leader together, without a term", () => {
    const solo = follower();
    const [asked] = sent(read(solo, 1), "readIndex");
    assertEquals([asked!.to, asked!.term], ["b", 0]);
    assertEquals(order(read(solo, 2)), []);
    assertEquals(order(read(solo, 3)), []);
    const effects = solo.receive({ type: "readIndexReply", term: 0, read: asked!.read, index: 2 });
    assertEquals(ready(effects), [[1, 2]]);
    const [again] = sent(effects, "readIndex");
    assertEquals(
      ready(solo.receive({ type: "readIndexReply", term: 0, read: again!.read, index: 5 })),
      [[2, 5], [3, 5]],
    );
  });

  it("answers to other questions, and of others, are ignored", () => {
    const solo = follower();
    const number = sent(read(solo, 1), "readIndex")[0]!.read;
    const reply = { type: "readIndexReply", term: 0, index: 9 } as const;
    assertEquals(order(solo.receive({ ...reply, read: number - 1 })), []);
    assertEquals(order(solo.receive({ ...reply, read: number, from: "c" })), []);
    assertEquals(ready(solo.receive({ ...reply, read: number })), [[1, 9]]);
    assertEquals(order(solo.receive({ ...reply, read: number })), []);
  });

  it("are asked again when lost, and given up after T", () => {
    const solo = follower();
    const number = sent(read(solo, 1), "readIndex")[0]!.read;
    for (let i = 0; i < 9; i++) {
      assertEquals(sent(solo.wait(100), "readIndex").map((m) => m.read), [number]);
    }
    assertEquals(failed(solo.wait(100)), [[1, "noLeader"]]);
  });

  it("fail when nobody leads, when another does, when the leader cannot", () => {
    const solo = new Solo();
    assertEquals(failed(read(solo, 1)), [[1, "noLeader"]]);
    const other = follower();
    read(other, 1);
    read(other, 2);
    const effects = other.receive({
      type: "heartbeat",
      from: "c",
      term: 3,
      commit: 0,
      round: 0,
    });
    assertEquals(failed(effects), [[1, "lostLeadership"], [2, "lostLeadership"]]);
    const refused = follower();
    const number = sent(read(refused, 1), "readIndex")[0]!.read;
    assertEquals(
      failed(refused.receive({ type: "readIndexReply", term: 0, read: number, index: 0 })),
      [[1, "overloaded"]],
    );
  });

  it("of learners too are answered by the leader, through a quorum", () => {
    const cluster = new Cluster({
      members: ["a", "b", "c"].map((id) => ({ id, address: id, voter: id !== "c" })),
    });
    cluster.elect("a");
    cluster.propose("a", "x");
    cluster.settle();
    cluster.step("c", { type: "readIndex", read: 1 });
    cluster.settle();
    assertEquals(ready(cluster.at("c").events), [[1, 3]]);
  });

  it("who is no leader, or knows not the asker, answers 0", () => {
    const reply = (solo: Solo, from: string) =>
      sent(solo.receive({ type: "readIndex", from, term: 0, read: 8 }), "readIndexReply")
        .map((m) => [m.read, m.index]);
    assertEquals(reply(new Solo(), "b"), [[8, 0]]);
    assertEquals(reply(leader(), "x"), [[8, 0]]);
    assertEquals(reply(leader(), "b"), []);
  });
});

describe("reads are bounded", () => {
  it("on leaders, for the own and for others", () => {
    const solo = leader({ options: { maxPendingReads: 2 } });
    read(solo, 1);
    solo.receive({ type: "readIndex", term: 0, read: 7 });
    assertEquals(failed(read(solo, 2)), [[2, "overloaded"]]);
    const effects = solo.receive({ type: "readIndex", from: "c", term: 0, read: 8 });
    assertEquals(sent(effects, "readIndexReply").map((m) => m.index), [0]);
  });

  it("on followers", () => {
    const solo = new Solo({ options: { maxPendingReads: 2 } });
    solo.append(2, [1, 1], [2], 2);
    read(solo, 1);
    read(solo, 2);
    assertEquals(failed(read(solo, 3)), [[3, "overloaded"]]);
  });
});

describe("R5 lease reads", () => {
  const options = { leaseReads: true, maxClockDrift: 0.1 } as const;
  const begin = () => {
    const solo = new Solo({ options });
    solo.now = 2000;
    solo.leadAndCommit();
    return solo;
  };
  /** Another leads for a while, and hands leadership back. */
  const reignAgain = (solo: Solo) => {
    solo.receive({ type: "heartbeat", term: 5, commit: 0, round: 0 });
    solo.receive({ type: "timeoutNow", term: 5 });
    solo.flush();
    solo.receive({ type: "voteReply", term: 6, preVote: false, granted: true });
    solo.flush();
    solo.acknowledge("b");
  };

  it("are off unless asked for", () => {
    const solo = leader();
    const [round] = sent(solo.wait(100), "heartbeat");
    beat(solo, round!.round);
    assertEquals(ready(read(solo, 1)), []);
  });

  it("are answered at once while a lease holds, which counts from when the round was sent", () => {
    const solo = begin();
    assertEquals(ready(read(solo, 1)), [], "no lease yet");
    const began = solo.now;
    const [round] = sent(solo.effects, "heartbeat");
    solo.now += 300;
    beat(solo, round!.round);
    assertEquals(ready(read(solo, 2)), [[2, 2]]);
    solo.now = began + 899;
    assertEquals(ready(read(solo, 3)), [[3, 2]]);
    solo.now = began + 900;
    assertEquals(ready(read(solo, 4)), [], "T less the drift");
  });

  it("a read that wants a round gets one, whatever lease holds", () => {
    const solo = begin();
    const [round] = sent(solo.wait(100), "heartbeat");
    beat(solo, round!.round);
    const effects = solo.step({ type: "readIndex", read: 1, byRound: true });
    assertEquals(ready(effects), []);
    assertEquals(ready(read(solo, 2)), [[2, 2]]);
    assertEquals(ready(beat(solo, sent(effects, "heartbeat")[0]!.round)), [[1, 2]]);
  });

  it("a process that was paused finds its lease over", () => {
    const solo = begin();
    const [round] = sent(solo.wait(100), "heartbeat");
    beat(solo, round!.round);
    solo.now += 5000;
    assertEquals(ready(read(solo, 1)), []);
  });

  it("are over for the reign once a successor was told", () => {
    const solo = begin();
    const [round] = sent(solo.wait(100), "heartbeat");
    beat(solo, round!.round);
    solo.step({ type: "transferLeadership", to: "b" });
    assertEquals(ready(read(solo, 1)), []);
    solo.now += 1001;
    solo.step({ type: "timeout" });
    assertEquals(ready(read(solo, 2)), []);
  });

  it("a voter that restarted, and may have promised one, votes for nobody for T", () => {
    const vote = {
      type: "vote",
      term: 5,
      lastIndex: 9,
      lastTerm: 4,
      preVote: false,
      transfer: false,
    } as const;
    const solo = new Solo({ options });
    solo.now = 999;
    assertEquals(order(solo.receive(vote)), []);
    solo.step({ type: "campaign" });
    assertEquals(solo.core.status.role, "follower");
    solo.now = 1000;
    assertEquals(sent(solo.receive(vote), "voteReply")[0]!.granted, true);
  });

  it("a follower in its leader's lease does not campaign, though told to", () => {
    const solo = new Solo({ options });
    solo.now = 1500;
    solo.append(2, [1, 1], []);
    solo.step({ type: "campaign" });
    assertEquals(solo.core.status.role, "follower");
  });

  it("a follower does not forget its leader, though told to", () => {
    const solo = new Solo({ options });
    solo.append(2, [1, 1], []);
    solo.step({ type: "forgetLeader" });
    assertEquals(solo.core.status.leader, "b");
  });

  it("a new reign begins without one", () => {
    const solo = begin();
    const [round] = sent(solo.wait(100), "heartbeat");
    beat(solo, round!.round);
    assertEquals(ready(read(solo, 1)), [[1, 2]]);
    reignAgain(solo);
    assertEquals([solo.core.status.role, solo.core.status.commitIndex], ["leader", 3]);
    assertEquals(ready(read(solo, 2)), []);
  });

  it("a later reign has leases again, though the one before ended them", () => {
    const solo = begin();
    solo.step({ type: "transferLeadership", to: "b" });
    reignAgain(solo);
    const [round] = sent(solo.wait(100), "heartbeat");
    beat(solo, round!.round);
    assertEquals(ready(read(solo, 1)), [[1, 3]]);
  });

  it("a voter keeps what its answer promised, though something of a later term reaches it", () => {
    // Such as a late refusal of its own candidacy: it follows nobody then, and yet the leader reads by the lease that it was given.
    const solo = new Solo({ options });
    solo.now = 2000;
    solo.receive({ type: "heartbeat", term: 2, commit: 0, round: 7 });
    solo.receive({ type: "voteReply", from: "c", term: 5, preVote: false, granted: false });
    assertEquals([solo.core.status.term, solo.core.status.leader], [5, undefined]);
    const vote = { type: "vote", from: "c", lastIndex: 9, lastTerm: 4 } as const;
    solo.now = 2999;
    for (const preVote of [true, false]) {
      for (const term of [5, 6]) {
        assertEquals(order(solo.receive({ ...vote, term, preVote, transfer: false })), []);
      }
    }
    solo.step({ type: "campaign" });
    assertEquals([solo.core.status.role, solo.core.status.term], ["follower", 5]);
    assertEquals(
      sent(solo.receive({ ...vote, term: 4, preVote: true, transfer: false }), "voteReply").length,
      1,
      "an old candidate is told of the term",
    );
    solo.now = 3000;
    const effects = solo.receive({ ...vote, term: 6, preVote: false, transfer: false });
    assertEquals(sent(effects, "voteReply")[0]!.granted, true);
  });

  it("a deposed leader's lease is over before another can commit", () => {
    // The promise of b outlives a term that it hears of by the way: c is not elected while a may still read.
    const cluster = new Cluster({ members: ["a", "b", "c"], options });
    cluster.advance(1000);
    cluster.elect("a");
    cluster.advance(300);
    cluster.partition(["a", "b"], ["c"]);
    cluster.advance(950);
    cluster.filter = (m) => m.from !== "a" && m.to !== "a";
    cluster.receive({
      type: "voteReply",
      from: "c",
      to: "b",
      term: 3,
      preVote: false,
      granted: false,
    });
    const beganAt = cluster.now;
    let reads = 0;
    while (cluster.leader?.id === "a" && cluster.now < beganAt + 5000) {
      cluster.at("a").events = [];
      cluster.step("a", { type: "readIndex", read: 1 });
      if (ready(cluster.at("a").events).length > 0) {
        reads++;
        cluster.step("c", { type: "campaign" });
        cluster.settle();
        assertEquals(cluster.leaders.map(({ id }) => id), ["a"], `at ${cluster.now - beganAt} ms`);
      }
      cluster.advance(50);
    }
    assert(reads > 5, `${reads} reads by the lease`);
    assertEquals(cluster.leaders, []);
  });

  it("another configuration ends a lease", () => {
    const solo = begin();
    const [round] = sent(solo.wait(100), "heartbeat");
    beat(solo, round!.round);
    solo.step({
      type: "changeConfig",
      proposal: 1,
      change: {
        type: "change",
        changes: [{ type: "addVoter", id: "d", address: "d" }],
        transition: "auto",
      },
    });
    assertEquals(ready(read(solo, 1)), []);
  });
});
