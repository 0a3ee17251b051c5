import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Cluster, seeded, stateWith } from "./_harness.ts";
import { of, order, sent, Solo } from "./_harness_solo.ts";
import { blankState } from "./bootstrap.ts";
import { RaftCore } from "./core.ts";
import type { Message } from "./message.ts";
import { maxTerm } from "./message_check.ts";

const noLease = { checkQuorum: false, preVote: false } as const;

describe("E1 replies wait for the disk", () => {
  it("a vote stands behind the write of term and vote", () => {
    const solo = new Solo();
    const effects = solo.receive({
      type: "vote",
      term: 5,
      lastIndex: 9,
      lastTerm: 4,
      preVote: false,
      transfer: false,
    });
    assertEquals(order(effects), ["role", "persist", "send:voteReply"]);
    assertEquals(of(effects, "persist")[0]!.hardState, { term: 5, votedFor: "b", commit: 1 });
    assertEquals(sent(effects, "voteReply")[0]!.granted, true);
  });

  it("an acknowledgement stands behind the write of its entries", () => {
    const effects = new Solo().append(2, [1, 1], [2, 2]);
    assertEquals(order(effects), ["role", "persist", "send:appendReply"]);
  });

  it("what is written by an earlier step is waited for as well, at a barrier", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], [2]);
    const again = solo.append(2, [1, 1], [2]);
    assertEquals(order(again), ["persist", "send:appendReply"]);
    const barrier = of(again, "persist")[0]!;
    assertEquals([barrier.entries.length, barrier.hardState, barrier.sync], [0, undefined, true]);
    solo.flush();
    assertEquals(order(solo.append(2, [1, 1], [2])), ["send:appendReply"]);
  });

  it("a refusal waits too", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], [2]);
    assertEquals(order(solo.append(2, [9, 2], [2])), ["persist", "send:appendReply"]);
  });

  it("an answer to a heartbeat does not", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], [2]);
    const effects = solo.receive({ type: "heartbeat", term: 2, commit: 0, round: 7 });
    assertEquals(order(effects), ["send:heartbeatReply"]);
  });
});

describe("E2 a candidacy is durable before votes are asked for", () => {
  it("requests stand behind the write", () => {
    const solo = new Solo({ options: { preVote: false } });
    const effects = solo.step({ type: "campaign" });
    assertEquals(order(effects), ["role", "persist", "send:vote", "send:vote"]);
    assertEquals(of(effects, "persist")[0]!.hardState, { term: 2, votedFor: "a", commit: 1 });
  });

  it("pre-votes do not wait: they assert nothing", () => {
    const effects = new Solo().step({ type: "campaign" });
    assertEquals(order(effects), ["send:vote", "send:vote", "role"]);
  });

  it("a crash before the write cannot lead the same term twice", () => {
    // The sequence that breaks a core which sends requests beside its write: the candidate is elected by others, replicates, crashes with nothing on
    // its disk, and is elected again in the same term with other entries.
    const cluster = new Cluster({
      members: ["a", "b", "c"],
      options: noLease,
      immediateDisk: false,
    });
    cluster.step("a", { type: "campaign" });
    assertEquals(cluster.network, []);
    cluster.crash("a", 0);
    cluster.restart("a");
    assertEquals(cluster.at("a").core.status.term, 1);
    assertEquals(cluster.at("b").core.status.term, 1);
    // With the write nothing is lost: the term that it asked in is never begun again.
    cluster.step("a", { type: "campaign" });
    cluster.flush("a");
    assertEquals(cluster.network.length, 2);
    cluster.crash("a", 0);
    cluster.restart("a");
    assertEquals(cluster.at("a").core.status.term, 2);
    cluster.step("a", { type: "campaign" });
    assertEquals(cluster.at("a").core.status.term, 3);
  });
});

describe("E3 one vote a term", () => {
  const ask = (from: string, term: number): Parameters<Solo["receive"]>[0] => ({
    type: "vote",
    from,
    term,
    lastIndex: 9,
    lastTerm: term - 1,
    preVote: false,
    transfer: false,
  });

  it("first come, first served; the same candidate again is fine", () => {
    const solo = new Solo();
    const granted = (from: string, term: number) =>
      sent(solo.receive(ask(from, term)), "voteReply")[0]!.granted;
    assertEquals(granted("b", 5), true);
    assertEquals(granted("c", 5), false);
    assertEquals(granted("b", 5), true);
    assertEquals(granted("c", 6), true);
  });

  it("is written, also in a term that was known before", () => {
    const effects = new Solo({ hard: { term: 5 } }).receive(ask("b", 5));
    assertEquals(order(effects), ["persist", "send:voteReply"]);
    const [write] = of(effects, "persist");
    assertEquals([write!.hardState, write!.sync], [{ term: 5, votedFor: "b", commit: 1 }, true]);
  });

  it("is remembered through a loss in the same term, and a restart", () => {
    const solo = new Solo({ options: noLease });
    solo.step({ type: "campaign" });
    solo.flush();
    for (const from of ["b", "c"]) {
      solo.receive({ type: "voteReply", from, term: 2, preVote: false, granted: false });
    }
    assertEquals(solo.core.status.role, "follower");
    assertEquals(solo.core.status.votedFor, "a");
    assertEquals(sent(solo.receive(ask("b", 2)), "voteReply")[0]!.granted, false);
    const again = new Solo({ hard: { term: 7, votedFor: "b" } });
    assertEquals(sent(again.receive(ask("c", 7)), "voteReply")[0]!.granted, false);
  });
});

