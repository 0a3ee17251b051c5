import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { brief, bytesOf, Cluster, seeded, stateWith } from "./_harness.ts";
import { entriesAfter, of, order, sent, Solo } from "./_harness_solo.ts";
import { RaftCore } from "./core.ts";
import type { Message } from "./message.ts";
import { RecoveredStateError } from "./recovery.ts";

const noLease = { checkQuorum: false, preVote: false } as const;
const five = ["a", "b", "c", "d", "e"];

/** A cluster whose members begin with these logs. */
function withLogs(logs: Readonly<Record<string, readonly number[]>>, seed = 1): Cluster {
  const ids = Object.keys(logs);
  const cluster = new Cluster({ members: [], options: noLease, seed });
  // All have heard of the latest term: whoever campaigns does so in one that nobody led.
  const term = Math.max(1, ...Object.values(logs).flat());
  for (const id of ids) cluster.add(id, stateWith(ids, logs[id]!, { term }));
  return cluster;
}

/** The terms of a member's log. */
function termsOf(cluster: Cluster, id: string): readonly number[] {
  return cluster.at(id).written.entries.map((entry) => entry.term);
}

describe("L1 only entries of the own term are counted (Figure 8)", () => {
  it("those before are committed with them", () => {
    const solo = new Solo({ terms: [2, 2], hard: { term: 4 } });
    solo.lead();
    solo.flush();
    solo.acknowledge("b", 3);
    assertEquals(solo.core.status.commitIndex, 1);
    solo.acknowledge("b", 4);
    assertEquals(solo.core.status.commitIndex, 4);
  });

  it("an old entry on a majority can still be overwritten", () => {
    // Figure 8 (b) to (d): a replicated its entry of term 2 to b, but e, whose last entry is of term 3, can still win and overwrite it.
    const cluster = withLogs({ a: [2], b: [2], c: [2], d: [], e: [3] });
    cluster.partition(["d", "e"], ["a", "b", "c"]);
    cluster.elect("a");
    assertEquals(cluster.leader!.id, "a");
    const { commitIndex } = cluster.leader!.core.status;
    assertEquals(commitIndex, 3, "its own entry commits the old one");
    const other = withLogs({ a: [2], b: [2], c: [2], d: [], e: [3] });
    other.elect("e");
    assertEquals(other.leader!.id, "e");
    for (const id of five) assertEquals(termsOf(other, id), [1, 3, 4], id);
  });
});

describe("L2 who counts", () => {
  it("a leader counts itself once its own disk holds the entry", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.propose("x");
    solo.flush();
    assertEquals(solo.core.status.commitIndex, 2);
    solo.acknowledge("b", 3);
    assertEquals(solo.core.status.commitIndex, 3);
  });

  it("followers alone can commit what the leader's disk does not hold yet", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    const [write] = of(solo.propose("x"), "persist");
    solo.acknowledge("b", 3);
    assertEquals(solo.core.status.commitIndex, 2);
    const effects = solo.acknowledge("c", 3);
    assertEquals(solo.core.status.commitIndex, 3);
    assertEquals(of(effects, "apply"), []);
    const then = solo.step({ type: "persisted", token: write!.token });
    assertEquals(brief(of(then, "apply")[0]!.entries), ["3/2"]);
  });

  it("has the table of quorums", () => {
    const table: [members: number, acknowledged: number, committed: boolean][] = [
      [1, 0, true],
      [3, 0, false],
      [3, 1, true],
      [5, 1, false],
      [5, 2, true],
      [4, 1, false],
      [4, 2, true],
    ];
    for (const [members, acknowledged, committed] of table) {
      const solo = new Solo({ members: five.slice(0, members) });
      solo.lead();
      solo.flush();
      for (const id of five.slice(1, acknowledged + 1)) solo.acknowledge(id);
      assertEquals(solo.core.status.commitIndex === 2, committed, `${acknowledged} of ${members}`);
    }
  });

  it("a learner does not", () => {
    const cluster = new Cluster({
      members: [{ id: "a", address: "a" }, { id: "b", address: "b" }, {
        id: "l",
        address: "l",
        voter: false,
      }],
    });
    cluster.elect("a");
    cluster.filter = (m) => m.to !== "b";
    cluster.propose("a", "x");
    cluster.settle();
    assertEquals(cluster.at("a").core.status.progress.map((p) => p.match), [2, 3]);
    assertEquals(cluster.at("a").core.status.commitIndex, 2);
  });

  it("the append leaves before the own write begins (thesis §10.2.1)", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.acknowledge("c");
    const effects = solo.propose("x", "y");
    assertEquals(order(effects), ["proposed", "send:append", "send:append", "persist"]);
    const [b, c] = sent(effects, "append");
    assertEquals([b!.to, c!.to], ["b", "c"]);
    assertEquals([b!.prevIndex, b!.prevTerm, brief(b!.entries)], [2, 2, ["3/2", "4/2"]]);
    assert(b!.entries === c!.entries, "one slice for all");
    assertEquals(of(effects, "proposed")[0]!.firstIndex, 3);
  });
});

