import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { brief, Cluster, stateWith } from "./_harness.ts";
import { of, order, sent, Solo } from "./_harness_solo.ts";
import { emptyConfig, encodeConfig } from "./config.ts";
import { RaftCore } from "./core.ts";
import type { ClusterConfig, SnapshotMeta } from "./entry.ts";
import { RecoveredStateError } from "./recovery.ts";

function configOf(voters: readonly string[], learners: readonly string[] = []): ClusterConfig {
  return {
    ...emptyConfig,
    voters,
    learners,
    addresses: [...voters, ...learners].sort().map((id) => [id, `${id}:1`]),
  };
}

function meta(index: number, term: number, config = configOf(["a", "b", "c"])): SnapshotMeta {
  return { index, term, config, configIndex: 1, id: `s-${index}` };
}

const offer = (solo: Solo, snapshot: SnapshotMeta, term = 5) =>
  solo.receive({ type: "snapshot", term, meta: snapshot });

/** Three members, `c` far behind a compacted log. `a` leads term 2, and no message was lost since. */
function behind(trailingEntries = 0): Cluster {
  const cluster = new Cluster({ members: ["a", "b", "c"], options: { trailingEntries } });
  cluster.elect("a");
  cluster.partition(["a", "b"], ["c"]);
  for (let i = 0; i < 6; i++) cluster.propose("a", `${i}`);
  cluster.settle();
  cluster.snapshot("a");
  return cluster;
}

describe("S1 a snapshot has the configuration as of its index", () => {
  it("not the latest", () => {
    const cluster = new Cluster({ members: ["a"], blank: ["x"] });
    cluster.elect("a");
    cluster.propose("a", "x");
    cluster.settle();
    const { appliedIndex } = cluster.at("a").core.status;
    cluster.step("a", {
      type: "changeConfig",
      proposal: 1,
      change: {
        type: "change",
        changes: [{ type: "addLearner", id: "x", address: "x:1" }],
        transition: "auto",
      },
    });
    cluster.settle();
    const { core } = cluster.at("a");
    assertEquals(core.snapshotMeta(appliedIndex, "s").config.learners, []);
    const latest = core.snapshotMeta(appliedIndex + 1, "s");
    assertEquals([latest.config.learners, latest.configIndex], [["x"], appliedIndex + 1]);
    assertThrows(() => core.snapshotMeta(appliedIndex + 2, "s"), RangeError);
  });

  it("and what came after it is rolled back with the log", () => {
    const solo = new Solo();
    const { config } = solo.core.status;
    solo.append(2, [1, 1], [2], 2);
    solo.receive({
      type: "append",
      term: 2,
      prevIndex: 2,
      prevTerm: 2,
      commit: 2,
      entries: [{ index: 3, term: 2, kind: "config", data: encodeConfig(configOf(["a", "b"])) }],
    });
    solo.flush();
    solo.step({ type: "snapshotTaken", meta: solo.core.snapshotMeta(2, "s") });
    assertEquals(solo.core.status.config.voters, ["a", "b"]);
    solo.append(3, [2, 2], [3], 2);
    assertEquals([solo.core.status.config, solo.core.status.configIndex], [config, 1]);
  });

  it("which a restart begins with, and the log's changes after it", () => {
    const cluster = new Cluster({ members: ["a"], options: { trailingEntries: 0 } });
    cluster.elect("a");
    cluster.step("a", {
      type: "changeConfig",
      proposal: 1,
      change: {
        type: "change",
        changes: [{ type: "addLearner", id: "x", address: "x:1" }],
        transition: "joint",
      },
    });
    cluster.settle();
    cluster.snapshot("a");
    cluster.settle();
    assertEquals(cluster.at("a").disk.entries, []);
    cluster.crash("a");
    cluster.restart("a");
    assertEquals(cluster.at("a").core.status.config.learners, ["x"]);
  });
});