describe("E4 the log of a candidate is at least as up to date", () => {
  it("by last term, then by last index, of the log in memory", () => {
    const table: [lastIndex: number, lastTerm: number, granted: boolean][] = [
      [1, 4, true],
      [9, 2, false],
      [3, 3, true],
      [2, 3, false],
      [4, 3, true],
    ];
    for (const [lastIndex, lastTerm, granted] of table) {
      for (const preVote of [false, true]) {
        const solo = new Solo({ terms: [3, 3] });
        const effects = solo.receive({
          type: "vote",
          term: 5,
          lastIndex,
          lastTerm,
          preVote,
          transfer: false,
        });
        assertEquals(sent(effects, "voteReply")[0]!.granted, granted, `${lastIndex}/${lastTerm}`);
      }
    }
    // Not yet durable entries count as well: they can only make it refuse more.
    const solo = new Solo();
    solo.append(2, [1, 1], [2, 2]);
    solo.now = 5000;
    const effects = solo.receive({
      type: "vote",
      from: "c",
      term: 3,
      lastIndex: 2,
      lastTerm: 2,
      preVote: false,
      transfer: false,
    });
    assertEquals(sent(effects, "voteReply")[0]!.granted, false);
  });
});

describe("E5 a later term is adopted", () => {
  const roles = {
    follower: () => new Solo({ options: noLease }),
    preCandidate: () => {
      const solo = new Solo({ options: { checkQuorum: false } });
      solo.step({ type: "campaign" });
      return solo;
    },
    candidate: () => {
      const solo = new Solo({ options: noLease });
      solo.step({ type: "campaign" });
      return solo;
    },
    leader: () => {
      const solo = new Solo({ options: noLease });
      solo.lead();
      return solo;
    },
  };
  for (const [role, begin] of Object.entries(roles)) {
    it(`by a ${role}, whatever it is told`, () => {
      const solo = begin();
      assertEquals(solo.core.status.role, role);
      solo.append(9, [1, 1], [9]);
      const { term, leader } = solo.core.status;
      assertEquals([solo.core.status.role, term, leader], ["follower", 9, "b"]);
      const voted = begin();
      voted.receive({
        type: "vote",
        term: 9,
        lastIndex: 9,
        lastTerm: 8,
        preVote: false,
        transfer: false,
      });
      assertEquals([voted.core.status.role, voted.core.status.term], ["follower", 9]);
      assertEquals([voted.core.status.votedFor, voted.core.status.leader], ["b", undefined]);
    });

    it(`but a pre-vote changes nothing of a ${role}`, () => {
      const solo = begin();
      const before = solo.core.status;
      const effects = solo.receive({
        type: "vote",
        term: 9,
        lastIndex: 9,
        lastTerm: 8,
        preVote: true,
        transfer: false,
      });
      assertEquals(sent(effects, "voteReply")[0]!.granted, true);
      assertEquals(solo.core.status, before);
    });
  }

  it("granted pre-votes carry the term to come, which is not adopted", () => {
    const solo = new Solo({ members: ["a", "b", "c", "d", "e"] });
    solo.step({ type: "campaign" });
    solo.receive({ type: "voteReply", term: 2, preVote: true, granted: true });
    assertEquals([solo.core.status.role, solo.core.status.term], ["preCandidate", 1]);
  });
});