describe("L3 the check of an append", () => {
  it("refuses what does not follow", () => {
    const solo = new Solo({ terms: [2, 2] });
    for (const prev of [[2, 1], [4, 2], [3, 3]] as const) {
      const [reply] = sent(solo.append(4, prev, [4]), "appendReply");
      assertEquals([reply!.rejected, reply!.index], [true, prev[0]]);
    }
    assertEquals(solo.core.status.lastIndex, 3);
  });

  it("has the table of Figure 7's followers", () => {
    const table: [terms: number[], prev: [number, number], append: number[], then: number[]][] = [
      [[2, 2], [3, 2], [3], [2, 2, 3]],
      [[2, 2], [2, 2], [3], [2, 3]],
      [[2, 2], [1, 1], [2, 2], [2, 2]],
      [[2, 2], [1, 1], [3, 3], [3, 3]],
      [[2, 2, 2], [1, 1], [2], [2, 2, 2]],
      [[2, 2, 2], [2, 2], [], [2, 2, 2]],
    ];
    for (const [terms, prev, append, then] of table) {
      const cluster = withLogs({ a: terms, b: [] });
      cluster.step("a", {
        type: "message",
        message: {
          type: "append",
          from: "b",
          to: "a",
          term: 3,
          prevIndex: prev[0],
          prevTerm: prev[1],
          commit: 0,
          entries: entriesAfter(prev[0], append),
        },
      });
      assertEquals(termsOf(cluster, "a").slice(1), then);
    }
  });

  it("a shorter or older duplicate cuts nothing", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], [2, 2, 2]);
    solo.flush();
    const effects = solo.append(2, [1, 1], [2]);
    assertEquals(of(effects, "persist"), []);
    assertEquals(sent(effects, "appendReply")[0]!.index, 2);
    assertEquals(solo.core.status.lastIndex, 4);
  });

  it("before the commit index it is answered with that", () => {
    const solo = new Solo({ terms: [2, 2, 2], hard: { commit: 3 } });
    const [reply] = sent(solo.append(5, [1, 1], [2]), "appendReply");
    assertEquals([reply!.rejected, reply!.index], [false, 3]);
  });

  it("a contradiction at or below the commit index stops the node", () => {
    const table: [prev: [number, number], append: number[], halts: boolean][] = [
      [[1, 1], [2, 2], false],
      [[1, 1], [3], true],
      [[1, 1], [2, 3], true],
      [[2, 2], [3], true],
      [[2, 1], [2], true],
      [[3, 1], [4], true],
      [[3, 2], [4], false],
      [[4, 4], [4], false],
    ];
    for (const [prev, append, halts] of table) {
      const solo = new Solo({ terms: [2, 2, 3], hard: { commit: 3 } });
      const { lastIndex } = solo.core.status;
      const effects = solo.append(4, prev, append);
      assertEquals(of(effects, "halt").length, halts ? 1 : 0, `${prev} ${append}`);
      assertEquals(solo.core.status.isHalted, halts);
      if (!halts) continue;
      assertEquals(of(effects, "send"), []);
      assertEquals(solo.core.status.lastIndex, lastIndex);
      assertEquals(order(solo.append(4, [3, 2], [4])), []);
      assertEquals(of(solo.propose("x"), "rejected")[0]!.reason, "halted");
      assertEquals(solo.core.deadline, Infinity);
    }
  });

  it("a leader of another group stops a founder", () => {
    const effects = new Solo().receive({
      type: "append",
      term: 2,
      prevIndex: 0,
      prevTerm: 0,
      commit: 0,
      entries: entriesAfter(0, [2]),
    });
    assertEquals(of(effects, "halt").length, 1);
  });
});