describe("S2 taking a snapshot over", () => {
  it("replaces log and configuration", () => {
    const solo = new Solo({ terms: [1, 1] });
    const effects = offer(solo, meta(10, 4, configOf(["a", "b", "d"], ["l"])));
    assertEquals(order(effects), ["role", "config", "persist", "restore", "send:appendReply"]);
    const [write] = of(effects, "persist");
    assertEquals([write!.resetLog, write!.snapshot!.index, write!.hardState!.commit], [
      true,
      10,
      10,
    ]);
    const { lastIndex, commitIndex, config } = solo.core.status;
    assertEquals([lastIndex, commitIndex, config.voters, config.learners], [
      10,
      10,
      ["a", "b", "d"],
      ["l"],
    ]);
    solo.flush();
    solo.step({ type: "restored", index: 10 });
    assertEquals(sent(solo.append(5, [10, 4], [5]), "appendReply")[0]!.rejected, false);
    assertEquals(solo.core.status.lastIndex, 11);
  });

  it("an old one is answered with the commit index", () => {
    const solo = new Solo({ terms: [2, 2, 2], hard: { commit: 3 } });
    const effects = offer(solo, meta(3, 2));
    assertEquals(order(effects), ["role", "persist", "send:appendReply"]);
    assertEquals(sent(effects, "appendReply")[0]!.index, 3);
    assertEquals(solo.core.status.lastIndex, 4);
  });

  it("one from before the own log is no reason to begin anew", () => {
    const recovered = {
      hardState: { term: 5, votedFor: undefined, commit: 10 },
      snapshot: meta(10, 4),
      entries: [],
    };
    const solo = new Solo({ recovered });
    const effects = offer(solo, meta(5, 3));
    assertEquals(order(effects), ["role", "send:appendReply"]);
    assertEquals(sent(effects, "appendReply")[0]!.index, 10);
    assertEquals([solo.core.status.lastIndex, solo.core.status.commitIndex], [10, 10]);
  });

  it("what was written of the log that it replaces proves nothing of it", () => {
    const solo = new Solo();
    const [write] = of(solo.append(2, [1, 1], new Array<number>(12).fill(2)), "persist");
    offer(solo, meta(10, 4));
    solo.step({ type: "persisted", token: write!.token });
    assertEquals(solo.core.status.durableIndex, 1);
    solo.flush();
    assertEquals(solo.core.status.durableIndex, 10);
  });

  it("one that the log knows only moves the commit index", () => {
    const solo = new Solo({ terms: [2, 2, 2] });
    const effects = offer(solo, meta(3, 2));
    assertEquals(brief(of(effects, "apply")[0]!.entries), ["2/2", "3/2"]);
    assertEquals(of(effects, "restore"), []);
    assertEquals([solo.core.status.commitIndex, solo.core.status.lastIndex], [3, 4]);
    assertEquals(sent(effects, "appendReply")[0]!.index, 3);
  });

  it("only of a leader: one of an old term is told of the new", () => {
    const solo = new Solo({ hard: { term: 9 } });
    const [reply] = sent(offer(solo, meta(10, 4)), "appendReply");
    assertEquals([reply!.term, reply!.index], [9, 0]);
    assertEquals(solo.core.status.lastIndex, 1);
    const leading = new Solo();
    leading.lead();
    assertEquals(order(offer(leading, meta(10, 2), 2)), ["refused"]);
  });

  it("a malformed one is refused", () => {
    const table: SnapshotMeta[] = [
      meta(0, 1),
      meta(10, 6),
      meta(10, 0),
      { ...meta(10, 4), configIndex: 11 },
      { ...meta(10, 4), id: "../x" },
      meta(10, 4, { ...configOf(["a"]), learners: ["a"] }),
    ];
    for (const snapshot of table) {
      const solo = new Solo();
      assertEquals(order(offer(solo, snapshot)), ["refused"]);
      assertEquals(solo.core.status.term, 1);
    }
  });
});