describe("E6 an earlier term is answered where silence would block", () => {
  it("a stale leader learns of the term, and steps down", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("a");
    cluster.partition(["a"], ["b", "c"]);
    cluster.step("a", { type: "propose", proposal: 1, commands: [new Uint8Array(1)] });
    cluster.now = 3000;
    cluster.elect("b");
    cluster.heal();
    assertEquals(cluster.leaders.map((m) => m.id), ["a", "b"]);
    cluster.step("a", { type: "timeout" });
    cluster.settle();
    assertEquals(cluster.leaders.map((m) => m.id), ["b"]);
  });

  it("with neither pre-vote nor quorum checks it is ignored", () => {
    const solo = new Solo({ hard: { term: 5 }, options: noLease });
    assertEquals(order(solo.append(4, [1, 1], [])), []);
    const other = new Solo({ hard: { term: 5 } });
    const [reply] = sent(other.append(4, [1, 1], []), "appendReply");
    assertEquals([reply!.term, reply!.rejected, reply!.index], [5, false, 0]);
  });

  it("a stale pre-vote and a stale vote are refused with the term", () => {
    const solo = new Solo({ hard: { term: 5 } });
    const vote = { type: "vote", term: 4, lastIndex: 9, lastTerm: 3, transfer: false } as const;
    const [reply] = sent(solo.receive({ ...vote, preVote: true }), "voteReply");
    assertEquals([reply!.term, reply!.granted, reply!.preVote], [5, false, true]);
    const [refusal] = sent(solo.receive({ ...vote, preVote: false }), "voteReply");
    assertEquals([refusal!.term, refusal!.granted, refusal!.preVote], [5, false, false]);
  });

  it("a candidate that could win reaches the term of one that cannot", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"], options: noLease });
    cluster.elect("a");
    cluster.partition(["a", "b"], ["c"]);
    cluster.propose("a", "x");
    cluster.settle();
    // In the minority the term runs ahead; nobody else ever asks for votes but b, at c alone.
    for (let i = 0; i < 20; i++) cluster.step("c", { type: "campaign" });
    cluster.heal();
    cluster.filter = (m) => m.from !== "a" && m.to !== "a";
    cluster.step("b", { type: "campaign" });
    cluster.settle();
    assert(cluster.at("b").core.status.term >= cluster.at("c").core.status.term);
    cluster.elect("b");
    assertEquals(cluster.at("b").core.status.role, "leader");
  });

  it("a vote for an earlier candidacy does not count", () => {
    const solo = new Solo({ options: noLease });
    for (let i = 0; i < 2; i++) {
      solo.step({ type: "campaign" });
      solo.flush();
    }
    assertEquals([solo.core.status.role, solo.core.status.term], ["candidate", 3]);
    for (const from of ["b", "c"]) {
      solo.receive({ type: "voteReply", from, term: 2, preVote: false, granted: true });
    }
    assertEquals(solo.core.status.role, "candidate");
  });

  it("stale answers never reach a role", () => {
    const solo = new Solo({ options: noLease });
    solo.lead();
    const before = solo.core.status;
    solo.receive({ type: "voteReply", term: 1, preVote: false, granted: true });
    solo.receive({ type: "heartbeatReply", term: 1, round: 0 });
    solo.receive({
      type: "appendReply",
      term: 1,
      rejected: false,
      index: 2,
      hintIndex: 0,
      hintTerm: 0,
    });
    assertEquals(solo.core.status, before);
  });
});

describe("E2 a candidacy is announced once it is durable", () => {
  it("no further term begins before, however slow the disk is", () => {
    const solo = new Solo({ options: { preVote: false } });
    solo.step({ type: "campaign" });
    const { term } = solo.core.status;
    for (let i = 0; i < 5; i++) {
      solo.now = solo.core.deadline;
      assertEquals(order(solo.step({ type: "timeout" })), []);
    }
    assertEquals([solo.core.status.role, solo.core.status.term], ["candidate", term]);
    solo.flush();
    solo.now = solo.core.deadline;
    solo.step({ type: "timeout" });
    assertEquals(solo.core.status.term, term + 1);
  });
});

describe("E7 who hears a leader helps nobody to depose it", () => {
  const vote = (preVote: boolean, transfer: boolean): Parameters<Solo["receive"]>[0] => ({
    type: "vote",
    from: "c",
    term: 9,
    lastIndex: 9,
    lastTerm: 8,
    preVote,
    transfer,
  });

  it("for the base timeout, not for the drawn one", () => {
    for (const preVote of [false, true]) {
      const solo = new Solo();
      solo.append(2, [1, 1], []);
      solo.now = 999;
      assertEquals(order(solo.receive(vote(preVote, false))), []);
      assertEquals(solo.core.status.term, 2);
      solo.now = 1000;
      assertEquals(sent(solo.receive(vote(preVote, false)), "voteReply")[0]!.granted, true);
    }
  });

  it("unless the leader wished it", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], []);
    assertEquals(sent(solo.receive(vote(false, true)), "voteReply")[0]!.granted, true);
  });

  it("and a leader that hears its quorum holds itself to it", () => {
    const solo = new Solo();
    solo.lead();
    assertEquals(order(solo.receive(vote(false, false))), []);
    assertEquals(solo.core.status.role, "leader");
  });

  it("only with quorum checks on: a leader that does not step down would be obeyed for ever", () => {
    const solo = new Solo({ options: { checkQuorum: false } });
    solo.append(2, [1, 1], []);
    assertEquals(sent(solo.receive(vote(false, false)), "voteReply")[0]!.granted, true);
  });
});