describe("L4 a follower commits only what the append compared", () => {
  it("not what follows in its own log", () => {
    // Entries of a dead leader stand uncommitted; a new leader's append says that as many are committed, but compares none of them.
    const solo = new Solo({ terms: [2, 2, 2] });
    const effects = solo.append(3, [2, 2], [], 4);
    assertEquals(solo.core.status.commitIndex, 2);
    assertEquals(brief(of(effects, "apply")[0]!.entries), ["2/2"]);
    solo.append(3, [2, 2], [3], 4);
    assertEquals(solo.core.status.commitIndex, 3);
  });

  it("a heartbeat carries what is known to match", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.propose("x");
    solo.flush();
    solo.acknowledge("b", 3);
    const beats = sent(solo.wait(100), "heartbeat");
    assertEquals(beats.map((m) => [m.to, m.commit]), [["b", 3], ["c", 0]]);
  });
});

describe("L5 the commit index never falls", () => {
  it("whatever a leader says", () => {
    const solo = new Solo({ terms: [2, 2], hard: { commit: 3 } });
    solo.append(3, [3, 2], [3], 2);
    solo.receive({ type: "heartbeat", term: 3, commit: 1, round: 0 });
    assertEquals(solo.core.status.commitIndex, 3);
  });

  it("and a log that ends before it does not start", () => {
    const start = (recovered: ReturnType<typeof stateWith>) =>
      new RaftCore({ id: "a", recovered, random: () => 0, now: 0 });
    const lost = stateWith(["a", "b", "c"], [2, 2], { commit: 9 });
    assertThrows(() => start(lost), RecoveredStateError, "before its commit index 9");
    const full = stateWith(["a", "b", "c"], [2, 2]);
    const gap = { ...full, entries: full.entries.filter((entry) => entry.index !== 2) };
    assertThrows(() => start(gap), RecoveredStateError, "entry 3 is out of place");
    const late = { ...full, entries: full.entries.slice(1) };
    assertThrows(() => start(late), RecoveredStateError, "begins at 2");
    const ahead = stateWith(["a", "b", "c"], [2, 7], { term: 3 });
    assertThrows(() => start(ahead), RecoveredStateError, "term of entry 3");
  });

  it("of a follower that knows more than the leader said is written, but not waited for", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], [2, 2]);
    solo.flush();
    const effects = solo.receive({ type: "heartbeat", term: 2, commit: 3, round: 0 });
    const [hint] = of(effects, "persist");
    assertEquals([hint!.sync, hint!.hardState!.commit, hint!.entries.length], [false, 3, 0]);
    assertEquals(order(solo.append(2, [3, 2], [], 3)), ["send:appendReply"]);
  });
});