describe("S3 a snapshot whose configuration lacks the node", () => {
  // The policy, said in `receiveSnapshot`: it is taken over. The leader sends snapshots to members only, so what takes the node in follows.
  it("is taken over by one that joins", () => {
    const cluster = new Cluster({
      members: ["a"],
      blank: ["x"],
      options: { trailingEntries: 0 },
    });
    cluster.elect("a");
    cluster.propose("a", "x");
    cluster.settle();
    cluster.snapshot("a");
    cluster.settle();
    cluster.step("a", {
      type: "changeConfig",
      proposal: 1,
      change: {
        type: "change",
        changes: [{ type: "addVoter", id: "x", address: "x:1" }],
        transition: "auto",
      },
    });
    cluster.advance(500);
    assertEquals(of(cluster.at("x").events, "restore")[0]!.meta.config.voters, ["a"]);
    assertEquals(cluster.at("x").core.status.config.voters, ["a", "x"]);
    assertEquals(cluster.texts("x"), ["x"]);
  });

  it("and by a member, which then cannot campaign", () => {
    const solo = new Solo();
    offer(solo, meta(10, 4, configOf(["b", "c"])));
    solo.flush();
    solo.step({ type: "restored", index: 10 });
    assertEquals(solo.core.deadline, Infinity);
  });
});

describe("S4 a node learns what it is from a snapshot", () => {
  it("a voter that it is a learner", () => {
    const solo = new Solo();
    offer(solo, meta(10, 4, configOf(["b", "c"], ["a"])));
    solo.flush();
    solo.step({ type: "restored", index: 10 });
    solo.step({ type: "campaign" });
    assertEquals([solo.core.status.role, solo.core.deadline], ["follower", Infinity]);
  });

  it("a learner that it is a voter", () => {
    const base = stateWith(["b", "c"], []);
    const solo = new Solo({ members: ["a"], recovered: base });
    assertEquals(solo.core.deadline, Infinity);
    offer(solo, meta(10, 4, configOf(["a", "b", "c"])));
    solo.flush();
    solo.step({ type: "restored", index: 10 });
    assert(solo.core.deadline < Infinity);
  });

  it("and of a joint phase, which it may have to end", () => {
    const joint: ClusterConfig = {
      ...configOf(["a", "b"]),
      votersOutgoing: ["a", "c"],
      autoLeave: true,
      addresses: ["a", "b", "c"].map((id) => [id, `${id}:1`]),
    };
    const solo = new Solo({ options: { checkQuorum: false } });
    offer(solo, meta(10, 4, joint));
    solo.flush();
    solo.step({ type: "restored", index: 10 });
    solo.step({ type: "campaign" });
    for (const from of ["b", "c"]) {
      solo.receive({ type: "voteReply", from, term: 6, preVote: true, granted: true });
    }
    solo.flush();
    for (const from of ["b", "c"]) {
      solo.receive({ type: "voteReply", from, term: 6, preVote: false, granted: true });
    }
    assertEquals(solo.core.status.role, "leader");
    solo.flush();
    for (const from of ["b", "c"]) solo.acknowledge(from);
    assertEquals(solo.core.status.config.votersOutgoing, []);
    assertEquals(solo.core.status.config.voters, ["a", "b"]);
  });
});

describe("S5 acknowledged when durable, promotable when restored", () => {
  it("in this order", () => {
    const solo = new Solo();
    assertEquals(order(offer(solo, meta(10, 4))).slice(-3), [
      "persist",
      "restore",
      "send:appendReply",
    ]);
    assertEquals(solo.core.deadline, Infinity);
    solo.flush();
    assertEquals(solo.core.deadline, Infinity);
    solo.step({ type: "restored", index: 10 });
    assert(solo.core.deadline < Infinity);
    assertEquals(solo.core.status.appliedIndex, 10);
  });
});

describe("S6 nothing is applied while a snapshot is restored", () => {
  it("what follows waits; a second snapshot replaces the first", () => {
    const solo = new Solo();
    offer(solo, meta(10, 4));
    solo.append(5, [10, 4], [5], 11);
    assertEquals(of(solo.flush(), "apply"), []);
    offer(solo, meta(20, 5));
    solo.flush();
    assertEquals(of(solo.step({ type: "restored", index: 10 }), "apply"), []);
    assertEquals(solo.core.status.appliedIndex, 1);
    solo.append(5, [20, 5], [5], 21);
    solo.flush();
    const effects = solo.step({ type: "restored", index: 20 });
    assertEquals(brief(of(effects, "apply")[0]!.entries), ["21/5"]);
  });
});