describe("E8 pre-votes", () => {
  const ask = { type: "vote", lastIndex: 9, lastTerm: 4, transfer: false } as const;

  it("for a term to come are given whatever vote was given, and move no timer", () => {
    const solo = new Solo({ hard: { term: 5, votedFor: "c" } });
    const { deadline } = solo.core;
    solo.now = 500;
    const effects = solo.receive({ ...ask, term: 6, preVote: true });
    assertEquals(order(effects), ["send:voteReply"]);
    const [reply] = sent(effects, "voteReply");
    assertEquals([reply!.granted, reply!.term], [true, 6]);
    assertEquals(solo.core.deadline, deadline);
    assertEquals(solo.core.status.votedFor, "c");
  });

  it("are refused with the own term, which a pre-candidate adopts if it is later", () => {
    const refused = new Solo({ hard: { term: 5 }, terms: [5] });
    const [reply] = sent(
      refused.receive({ ...ask, term: 6, lastIndex: 1, lastTerm: 1, preVote: true }),
      "voteReply",
    );
    assertEquals([reply!.granted, reply!.term], [false, 5]);
    const solo = new Solo();
    solo.step({ type: "campaign" });
    solo.receive({ type: "voteReply", term: 5, preVote: true, granted: false });
    assertEquals([solo.core.status.role, solo.core.status.term], ["follower", 5]);
  });

  it("that fail leave the term alone, however often", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("b");
    cluster.partition(["a"], ["b", "c"]);
    cluster.advance(30_000);
    assertEquals(cluster.at("a").core.status.role, "preCandidate");
    assertEquals(cluster.at("a").core.status.term, 2);
    cluster.heal();
    cluster.advance(3000);
    assertEquals(cluster.leader!.id, "b");
    assertEquals(cluster.leader!.core.status.term, 2);
  });

  it("that come late count in a later round of the same term, and elect nobody: real votes do", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("b");
    // Everybody has forgotten b when a asks; the grant of c stays on its way, and all follow b again.
    for (const id of ["a", "c"]) cluster.step(id, { type: "forgetLeader" });
    cluster.step("a", { type: "campaign" });
    cluster.deliver(cluster.network.find((m) => m.type === "vote" && m.to === "c")!);
    const late = cluster.network.find((m) => m.type === "voteReply" && m.from === "c")!;
    cluster.network.length = 0;
    cluster.advance(300);
    assertEquals(cluster.at("c").core.status.leader, "b");
    // A second round of a's, whose questions are lost: the grant of the first one counts.
    cluster.step("a", { type: "campaign" });
    cluster.network.length = 0;
    cluster.receive(late);
    assertEquals([cluster.at("a").core.status.role, cluster.at("a").core.status.term], [
      "candidate",
      3,
    ]);
    const asked = cluster.network.filter((m) => m.type === "vote" && !m.preVote);
    assertEquals(asked.length, 2);
    for (const message of asked) cluster.deliver(message);
    assertEquals(
      cluster.network.filter((m) => m.type === "voteReply"),
      [],
      "who hears b gives no vote",
    );
    // E10: the stuck candidate frees itself by deposing b once, and the group goes on.
    cluster.advance(5000);
    assertEquals(cluster.leaders.length, 1);
    assert(cluster.leader!.core.status.term <= 4, "no term is burned after it");
  });
});

describe("E9 pre-votes and leases", () => {
  it("a quorum that campaigns by itself replaces a live leader", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("a");
    cluster.step("b", { type: "campaign" });
    cluster.settle();
    assertEquals(cluster.leader!.id, "a");
    // A pre-candidate knows no leader, so the two help each other, whatever the first hears.
    cluster.filter = (m) => m.from !== "a" && m.to !== "a";
    cluster.step("b", { type: "campaign" });
    cluster.settle();
    assertEquals(cluster.leader!.id, "a");
    cluster.step("c", { type: "campaign" });
    cluster.settle();
    assertEquals(cluster.leader!.id, "c");
  });

  it("two pre-candidates at once settle within their next rounds", () => {
    const cluster = new Cluster({ members: ["a", "b", "c", "d"], seed: 5 });
    for (const id of ["a", "b"]) cluster.step(id, { type: "campaign" });
    cluster.advance(6000);
    assertEquals(cluster.leaders.length, 1);
  });
});