describe("L6 one probe a term from either side", () => {
  it("a refusal names the last position that may match", () => {
    const solo = new Solo({ terms: [2, 2, 4, 4, 4] });
    const [reply] = sent(solo.append(6, [9, 3], [6]), "appendReply");
    assertEquals([reply!.index, reply!.hintIndex, reply!.hintTerm], [9, 3, 2]);
    const [short] = sent(solo.append(6, [9, 6], [6]), "appendReply");
    assertEquals([short!.hintIndex, short!.hintTerm], [6, 4]);
  });

  it("a leader skips what cannot match the hint", () => {
    const solo = new Solo({ terms: [2, 2, 2, 5, 5, 5], hard: { term: 5 } });
    const [probe] = sent(solo.lead(), "append");
    assertEquals([probe!.prevIndex, probe!.prevTerm], [7, 5]);
    const effects = solo.receive({
      type: "appendReply",
      term: 6,
      rejected: true,
      index: 7,
      hintIndex: 6,
      hintTerm: 3,
    });
    const [next] = sent(effects, "append");
    assertEquals([next!.prevIndex, next!.prevTerm], [4, 2]);
  });

  it("all logs of Figure 7 are healed, each with few probes", () => {
    const leader = [1, 1, 4, 4, 5, 5, 6, 6, 6];
    const followers: Record<string, number[]> = {
      b: [1, 1, 4, 4, 5, 5, 6, 6],
      c: [1, 1, 4],
      d: [1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      e: [1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      f: [1, 1, 4, 4, 4, 4],
      g: [1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    };
    const cluster = withLogs({ a: leader, ...followers });
    const refusals = new Map<string, number>();
    cluster.onSend = (_, m) => {
      if (m.type === "appendReply" && m.rejected) {
        refusals.set(m.from, (refusals.get(m.from) ?? 0) + 1);
      }
    };
    // Its log wins the votes of all but d and e.
    cluster.elect("a");
    assertEquals(cluster.leader!.id, "a");
    cluster.advance(500);
    for (const id of Object.keys(followers)) {
      assertEquals(termsOf(cluster, id), termsOf(cluster, "a"), id);
      assert((refusals.get(id) ?? 0) <= 2, `${id} refused ${refusals.get(id)} times`);
    }
  });

  it("probes are bounded by the terms that differ, for random logs", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seeded(seed);
      // A common beginning, then each its own leaders: no term has two.
      const common = Math.floor(random() * 6);
      const draw = (parity: number) => {
        let term = 4 + parity;
        return Array.from(
          { length: common + Math.floor(random() * 25) },
          (_, i) => i < common ? 2 : term += random() < 0.3 ? 2 : 0,
        );
      };
      const [own, other] = [draw(0), draw(1)];
      const cluster = withLogs({ a: own, b: other, c: [] }, seed);
      let refused = 0;
      cluster.onSend = (_, m) => {
        if (m.type === "appendReply" && m.rejected && m.from === "b") refused++;
      };
      cluster.elect("a");
      assertEquals(cluster.leader!.id, "a");
      cluster.advance(300);
      assertEquals(termsOf(cluster, "b"), termsOf(cluster, "a"), `seed ${seed}`);
      const terms = new Set([...own, ...other]).size;
      assert(refused <= terms + 1, `seed ${seed}: ${refused} probes, ${terms} terms`);
    }
  });
});

describe("L7 progress", () => {
  const heartbeatReply = (solo: Solo, from: string) =>
    solo.receive({ type: "heartbeatReply", from, term: solo.core.status.term, round: 0 });
  const stateOf = (solo: Solo) => solo.core.status.progress[0]!;

  it("a probe goes once for each heartbeat", () => {
    const solo = new Solo();
    solo.lead();
    solo.flush();
    assertEquals(stateOf(solo).state, "probe");
    assertEquals(sent(solo.propose("x"), "append").length, 0);
    assertEquals(sent(heartbeatReply(solo, "b"), "append").length, 1);
    assertEquals(sent(solo.propose("y"), "append").length, 0);
  });

  it("replication is optimistic, and falls back where the transport or the follower says so", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    assertEquals(stateOf(solo).state, "replicate");
    solo.propose("x");
    solo.propose("y");
    assertEquals([stateOf(solo).match, stateOf(solo).next], [2, 5]);
    solo.step({ type: "unreachable", node: "b" });
    assertEquals([stateOf(solo).state, stateOf(solo).next], ["probe", 3]);
  });

  it("stale refusals change nothing, and next never falls to match", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.propose("x");
    const refuse = (index: number) =>
      solo.receive({
        type: "appendReply",
        term: 2,
        rejected: true,
        index,
        hintIndex: 0,
        hintTerm: 0,
      });
    assertEquals(sent(refuse(2), "append").length, 0);
    assertEquals([stateOf(solo).state, stateOf(solo).next], ["replicate", 4]);
    refuse(3);
    assertEquals([stateOf(solo).state, stateOf(solo).match, stateOf(solo).next], ["probe", 2, 3]);
    for (const index of [1, 2]) {
      refuse(index);
      assertEquals([stateOf(solo).match, stateOf(solo).next], [2, 3]);
    }
  });

  it("a probe is refused once: what refuses another changes nothing", () => {
    const solo = new Solo({ terms: [2, 2, 2, 5, 5, 5], hard: { term: 5 } });
    solo.lead();
    assertEquals([stateOf(solo).state, stateOf(solo).next], ["probe", 8]);
    const refuse = (index: number) =>
      solo.receive({
        type: "appendReply",
        term: 6,
        rejected: true,
        index,
        hintIndex: 1,
        hintTerm: 1,
      });
    assertEquals([sent(refuse(4), "append").length, stateOf(solo).next], [0, 8]);
    assertEquals([sent(refuse(7), "append").length, stateOf(solo).next], [1, 2]);
  });

  it("an acknowledgement of what is known still ends a probe", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.step({ type: "unreachable", node: "b" });
    heartbeatReply(solo, "b");
    solo.acknowledge("b", 2);
    assertEquals(stateOf(solo).state, "replicate");
  });
});