describe("S7 a leader waits for a snapshot to be taken over", () => {
  const start = () => {
    const cluster = behind();
    cluster.step("a", { type: "unreachable", node: "c" });
    // The snapshot is under way and stays there.
    cluster.filter = (m) => m.type !== "appendReply" || m.from !== "c";
    return cluster;
  };
  const progress = (cluster: Cluster) =>
    cluster.at("a").core.status.progress.find((p) => p.id === "c")!;

  it("and sends nothing else to that member", () => {
    const solo = new Solo({ options: { trailingEntries: 0 } });
    solo.leadAndCommit();
    solo.propose("x");
    solo.flush();
    solo.acknowledge("b");
    solo.step({ type: "snapshotTaken", meta: solo.core.snapshotMeta(3, "s") });
    const effects = solo.receive({ type: "heartbeatReply", from: "c", term: 2, round: 0 });
    assertEquals(of(effects, "sendSnapshot").map((e) => [e.to, e.atLeast]), [["c", 3]]);
    assertEquals(sent(solo.propose("y"), "append").map((m) => m.to), ["b"]);
    const again = solo.receive({ type: "heartbeatReply", from: "c", term: 2, round: 0 });
    assertEquals([...of(again, "sendSnapshot"), ...sent(again, "append")], []);
    // Its acknowledgement alone ends the wait.
    assertEquals(sent(solo.acknowledge("c", 3), "append").map((m) => brief(m.entries)), [["4/2"]]);
  });

  it("then asks where that member stands: after the snapshot, or where it was when it failed", () => {
    for (const [ok, next] of [[true, 4], [false, 1]] as const) {
      const solo = new Solo({ options: { trailingEntries: 0 } });
      solo.leadAndCommit();
      solo.propose("x");
      solo.flush();
      solo.acknowledge("b");
      solo.step({ type: "snapshotTaken", meta: solo.core.snapshotMeta(3, "s") });
      solo.receive({ type: "heartbeatReply", from: "c", term: 2, round: 0 });
      solo.step({ type: "snapshotSent", node: "c", ok });
      const [, c] = solo.core.status.progress;
      assertEquals([c!.state, c!.match, c!.next], ["probe", 0, next]);
    }
  });

  it("one that is older than the awaited is fine if the log reaches it", () => {
    const solo = new Solo({ options: { trailingEntries: 2 } });
    solo.leadAndCommit();
    solo.propose("x", "y", "z");
    solo.flush();
    solo.acknowledge("b");
    solo.step({ type: "snapshotTaken", meta: solo.core.snapshotMeta(5, "s") });
    assertEquals(solo.core.status.firstIndex, 4);
    solo.receive({ type: "heartbeatReply", from: "c", term: 2, round: 0 });
    assertEquals(solo.core.status.progress[1]!.state, "snapshot");
    const effects = solo.acknowledge("c", 3);
    assertEquals(solo.core.status.progress[1]!.state, "replicate");
    assertEquals(sent(effects, "append").map((m) => brief(m.entries)), [["4/2", "5/2"]]);
  });

  it("a failure is tried again after a heartbeat", () => {
    const cluster = start();
    cluster.filter = (m) => m.type !== "snapshot";
    cluster.advance(350);
    const tries = of(cluster.at("a").events, "sendSnapshot").length;
    assert(tries >= 2 && tries <= 4, `${tries}`);
    cluster.heal();
    cluster.advance(300);
    assertEquals(progress(cluster).state, "replicate");
    assertEquals(cluster.texts("c"), cluster.texts("a"));
  });

  it("a success whose acknowledgement is lost goes on from after it", () => {
    const cluster = start();
    cluster.advance(150);
    assertEquals(of(cluster.at("c").events, "restore").length, 1);
    assertEquals(progress(cluster).state, "probe");
    cluster.heal();
    cluster.advance(200);
    assertEquals(progress(cluster).state, "replicate");
    assertEquals(of(cluster.at("c").events, "restore").length, 1);
  });

  it("a slow member with a full window ends in a snapshot, not in a stall", () => {
    const cluster = new Cluster({
      members: ["a", "b", "c"],
      options: { trailingEntries: 0, maxInflightMessages: 1 },
    });
    cluster.elect("a");
    cluster.filter = (m) => m.from !== "c" || m.type !== "appendReply";
    for (let i = 0; i < 5; i++) cluster.propose("a", `${i}`);
    cluster.settle();
    cluster.filter = (m) => m.to !== "c" || m.type !== "append";
    for (let i = 0; i < 5; i++) cluster.propose("a", `${i}`);
    cluster.settle();
    cluster.snapshot("a");
    cluster.heal();
    cluster.advance(500);
    assertEquals(cluster.texts("c"), cluster.texts("a"));
  });
});