describe("E10 disruption", () => {
  it("a member that was removed and does not know deposes nobody", () => {
    const cluster = new Cluster({ members: ["a", "b", "c", "d"] });
    cluster.elect("a");
    cluster.partition(["a", "b", "c"], ["d"]);
    cluster.step("a", {
      type: "changeConfig",
      proposal: 1,
      change: { type: "change", changes: [{ type: "remove", id: "d" }], transition: "auto" },
    });
    cluster.advance(20_000);
    cluster.heal();
    cluster.advance(20_000);
    assertEquals([cluster.leader!.id, cluster.leader!.core.status.term], ["a", 2]);
  });

  it("a member that does not hear the leader deposes nobody, however good its log, and comes back in the same term", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("a");
    cluster.filter = (m) => m.from !== "a" || m.to !== "c";
    cluster.advance(20_000);
    assertEquals([cluster.leader!.id, cluster.leader!.core.status.term], ["a", 2]);
    cluster.partition(["a", "b"], ["c"]);
    cluster.advance(20_000);
    cluster.heal();
    cluster.advance(20_000);
    assertEquals([cluster.leader!.id, cluster.leader!.core.status.term], ["a", 2]);
  });

  it("without pre-votes a candidate stuck in a later term frees itself by deposing the leader once", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"], options: { preVote: false } });
    cluster.elect("a");
    cluster.partition(["a", "b"], ["c"]);
    cluster.advance(10_000);
    const { term } = cluster.at("c").core.status;
    assert(term > 4);
    cluster.heal();
    cluster.advance(10_000);
    assertEquals(cluster.leaders.length, 1);
    assert(cluster.leader!.core.status.term > term);
  });
});

describe("E11 who may campaign", () => {
  it("one whose removal is not committed: it may hold the only copy of it", () => {
    const cluster = new Cluster({ members: ["a", "b"] });
    cluster.elect("a");
    cluster.partition(["a"], ["b"]);
    cluster.step("a", {
      type: "changeConfig",
      proposal: 1,
      change: { type: "change", changes: [{ type: "remove", id: "a" }], transition: "auto" },
    });
    // It steps down as it hears nobody. The log of b is too short for the vote of a, which b needs.
    cluster.advance(5000);
    assertEquals(cluster.leaders, []);
    cluster.heal();
    cluster.advance(10_000);
    const { role, config, isConfigCommitted } = cluster.at("b").core.status;
    assertEquals([role, config.voters, isConfigCommitted], ["leader", ["b"], true]);
    assertEquals(cluster.at("a").core.status.role, "follower");
  });

  const paths: [string, (solo: Solo) => void][] = [
    ["timeout", (solo) => solo.wait(1e6)],
    ["campaign", (solo) => solo.step({ type: "campaign" })],
    [
      "timeoutNow",
      (solo) => solo.receive({ type: "timeoutNow", term: solo.core.status.term || 1 }),
    ],
  ];
  for (const [path, take] of paths) {
    it(`${path}: no node without a configuration`, () => {
      const solo = new Solo({ recovered: blankState() });
      take(solo);
      assertEquals(solo.core.status.role, "follower");
      assertEquals(solo.core.deadline, Infinity);
    });

    it(`${path}: no node outside of it`, () => {
      const solo = new Solo({ recovered: stateWith(["b", "c"], []) });
      take(solo);
      assertEquals(solo.core.status.role, "follower");
    });

    it(`${path}: no node in the last term there is`, () => {
      const solo = new Solo({ hard: { term: maxTerm }, options: noLease });
      take(solo);
      assertEquals([solo.core.status.role, solo.core.status.term], ["follower", maxTerm]);
      assertEquals(solo.core.deadline, Infinity);
    });

    it(`${path}: no learner`, () => {
      const cluster = new Cluster({
        members: [{ id: "a", address: "a" }, { id: "l", address: "l", voter: false }],
      });
      cluster.elect("a");
      cluster.now = 1e6;
      const { term } = cluster.at("l").core.status;
      cluster.step("l", { type: "timeout" });
      cluster.step("l", { type: "campaign" });
      cluster.step("l", {
        type: "message",
        message: { type: "timeoutNow", from: "a", to: "l", term },
      });
      assertEquals(cluster.at("l").core.status.role, "follower");
    });

    it(`${path}: no node whose state machine is being restored`, () => {
      const solo = new Solo();
      const { config } = solo.core.status;
      solo.receive({
        type: "snapshot",
        term: 2,
        meta: { index: 10, term: 2, config, configIndex: 1, id: "s" },
      });
      take(solo);
      assertEquals(solo.core.status.role, "follower");
      solo.step({ type: "restored", index: 10 });
      take(solo);
      assert(solo.core.status.role !== "follower");
    });
  }
});