describe("L8 a full window does not block", () => {
  it("sends no more entries, one empty append for each heartbeat's answer, and goes on when acknowledged", () => {
    const solo = new Solo({ options: { maxInflightMessages: 2 } });
    solo.leadAndCommit();
    const toB = (effects: ReturnType<Solo["step"]>) =>
      sent(effects, "append").filter((m) => m.to === "b");
    for (const text of ["x", "y"]) assertEquals(toB(solo.propose(text)).length, 1);
    assertEquals(toB(solo.propose("z")).length, 0);
    const beat = () =>
      toB(solo.receive({ type: "heartbeatReply", term: 2, round: 0 })).map((m) => m.entries.length);
    assertEquals(beat(), [0]);
    assertEquals(beat(), [0]);
    assertEquals(brief(toB(solo.acknowledge("b", 3))[0]!.entries), ["5/2"]);
    assertEquals(toB(solo.acknowledge("b", 3)).length, 0, "an old one frees nothing");
  });

  it("stays full for who acknowledges a part of what is under way", () => {
    const solo = new Solo({ options: { maxInflightMessages: 1 } });
    solo.leadAndCommit();
    const toB = (effects: ReturnType<Solo["step"]>) =>
      sent(effects, "append").filter((m) => m.to === "b");
    assertEquals(toB(solo.propose("x", "y")).length, 1);
    solo.acknowledge("c", 2);
    solo.flush();
    assertEquals(toB(solo.acknowledge("c", 4)), [], "the news of the commit waits");
    assertEquals(solo.core.status.commitIndex, 4);
    assertEquals(toB(solo.acknowledge("b", 3)), [], "one message is under way still");
    assertEquals(toB(solo.acknowledge("b", 4)).map((m) => m.commit), [4]);
  });

  it("is full by bytes as well", () => {
    const solo = new Solo({ options: { maxInflightBytes: 10 } });
    solo.leadAndCommit();
    assertEquals(sent(solo.propose("0123456789abc"), "append").length, 1);
    assertEquals(sent(solo.propose("x"), "append").length, 0);
  });

  it("what was lost from it is found out by the next heartbeat", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"] });
    cluster.elect("a");
    cluster.filter = (m) => m.to !== "b" || m.type !== "append";
    for (let i = 0; i < 10; i++) cluster.propose("a", `${i}`);
    cluster.settle();
    cluster.heal();
    cluster.advance(250);
    assertEquals(cluster.texts("b").length, 10);
  });

  it("appends are limited by bytes and count, one entry at least", () => {
    const solo = new Solo({ options: { maxAppendBytes: 5, maxAppendEntries: 2 } });
    solo.leadAndCommit();
    const [b, ...more] = sent(solo.propose("0123456789", "1", "2", "3"), "append");
    assertEquals(brief(b!.entries), ["3/2"]);
    assertEquals(more.filter((m) => m.to === "b").map((m) => brief(m.entries)), [
      ["4/2", "5/2"],
      ["6/2"],
    ]);
  });
});