describe("S8 nothing is dropped before a snapshot covers it durably", () => {
  it("the mark is written, then the log is compacted", () => {
    const solo = new Solo({ members: ["a"], options: { trailingEntries: 1 } });
    solo.lead();
    solo.flush();
    solo.propose("x", "y");
    solo.flush();
    const effects = solo.step({ type: "snapshotTaken", meta: solo.core.snapshotMeta(4, "s") });
    assertEquals(order(effects), ["persist", "compact"]);
    assertEquals(of(effects, "persist")[0]!.snapshot!.index, 4);
    assertEquals(of(effects, "compact")[0]!.through, 3);
    assertEquals(solo.core.status.firstIndex, 4);
  });

  it("some entries stay, so that slow members need no snapshot; by count and by bytes", () => {
    const cluster = behind(100);
    cluster.heal();
    cluster.advance(300);
    assertEquals(of(cluster.at("c").events, "restore"), []);
    assertEquals(cluster.texts("c").length, 6);
    const solo = new Solo({ members: ["a"], options: { trailingBytes: 25 } });
    solo.lead();
    solo.flush();
    solo.propose(...Array.from({ length: 9 }, () => "0123456789"));
    solo.flush();
    solo.step({ type: "snapshotTaken", meta: solo.core.snapshotMeta(11, "s") });
    assertEquals(solo.core.status.firstIndex, 10);
  });

  it("one of what is not applied is a mistake of the driver's", () => {
    const solo = new Solo();
    assertThrows(
      () => solo.step({ type: "snapshotTaken", meta: meta(9, 1) }),
      RangeError,
      "applied",
    );
  });

  it("an older one than is known changes nothing", () => {
    const solo = new Solo();
    offer(solo, meta(10, 4));
    solo.flush();
    solo.step({ type: "restored", index: 10 });
    assertEquals(order(solo.step({ type: "snapshotTaken", meta: meta(1, 1) })), []);
  });

  it("a log that does not reach its snapshot does not start", () => {
    const start = (entries: number[], snapshot: SnapshotMeta) => {
      const base = stateWith(["a", "b"], entries, { term: 9 });
      const recovered = { ...base, snapshot };
      return new RaftCore({ id: "a", recovered, random: () => 0, now: 0 });
    };
    assertThrows(() => start([2, 2], meta(9, 2)), RecoveredStateError, "ends at 3");
    assertThrows(() => start([2, 2], meta(3, 4)), RecoveredStateError, "contradicts");
    assertEquals(start([2, 2], meta(3, 2)).status.appliedIndex, 3);
  });

  it("trailing entries before the snapshot are known again after a start", () => {
    const cluster = behind(3);
    cluster.settle();
    cluster.crash("a");
    cluster.restart("a");
    const { firstIndex, snapshotIndex, lastIndex } = cluster.at("a").core.status;
    // The term before the first is not stored: one entry fewer can be sent.
    assertEquals([firstIndex, snapshotIndex, lastIndex], [7, 8, 8]);
  });
});

describe("S9 a state machine is replaced, not changed in place", () => {
  it("by one effect, after the write", () => {
    const effects = offer(new Solo(), meta(10, 4));
    assertEquals(order(effects).slice(2, 4), ["persist", "restore"]);
    assertEquals(of(effects, "restore").map((e) => e.meta.id), ["s-10"]);
    assertEquals(of(effects, "apply"), []);
  });

  it("and holds what a replay of all would", () => {
    const cluster = behind();
    cluster.heal();
    cluster.advance(500);
    assertEquals(of(cluster.at("c").events, "restore").length, 1);
    assertEquals(brief(cluster.at("c").applied), brief(cluster.at("b").applied));
  });
});