describe("E12 learners vote when asked", () => {
  it("for one may have been given a vote that it has not heard of", () => {
    const recovered = stateWith(["b", "c"], []);
    const effects = new Solo({ recovered }).receive({
      type: "vote",
      term: 5,
      lastIndex: 9,
      lastTerm: 4,
      preVote: false,
      transfer: false,
    });
    assertEquals(sent(effects, "voteReply")[0]!.granted, true);
  });
});

describe("E13 own votes and acknowledgements count once durable", () => {
  it("a lone voter leads after its write", () => {
    const solo = new Solo({ members: ["a"] });
    solo.step({ type: "campaign" });
    assertEquals(solo.core.status.role, "candidate");
    solo.flush();
    assertEquals(solo.core.status.role, "leader");
    assertEquals(solo.core.status.commitIndex, 1);
    solo.flush();
    assertEquals(solo.core.status.commitIndex, 2);
  });

  it("not if the term moved on", () => {
    const solo = new Solo({ options: noLease, members: ["a", "b"] });
    solo.step({ type: "campaign" });
    solo.receive({ type: "heartbeat", term: 2, commit: 0, round: 0 });
    solo.flush();
    assertEquals([solo.core.status.role, solo.core.status.leader], ["follower", "b"]);
  });

  it("and a candidacy that was given up while it was written does not stand in the way of the next", () => {
    const solo = new Solo({ options: noLease, members: ["a", "b"] });
    solo.step({ type: "campaign" });
    solo.receive({ type: "heartbeat", term: 2, commit: 0, round: 0 });
    solo.wait(1500);
    assertEquals([solo.core.status.role, solo.core.status.term], ["candidate", 3]);
  });

  it("not for a later candidacy than the one written", () => {
    const solo = new Solo({ options: noLease, members: ["a"] });
    const first = of(solo.step({ type: "campaign" }), "persist")[0]!.token;
    solo.step({ type: "campaign" });
    assertEquals(solo.core.status.term, 3);
    solo.step({ type: "persisted", token: first });
    assertEquals(solo.core.status.role, "candidate");
    solo.flush();
    assertEquals(solo.core.status.role, "leader");
  });

  it("a late vote does not count for the pre-candidacy after it", () => {
    const solo = new Solo();
    solo.step({ type: "campaign" });
    solo.receive({ type: "voteReply", term: 2, preVote: true, granted: true });
    solo.flush();
    assertEquals([solo.core.status.role, solo.core.status.term], ["candidate", 2]);
    solo.wait(2000);
    assertEquals(solo.core.status.role, "preCandidate");
    solo.receive({ type: "voteReply", term: 2, preVote: false, granted: true });
    assertEquals([solo.core.status.role, solo.core.status.term], ["preCandidate", 2]);
  });

  it("a late grant of a pre-vote does not count for one of a later term", () => {
    const solo = new Solo();
    solo.step({ type: "campaign" });
    solo.receive({ type: "voteReply", from: "c", term: 2, preVote: true, granted: false });
    solo.step({ type: "campaign" });
    assertEquals([solo.core.status.role, solo.core.status.term], ["preCandidate", 2]);
    solo.receive({ type: "voteReply", term: 2, preVote: true, granted: true });
    assertEquals(solo.core.status.role, "preCandidate");
    solo.receive({ type: "voteReply", term: 3, preVote: true, granted: true });
    assertEquals(solo.core.status.role, "candidate");
  });

  it("a late grant of a pre-vote does not count for the candidacy", () => {
    const solo = new Solo();
    solo.step({ type: "campaign" });
    solo.receive({ type: "voteReply", term: 2, preVote: true, granted: true });
    solo.flush();
    assertEquals(solo.core.status.role, "candidate");
    solo.receive({ type: "voteReply", from: "c", term: 2, preVote: true, granted: true });
    assertEquals(solo.core.status.role, "candidate");
  });
});