describe("L9 a write acknowledged late proves nothing about what overwrote it", () => {
  it("what was durable is so no more once it is cut off", () => {
    const solo = new Solo();
    solo.append(2, [1, 1], [2, 2]);
    solo.flush();
    assertEquals(solo.core.status.durableIndex, 3);
    solo.append(3, [1, 1], [3]);
    assertEquals(solo.core.status.durableIndex, 1);
    solo.flush();
    assertEquals(solo.core.status.durableIndex, 2);
  });

  it("an entry written, overwritten, and written again is durable after the third write", () => {
    const solo = new Solo();
    const write = (effects: ReturnType<Solo["step"]>) => of(effects, "persist")[0]!.token;
    const first = write(solo.append(2, [1, 1], [2]));
    const second = write(solo.receive({
      type: "append",
      from: "c",
      term: 3,
      prevIndex: 1,
      prevTerm: 1,
      commit: 0,
      entries: entriesAfter(1, [3]),
    }));
    const third = write(solo.append(4, [1, 1], [2], 0));
    assertEquals(of(solo.effects, "persist")[0]!.truncateFrom, 2);
    solo.step({ type: "persisted", token: first });
    assertEquals(solo.core.status.durableIndex, 1);
    solo.step({ type: "persisted", token: second });
    assertEquals(solo.core.status.durableIndex, 1);
    solo.step({ type: "persisted", token: third });
    assertEquals(solo.core.status.durableIndex, 2);
  });
});

describe("L10 a leader only appends", () => {
  it("it takes no appends in its own term", () => {
    const solo = new Solo();
    solo.lead();
    const { lastIndex } = solo.core.status;
    const effects = solo.append(2, [1, 1], [2, 2, 2]);
    assertEquals(order(effects), ["refused"]);
    assertEquals([solo.core.status.role, solo.core.status.lastIndex], ["leader", lastIndex]);
  });
});

describe("L11 the quota of what is not applied", () => {
  const reason = (effects: ReturnType<Solo["step"]>) => of(effects, "rejected")[0]?.reason;

  it("takes any size when nothing waits, then refuses, always takes empty ones, and returns to zero", () => {
    const solo = new Solo({ options: { maxUncommittedBytes: 10 } });
    solo.leadAndCommit();
    assertEquals(reason(solo.propose("0123456789abcdef")), undefined);
    assertEquals(reason(solo.propose("x")), "overloaded");
    assertEquals(reason(solo.propose("")), undefined);
    assertEquals(solo.core.status.uncommittedBytes, 16);
    solo.flush();
    solo.acknowledge("b");
    assertEquals(solo.core.status.uncommittedBytes, 0);
    assertEquals(reason(solo.propose("0123456789")), undefined);
  });

  it("is counted anew by each reign, and never below zero", () => {
    const solo = new Solo({ options: { maxUncommittedBytes: 10 } });
    solo.leadAndCommit();
    solo.propose("0123456789");
    solo.receive({ type: "heartbeat", term: 5, commit: 0, round: 0 });
    solo.now = 9000;
    solo.lead();
    assertEquals(solo.core.status.uncommittedBytes, 0);
    solo.flush();
    solo.acknowledge("b");
    assertEquals(solo.core.status.uncommittedBytes, 0);
    assertEquals(reason(solo.propose("0123456789")), undefined);
  });

  it("a proposal that is too large, or not a leader's, is answered so", () => {
    const solo = new Solo({ options: { maxEntryBytes: 3 } });
    assertEquals(reason(solo.propose("x")), "notLeader");
    solo.leadAndCommit();
    assertEquals(reason(solo.propose("x", "0123")), "tooLarge");
    assertEquals(solo.core.status.lastIndex, 2, "a batch is never split");
  });
});

describe("L12 hostile messages are refused, and change nothing", () => {
  const entry = { index: 2, term: 2, kind: "command" as const, data: bytesOf("x") };
  const append = {
    type: "append",
    from: "b",
    to: "a",
    term: 2,
    prevIndex: 1,
    prevTerm: 1,
    commit: 0,
    entries: [entry],
  } as const;
  const table: [string, unknown][] = [
    ["for another", { ...append, to: "c" }],
    ["from itself", { ...append, from: "a" }],
    ["from nobody", { ...append, from: "" }],
    ["a fraction as term", { ...append, term: 2.5 }],
    ["term 0", { ...append, term: 0 }],
    ["a term without successor", { ...append, term: Number.MAX_SAFE_INTEGER }],
    ["a gap", { ...append, entries: [{ ...entry, index: 3 }] }],
    ["entries out of order", { ...append, entries: [entry, entry] }],
    ["a falling term", { ...append, entries: [entry, { ...entry, index: 3, term: 1 }] }],
    ["a term before the one before", { ...append, prevTerm: 2, entries: [{ ...entry, term: 1 }] }],
    ["a term after the message's", { ...append, entries: [{ ...entry, term: 3 }] }],
    ["a previous term after the message's", { ...append, prevTerm: 3 }],
    ["a previous term of nothing", { ...append, prevIndex: 0 }],
    ["an unknown kind", { ...append, entries: [{ ...entry, kind: "other" }] }],
    ["a no-op that is none", { ...append, entries: [{ ...entry, kind: "noop" }] }],
    ["a configuration that is none", { ...append, entries: [{ ...entry, kind: "config" }] }],
    ["data that is none", { ...append, entries: [{ ...entry, data: "x" }] }],
    ["an entry that is none", { ...append, entries: [null] }],
    ["no entries", { ...append, entries: undefined }],
    ["a negative commit", { ...append, commit: -1 }],
    ["NaN", { ...append, prevIndex: NaN }],
    ["an index without successor", { ...append, prevIndex: Number.MAX_SAFE_INTEGER }],
    ["an unknown type", { ...append, type: "other" }],
    ["a heartbeat of a fraction", {
      type: "heartbeat",
      from: "b",
      to: "a",
      term: 2,
      commit: 0.5,
      round: 0,
    }],
    ["a heartbeat beyond the log", {
      type: "heartbeat",
      from: "b",
      to: "a",
      term: 1,
      commit: 99,
      round: 0,
    }],
    ["a vote without flags", {
      type: "vote",
      from: "b",
      to: "a",
      term: 2,
      lastIndex: 1,
      lastTerm: 1,
    }],
    ["a read with a term", { type: "readIndex", from: "b", to: "a", term: 1, read: 1 }],
    ["a snapshot by the wrong door", { type: "snapshot", from: "b", to: "a", term: 2, meta: null }],
  ];
  for (const [what, message] of table) {
    it(what, () => {
      const solo = new Solo();
      const before = { ...solo.core.status, leader: undefined };
      const effects = solo.step({ type: "message", message: message as Message });
      assertEquals(of(effects, "refused").length, 1);
      assertEquals({ ...solo.core.status, leader: undefined }, before);
    });
  }

  it("an acknowledgement beyond the log", () => {
    const solo = new Solo();
    solo.lead();
    solo.flush();
    const effects = solo.acknowledge("b", 99);
    assertEquals(of(effects, "refused").length, 1);
    assertEquals([solo.core.status.commitIndex, solo.core.status.progress[0]!.match], [1, 0]);
  });

  it("answers of strangers do not count", () => {
    const solo = new Solo();
    solo.step({ type: "campaign" });
    for (const from of ["x", "y"]) {
      solo.receive({ type: "voteReply", from, term: 2, preVote: true, granted: true });
    }
    assertEquals(solo.core.status.role, "preCandidate");
    const leader = new Solo();
    leader.lead();
    leader.flush();
    leader.acknowledge("x");
    assertEquals(leader.core.status.commitIndex, 1);
  });

  it("random garbage never throws", () => {
    const random = seeded(7);
    const values = [0, 1, 2, -1, 0.5, NaN, 2 ** 53, "a", "b", "", null, undefined, true, [], {}];
    const pick = () => values[Math.floor(random() * values.length)];
    const types = ["append", "appendReply", "heartbeat", "heartbeatReply", "vote", "voteReply"];
    types.push("timeoutNow", "snapshot", "readIndex", "readIndexReply", "x");
    const fields = ["term", "prevIndex", "prevTerm", "commit", "entries", "rejected", "index"];
    fields.push("hintIndex", "hintTerm", "round", "lastIndex", "lastTerm", "preVote", "transfer");
    fields.push("granted", "meta", "read");
    const solo = new Solo({ options: noLease });
    for (let i = 0; i < 5000; i++) {
      const message: Record<string, unknown> = { from: "b", to: "a", term: 1 };
      message["type"] = types[Math.floor(random() * types.length)];
      for (const field of fields) if (random() < 0.7) message[field] = pick();
      const input = message["type"] === "snapshot" ? "snapshotReceived" : "message";
      solo.step({ type: input, message: message as never });
      const { commitIndex, lastIndex } = solo.core.status;
      assert(commitIndex <= lastIndex && lastIndex < 1000);
    }
  });
});