describe("E14 election timeouts", () => {
  it("cover [T, 2T), drawn anew with each campaign", () => {
    const random = seeded(3);
    const core = new RaftCore({
      id: "a",
      recovered: stateWith(["a", "b", "c"], []),
      random,
      now: 0,
      applied: 1,
    });
    const counts = new Array<number>(10).fill(0);
    let now = 0;
    for (let i = 0; i < 2000; i++) {
      const wait = core.deadline - now;
      assert(wait >= 1000 && wait < 2000, `${wait}`);
      counts[Math.floor((wait - 1000) / 100)]!++;
      now = core.deadline;
      core.step({ type: "timeout" }, now);
    }
    for (const count of counts) assertAlmostEquals(count, 200, 60);
  });

  it("rarely collide: among five nodes, fewer than 30 in 100 first rounds", () => {
    let conflicts = 0;
    for (let seed = 0; seed < 200; seed++) {
      const random = seeded(seed);
      const ids = ["a", "b", "c", "d", "e"];
      const deadlines = ids.map((id) =>
        new RaftCore({ id, recovered: stateWith(ids, []), random, now: 0, applied: 1 }).deadline
      ).sort((a, b) => a - b);
      // A round trip of 50 ms.
      if (deadlines[1]! - deadlines[0]! < 50) conflicts++;
    }
    assert(conflicts < 60, `${conflicts} of 200`);
  });
});

describe("E15 a leader begins with an entry of its own", () => {
  it("which no quota holds up", () => {
    const solo = new Solo({ terms: [1], options: { maxUncommittedBytes: 1 } });
    const [write] = of(solo.lead(), "persist");
    const [noop] = write!.entries;
    assertEquals([noop!.index, noop!.term, noop!.kind, noop!.data.length], [3, 2, "noop", 0]);
    assertEquals(solo.core.status.uncommittedBytes, 0);
  });
});

describe("E16 transfers", () => {
  const begin = () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("a");
    cluster.at("a").events = [];
    return cluster;
  };
  const ended = (cluster: Cluster, id = "a") =>
    of(cluster.at(id).events, "transferEnded").map((e) => `${e.ok} ${e.reason}`.trim());

  it("go to the most caught-up voter of those that were heard lately", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.now = 900;
    solo.receive({ type: "heartbeatReply", from: "c", term: 2, round: 0 });
    solo.now = 1100;
    solo.step({ type: "transferLeadership" });
    assertEquals(sent(solo.effects, "timeoutNow"), [], "b holds all, and was silent for T");
    assertEquals(sent(solo.acknowledge("c"), "timeoutNow").map((m) => m.to), ["c"]);
  });

  it("to an up-to-date voter succeed at once, whatever the leases", () => {
    const cluster = begin();
    cluster.step("a", { type: "transferLeadership", to: "b" });
    cluster.settle();
    assertEquals([cluster.leader!.id, cluster.leader!.core.status.term], ["b", 3]);
    assertEquals(ended(cluster), ["true"]);
  });

  it("without a name go to the most caught up", () => {
    const cluster = begin();
    cluster.filter = (m) => m.to !== "b";
    cluster.propose("a", "x");
    cluster.settle();
    cluster.heal();
    cluster.step("a", { type: "transferLeadership" });
    cluster.settle();
    assertEquals(cluster.leader!.id, "c");
  });

  it("to a slow one wait until it has caught up", () => {
    const cluster = begin();
    cluster.filter = (m) => m.to !== "b";
    cluster.propose("a", "x");
    cluster.settle();
    cluster.heal();
    const told = () => cluster.network.some((m) => m.type === "timeoutNow");
    cluster.step("a", { type: "transferLeadership", to: "b" });
    assertEquals(told(), false);
    cluster.settle();
    assertEquals(cluster.leader!.id, "b");
    assertEquals(cluster.texts("b"), ["x"]);
  });

  it("to a voter that needs a snapshot first succeed too", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"], options: { trailingEntries: 0 } });
    cluster.elect("a");
    cluster.partition(["a", "b"], ["c"]);
    for (let i = 0; i < 5; i++) cluster.propose("a", `${i}`);
    cluster.settle();
    cluster.snapshot("a");
    cluster.advance(200);
    cluster.heal();
    cluster.step("a", { type: "transferLeadership", to: "c" });
    cluster.advance(500);
    assertEquals(cluster.leader!.id, "c");
  });

  it("to oneself are done, to a learner, a stranger or by a follower nothing", () => {
    const cluster = begin();
    cluster.step("a", { type: "transferLeadership", to: "a" });
    cluster.step("a", { type: "transferLeadership", to: "z" });
    cluster.step("a", {
      type: "changeConfig",
      proposal: 1,
      change: {
        type: "change",
        changes: [{ type: "addLearner", id: "l", address: "l" }],
        transition: "auto",
      },
    });
    cluster.step("a", { type: "transferLeadership", to: "l" });
    cluster.step("b", { type: "transferLeadership", to: "a" });
    assertEquals(ended(cluster), ["true", "false noTarget", "false noTarget"]);
    assertEquals(ended(cluster, "b"), ["false notLeader"]);
    assertEquals(cluster.at("a").core.status.transferTo, undefined);
  });

  it("stop proposals while they last, and are given up after T", () => {
    const cluster = begin();
    cluster.filter = (m) => m.to !== "b";
    cluster.step("a", { type: "transferLeadership", to: "b" });
    assertEquals(cluster.at("a").core.status.transferTo, "b");
    const [rejected] = of(
      cluster.step("a", { type: "propose", proposal: 9, commands: [] }),
      "rejected",
    );
    assertEquals(rejected!.reason, "transferring");
    cluster.advance(999);
    assertEquals(ended(cluster), []);
    cluster.advance(2);
    assertEquals(ended(cluster), ["false timeout"]);
    cluster.propose("a", "x");
    cluster.settle();
    assertEquals(cluster.texts("a"), ["x"]);
  });

  it("have a deadline of their own", () => {
    const solo = new Solo({ options: { heartbeatMs: 999, checkQuorum: false } });
    solo.lead();
    solo.now = 10;
    solo.step({ type: "transferLeadership", to: "b" });
    solo.wait(989);
    assertEquals(solo.core.deadline, 1010);
    solo.wait(11);
    assertEquals(of(solo.effects, "transferEnded").map((e) => e.reason), ["timeout"]);
  });

  it("wished again do not last longer; another wish replaces them", () => {
    const cluster = begin();
    cluster.filter = (m) => m.to !== "b";
    cluster.step("a", { type: "transferLeadership", to: "b" });
    cluster.advance(600);
    cluster.step("a", { type: "transferLeadership", to: "b" });
    assertEquals(ended(cluster), []);
    cluster.step("a", { type: "transferLeadership", to: "c" });
    assertEquals(ended(cluster), ["false replaced"]);
    cluster.settle();
    assertEquals(cluster.leader!.id, "c");
    assertEquals(ended(cluster), ["false replaced", "true"]);
  });

  it("end when the leader steps down before the successor was told", () => {
    const cluster = begin();
    cluster.filter = (m) => m.to !== "b";
    cluster.propose("a", "x");
    cluster.step("a", { type: "transferLeadership", to: "b" });
    const message: Message = {
      type: "appendReply",
      from: "c",
      to: "a",
      term: 9,
      rejected: false,
      index: 0,
      hintIndex: 0,
      hintTerm: 0,
    };
    cluster.step("a", { type: "message", message });
    assertEquals(ended(cluster), ["false steppedDown"]);
  });

  it("come back by another transfer", () => {
    const cluster = begin();
    cluster.step("a", { type: "transferLeadership", to: "b" });
    cluster.settle();
    cluster.step("b", { type: "transferLeadership", to: "a" });
    cluster.settle();
    assertEquals(cluster.leader!.id, "a");
  });

  it("are taken from the leader of the term only", () => {
    const solo = new Solo();
    solo.append(5, [1, 1], []);
    assertEquals(of(solo.receive({ type: "timeoutNow", from: "c", term: 5 }), "refused").length, 1);
    assertEquals(order(solo.receive({ type: "timeoutNow", term: 4 })), []);
    assertEquals(solo.core.status.role, "follower");
    const effects = solo.receive({ type: "timeoutNow", term: 5 });
    assertEquals([solo.core.status.role, solo.core.status.term], ["candidate", 6]);
    assert(sent(effects, "vote").every((m) => m.transfer && !m.preVote));
  });
});

describe("forgetLeader", () => {
  const vote = {
    type: "vote",
    from: "c",
    term: 3,
    lastIndex: 9,
    lastTerm: 2,
    preVote: true,
    transfer: false,
  } as const;

  it("lets a follower grant pre-votes early, changes neither term nor timer, and ends with the next heartbeat", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], []);
    const { deadline } = solo.core;
    assertEquals(order(solo.receive(vote)), []);
    solo.step({ type: "forgetLeader" });
    solo.step({ type: "forgetLeader" });
    assertEquals([solo.core.status.leader, solo.core.status.term], [undefined, 2]);
    assertEquals(solo.core.deadline, deadline);
    assertEquals(sent(solo.receive(vote), "voteReply")[0]!.granted, true);
    assertEquals(
      sent(solo.receive({ ...vote, lastTerm: 0, lastIndex: 0 }), "voteReply")[0]!.granted,
      false,
    );
    solo.receive({ type: "heartbeat", term: 2, commit: 0, round: 0 });
    assertEquals(solo.core.status.leader, "b");
  });

  it("does nothing to leaders and candidates, nor with lease reads", () => {
    const leader = new Solo();
    leader.lead();
    leader.step({ type: "forgetLeader" });
    assertEquals(leader.core.status.leader, "a");
    const leased = new Solo({ options: { leaseReads: true } });
    leased.append(2, [1, 1], []);
    leased.step({ type: "forgetLeader" });
    assertEquals(leased.core.status.leader, "b");
  });
});