describe("L13 silent members are sent no snapshots", () => {
  /** Leads with `c` behind its log, which begins after a snapshot at 3. */
  const ahead = (hears: boolean) => {
    const solo = new Solo({ options: { trailingEntries: 0, checkQuorum: false } });
    solo.leadAndCommit();
    if (hears) solo.acknowledge("c");
    solo.propose("x");
    solo.flush();
    solo.acknowledge("b");
    solo.step({ type: "snapshotTaken", meta: solo.core.snapshotMeta(3, "s") });
    return solo;
  };
  const toC = (effects: ReturnType<Solo["step"]>) =>
    of(effects, "sendSnapshot").map(({ to, atLeast }) => [to, atLeast]);
  const answer = (solo: Solo) =>
    solo.receive({ type: "heartbeatReply", from: "c", term: 2, round: 0 });

  it("nor those that fell silent", () => {
    const solo = ahead(true);
    solo.step({ type: "unreachable", node: "c" });
    solo.now = 1000;
    assertEquals(toC(solo.propose("y")), []);
    assertEquals(toC(answer(solo)), [["c", 3]]);
  });

  it("nor those that were never heard in this reign", () => {
    const solo = ahead(false);
    assertEquals(toC(solo.step({ type: "transferLeadership", to: "c" })), []);
    assertEquals(toC(answer(solo)), [["c", 3]]);
  });

  it("until they answer", () => {
    const cluster = new Cluster({ members: ["a", "b", "c"], options: { trailingEntries: 0 } });
    cluster.elect("a");
    cluster.partition(["a", "b"], ["c"]);
    cluster.propose("a", "x");
    cluster.settle();
    cluster.snapshot("a");
    cluster.step("a", { type: "transferLeadership", to: "b" });
    cluster.settle();
    const leader = cluster.leader!;
    cluster.snapshot("b");
    leader.events = [];
    cluster.advance(3000);
    assertEquals(of(leader.events, "sendSnapshot"), []);
    cluster.heal();
    cluster.advance(2500);
    assertEquals(cluster.texts("c"), ["x"]);
  });
});

describe("L14 only what is durable is applied", () => {
  it("a follower waits for its own disk, though the group has committed", () => {
    const solo = new Solo();
    assertEquals(of(solo.append(2, [1, 1], [2, 2], 3), "apply"), []);
    assertEquals(solo.core.status.commitIndex, 3);
    assertEquals(brief(of(solo.flush(), "apply")[0]!.entries), ["2/2", "3/2"]);
  });

  it("in pages of bounded bytes, one entry at least, without gaps", () => {
    const cluster = new Cluster({
      members: ["a"],
      immediateApply: false,
      options: { maxApplyingBytes: 40 },
    });
    cluster.elect("a");
    cluster.apply("a");
    cluster.propose("a", "x".repeat(100), "1", "2", "3", "4");
    const pages: number[][] = [];
    for (let i = 0; i < 10; i++) {
      const page = cluster.at("a").applying.map((entry) => entry.index);
      if (page.length === 0) break;
      pages.push(page);
      const member = cluster.at("a");
      member.applied.push(...member.applying.splice(0));
      cluster.step("a", { type: "applied", index: page.at(-1)! });
    }
    assertEquals(pages, [[3], [4, 5], [6, 7]]);
  });

  it("after a restart what was committed is applied again, from the snapshot on", () => {
    const cluster = new Cluster({ members: ["a"] });
    cluster.elect("a");
    cluster.propose("a", "x", "y");
    cluster.settle();
    cluster.snapshot("a");
    cluster.propose("a", "z");
    cluster.advance(100);
    cluster.crash("a");
    cluster.restart("a");
    assertEquals(cluster.texts("a"), ["x", "y"]);
    assertEquals(cluster.at("a").core.deadline, cluster.now);
    cluster.advance(0);
    assertEquals(cluster.texts("a"), ["x", "y", "z"]);
  });
});
