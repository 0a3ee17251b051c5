import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { Cluster } from "./_harness.ts";
import { of, sent, Solo } from "./_harness_solo.ts";
import { blankState, bootstrapFromSnapshot, bootstrapState } from "./bootstrap.ts";
import { decodeConfig, emptyConfig, encodeConfig } from "./config.ts";
import type { MemberChange, RaftEffect, RaftInput } from "./contract.ts";
import type { NodeId } from "./entry.ts";

type Transition = "auto" | "joint" | "explicit";

/** `+a` a voter, `~a` a learner, `-a` out. */
function changes(text: string): readonly MemberChange[] {
  return text.split(" ").map((part): MemberChange => {
    const id = part.slice(1);
    if (part[0] === "-") return { type: "remove", id };
    return { type: part[0] === "+" ? "addVoter" : "addLearner", id, address: `${id}:1` };
  });
}

function change(
  on: Solo | Cluster,
  text: string,
  transition: Transition = "auto",
  expectedConfigIndex?: number,
): readonly RaftEffect[] {
  const input: RaftInput = {
    type: "changeConfig",
    proposal: 7,
    change: text === "leave"
      ? { type: "leaveJoint" }
      : { type: "change", changes: changes(text), transition },
    ...(expectedConfigIndex !== undefined && { expectedConfigIndex }),
  };
  return on instanceof Solo ? on.step(input) : on.step(on.leader!.id, input);
}

const five = ["a", "b", "c", "d", "e"];
const reason = (effects: readonly RaftEffect[]) => of(effects, "rejected")[0]?.reason;
const voters = (cluster: Cluster, id: NodeId) => cluster.at(id).core.status.config.voters.join(" ");

function led(members: ConstructorParameters<typeof Cluster>[0]["members"], blank: NodeId[] = []) {
  const cluster = new Cluster({ members, blank });
  cluster.elect("a");
  return cluster;
}

describe("append-time configurations", () => {
  it("are in force from their append on, and committed later", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    const effects = change(solo, "+d");
    assertEquals(of(effects, "config")[0]!.committed, false);
    assertEquals(solo.core.status.config.voters, ["a", "b", "c", "d"]);
    assert(sent(effects, "append").some((m) => m.to === "d"));
    solo.flush();
    solo.acknowledge("b");
    assertEquals(solo.core.status.isConfigCommitted, false, "three of four are needed");
    assertEquals(of(solo.acknowledge("c"), "config")[0]!.committed, true);
  });

  it("are rolled back with the log", () => {
    const solo = new Solo();
    const { config } = solo.core.status;
    const data = encodeConfig({
      ...config,
      voters: ["a", "b"],
      addresses: config.addresses.slice(0, 2),
    });
    solo.receive({
      type: "append",
      term: 2,
      prevIndex: 1,
      prevTerm: 1,
      commit: 1,
      entries: [{ index: 2, term: 2, kind: "config", data }],
    });
    assertEquals(solo.core.status.config.voters, ["a", "b"]);
    solo.flush();
    const effects = solo.receive({
      type: "append",
      from: "c",
      term: 3,
      prevIndex: 1,
      prevTerm: 1,
      commit: 1,
      entries: [{ index: 2, term: 3, kind: "noop", data: new Uint8Array(0) }],
    });
    const [told] = of(effects, "config");
    assertEquals([told!.config.voters, told!.index, told!.committed], [["a", "b", "c"], 1, true]);
  });

  it("of the log are found again at a start", () => {
    const cluster = led(["a", "b", "c"], ["d"]);
    change(cluster, "+d");
    cluster.settle();
    cluster.crash("b");
    cluster.restart("b");
    assertEquals(voters(cluster, "b"), "a b c d");
  });
});

describe("C1 one change at a time", () => {
  it("the next is refused while one is not committed, and said so", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    change(solo, "+d");
    assertEquals(reason(change(solo, "+e")), "configPending");
    solo.flush();
    solo.acknowledge("b");
    solo.acknowledge("c");
    assertEquals(reason(change(solo, "+e")), undefined);
  });

  it("one that expects another configuration is refused", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    assertEquals(reason(change(solo, "+d", "auto", 9)), "configChanged");
    assertEquals(reason(change(solo, "+d", "auto", 1)), undefined);
    solo.flush();
    for (const from of ["b", "c"]) solo.acknowledge(from);
    assertEquals(reason(change(solo, "+e", "auto", 1)), "configChanged");
    assertEquals(reason(change(solo, "+e", "auto", 3)), undefined);
  });

  it("a repeated one changes nothing and blocks nothing", () => {
    const cluster = led(["a", "b", "c"], ["d"]);
    for (let i = 0; i < 3; i++) {
      assertEquals(reason(change(cluster, "+d")), undefined);
      cluster.settle();
    }
    assertEquals(voters(cluster, "d"), "a b c d");
  });
});

describe("C2 a new leader commits an entry of its own first", () => {
  it("lest two leaders decide by configurations that do not meet", () => {
    const solo = new Solo();
    solo.lead();
    assertEquals(reason(change(solo, "+d")), "configPending");
    solo.flush();
    solo.acknowledge("b");
    assertEquals(reason(change(solo, "+d")), undefined);
    assertEquals(reason(change(new Solo(), "+d")), "notLeader");
  });
});

describe("C2 a new leader ends a joint phase only after an entry of its own", () => {
  it("also where a transfer that failed let it wait", () => {
    const base = bootstrapState(["a", "b", "c"].map((id) => ({ id, address: `${id}:1` })));
    const { voters, ...config } = decodeConfig(base.entries[0]!.data);
    const data = encodeConfig({ ...config, voters, votersOutgoing: voters, autoLeave: true });
    const recovered = {
      ...base,
      hardState: { ...base.hardState, commit: 2 },
      entries: [...base.entries, { index: 2, term: 1, kind: "config" as const, data }],
    };
    const solo = new Solo({ recovered });
    solo.lead();
    solo.flush();
    solo.step({ type: "transferLeadership", to: "b" });
    for (let i = 0; i < 3; i++) {
      for (const from of ["b", "c"]) {
        solo.receive({ type: "heartbeatReply", from, term: 2, round: 0 });
      }
      solo.wait(400);
    }
    assertEquals([solo.core.status.role, solo.core.status.transferTo], ["leader", undefined]);
    assertEquals([solo.core.status.lastIndex, solo.core.status.configIndex], [3, 2]);
    solo.acknowledge("b");
    assertEquals([solo.core.status.configIndex, solo.core.status.config.votersOutgoing], [4, []]);
  });
});

describe("C3 a simple change moves one vote", () => {
  it("more goes joint", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    change(solo, "+d +e");
    const { config } = solo.core.status;
    assertEquals([config.votersOutgoing.join(""), config.autoLeave], ["abc", true]);
  });
});

describe("C4 joint decisions need both halves", () => {
  it("commits", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    change(solo, "+d +e -b -c", "explicit");
    solo.flush();
    for (const id of ["d", "e"]) solo.acknowledge(id);
    assertEquals(solo.core.status.isConfigCommitted, false);
    solo.acknowledge("b");
    assertEquals(solo.core.status.isConfigCommitted, true);
  });

  it("votes, of both kinds", () => {
    const cluster = led(["a", "b", "c"], ["d", "e"]);
    change(cluster, "+d +e -a -b", "explicit");
    cluster.settle();
    cluster.crash("a");
    cluster.now = 1e5;
    cluster.partition(["c", "d", "e"], ["b"]);
    cluster.elect("d");
    assertEquals(cluster.leader, undefined, "c alone is no majority of a, b, c");
    cluster.partition(["b", "c"], ["d", "e"]);
    cluster.now = 2e5;
    cluster.elect("b");
    assertEquals(cluster.leader, undefined, "c alone is no majority of c, d, e");
    cluster.heal();
    cluster.now = 3e5;
    cluster.elect("d");
    assertEquals(cluster.leader!.id, "d");
  });

  for (const [half, missing] of [["incoming", ["d", "e"]], ["outgoing", ["b", "c"]]] as const) {
    const joint = () => {
      const cluster = led(["a", "b", "c"], ["d", "e"]);
      change(cluster, "+d +e -b -c", "explicit");
      cluster.settle();
      cluster.partition(five.filter((id) => !missing.some((other) => other === id)), missing);
      cluster.at("a").events = [];
      return cluster;
    };

    it(`quorum checks, without a majority of the ${half} half`, () => {
      const cluster = joint();
      cluster.advance(1500);
      assertEquals(cluster.leaders, []);
    });

    it(`reads, without a majority of the ${half} half`, () => {
      const cluster = joint();
      cluster.step("a", { type: "readIndex", read: 1 });
      cluster.settle();
      assertEquals(of(cluster.at("a").events, "readReady"), []);
      cluster.heal();
      cluster.advance(100);
      assertEquals(of(cluster.at("a").events, "readReady").length, 1);
    });
  }

  it("reads, of who is the only one in one half", () => {
    const cluster = led(["a", "b", "c"]);
    change(cluster, "-b -c", "explicit");
    cluster.settle();
    cluster.partition(["a"], ["b", "c"]);
    cluster.at("a").events = [];
    cluster.step("a", { type: "readIndex", read: 1 });
    cluster.settle();
    assertEquals(of(cluster.at("a").events, "readReady"), []);
  });

  it("leases", () => {
    const cluster = new Cluster({
      members: ["a", "b", "c"],
      blank: ["d", "e"],
      options: { leaseReads: true },
    });
    cluster.advance(1000);
    cluster.elect("a");
    change(cluster, "+d +e -b -c", "explicit");
    cluster.settle();
    const lease = (apart: readonly string[]) => {
      cluster.partition(five.filter((id) => !apart.includes(id)), apart);
      cluster.advance(950);
      cluster.at("a").events = [];
      cluster.step("a", { type: "readIndex", read: 1 });
      const answered = of(cluster.at("a").events, "readReady").length;
      cluster.heal();
      cluster.advance(200);
      return answered;
    };
    assertEquals([lease([]), lease(["d", "e"]), lease(["b", "c"])], [1, 0, 0]);
  });
});

describe("C5 what is legal when", () => {
  it("is said to the caller", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    assertEquals(reason(change(solo, "leave")), "configIllegal");
    change(solo, "+d", "explicit");
    solo.flush();
    solo.acknowledge("b");
    solo.acknowledge("c");
    assertEquals(reason(change(solo, "+e")), "configIllegal");
    assertEquals(reason(change(solo, "leave")), undefined);
    const lone = new Solo({ members: ["a"] });
    lone.lead();
    lone.flush();
    assertEquals(reason(change(lone, "-a")), "configIllegal");
    assertEquals(reason(change(lone, "~a")), "configIllegal");
  });
});

describe("C6 a joint phase ends by itself", () => {
  it("once it is committed, with one entry", () => {
    const cluster = led(["a", "b", "c"], ["d", "e"]);
    change(cluster, "+d +e");
    cluster.settle();
    for (const id of ["a", "b", "c", "d", "e"]) assertEquals(voters(cluster, id), "a b c d e");
    const kinds = cluster.at("a").written.entries.map((entry) => entry.kind);
    assertEquals(kinds, ["config", "noop", "config", "config"]);
    cluster.advance(1000);
    assertEquals(cluster.at("a").written.entries.length, 4);
  });

  it("under whoever leads then", () => {
    const cluster = led(["a", "b", "c"], ["d", "e"]);
    // The joint entry reaches all; that it is committed reaches nobody but the leader, which dies.
    cluster.filter = (m) => m.type !== "appendReply";
    change(cluster, "+d +e", "joint");
    cluster.settle();
    cluster.crash("a");
    cluster.heal();
    cluster.advance(5000);
    assertEquals(cluster.leader!.core.status.config.votersOutgoing, []);
    assertEquals(voters(cluster, cluster.leader!.id), "a b c d e");
  });

  it("not before it is committed", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    change(solo, "+d +e", "joint");
    solo.flush();
    solo.acknowledge("b");
    solo.wait(100);
    assertEquals([solo.core.status.configIndex, solo.core.status.isConfigCommitted], [3, false]);
    solo.acknowledge("d");
    assertEquals(solo.core.status.configIndex, 4);
  });

  it("not during a transfer, but after", () => {
    const cluster = led(["a", "b", "c"], ["d"]);
    cluster.partition(["a", "b", "c"], ["d"]);
    change(cluster, "+d", "joint");
    cluster.step("a", { type: "transferLeadership", to: "d" });
    cluster.settle();
    assert(cluster.at("a").core.status.isConfigCommitted);
    assertEquals(cluster.at("a").core.status.config.votersOutgoing.length, 3);
    cluster.advance(1100);
    assertEquals(cluster.at("a").core.status.config.votersOutgoing.length, 0);
  });

  it("whatever the quota", () => {
    const solo = new Solo({ members: ["a"], options: { maxUncommittedBytes: 1 } });
    solo.lead();
    solo.flush();
    solo.propose("0123456789");
    assertEquals(reason(change(solo, "~l", "joint")), undefined);
    solo.flush();
    solo.flush();
    assertEquals(solo.core.status.config.votersOutgoing, []);
    assertEquals(solo.core.status.config.learners, ["l"]);
  });

  it("an explicit one waits for its word", () => {
    const cluster = led(["a", "b", "c"], ["d"]);
    change(cluster, "+d", "explicit");
    cluster.advance(3000);
    assertEquals(cluster.leader!.core.status.config.votersOutgoing.length, 3);
    change(cluster, "leave");
    cluster.settle();
    assertEquals(cluster.leader!.core.status.config.votersOutgoing, []);
  });
});

describe("C7 demotions wait for the end of the joint phase", () => {
  it("and what is known of a member survives them, and its promotion", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.acknowledge("c");
    change(solo, "~c +d", "explicit");
    const match = (id: string) => solo.core.status.progress.find((p) => p.id === id)!.match;
    assertEquals([match("c"), solo.core.status.config.learnersNext], [2, ["c"]]);
    solo.flush();
    for (const id of ["b", "c", "d"]) solo.acknowledge(id);
    change(solo, "leave");
    assertEquals([match("c"), solo.core.status.config.learners], [3, ["c"]]);
    solo.flush();
    for (const id of ["b", "d"]) solo.acknowledge(id);
    change(solo, "+c");
    assertEquals([match("c"), solo.core.status.config.learners], [3, []]);
  });
});

describe("C8 after a switch", () => {
  it("a smaller quorum commits what waited", () => {
    const solo = new Solo({ members: ["a", "b", "c", "d"] });
    solo.leadAndCommit();
    solo.acknowledge("c");
    solo.propose("x");
    solo.flush();
    solo.acknowledge("b");
    assertEquals(solo.core.status.commitIndex, 2);
    change(solo, "-d");
    assertEquals(solo.core.status.commitIndex, 3, "two of three");
  });

  it("two become one when the other is dead: the survivor leads on", () => {
    const cluster = led(["a", "b"]);
    cluster.crash("b");
    change(cluster, "-b");
    cluster.settle();
    cluster.propose("a", "x");
    cluster.settle();
    assertEquals(cluster.texts("a"), ["x"]);
  });

  it("who is new is probed at once, and its silence counts from then", () => {
    const solo = new Solo({ members: ["a"] });
    solo.lead();
    solo.flush();
    solo.now = 50_000;
    const effects = change(solo, "+b");
    assertEquals(sent(effects, "append").map((m) => m.to), ["b"]);
    solo.wait(999);
    assertEquals(solo.core.status.role, "leader");
    solo.wait(2);
    assertEquals(solo.core.status.role, "follower");
  });

  it("a transfer to who is gone has ended: no change begins during one", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.step({ type: "transferLeadership", to: "c" });
    assertEquals(reason(change(solo, "-c")), "transferring");
  });
});

describe("C9 entries and hard state are one write", () => {
  it("a follower's term, commit and entries go in one effect", () => {
    const effects = new Solo().append(2, [1, 1], [2, 2], 3);
    assertEquals(of(effects, "persist").length, 1);
    const [write] = of(effects, "persist");
    assertEquals([write!.hardState!.term, write!.hardState!.commit, write!.entries.length], [
      2,
      3,
      2,
    ]);
  });
});

describe("C10 a removed leader", () => {
  it("replicates its removal, does not count itself, steps down once it is committed", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.acknowledge("c");
    change(solo, "-a");
    solo.flush();
    solo.acknowledge("b");
    assertEquals([solo.core.status.role, solo.core.status.isConfigCommitted], ["leader", false]);
    const effects = solo.acknowledge("c");
    assertEquals([solo.core.status.role, solo.core.status.isConfigCommitted], ["follower", true]);
    assertEquals(sent(effects, "append").map((m) => [m.to, m.commit]), [["b", 3], ["c", 3]]);
    solo.acknowledge("b");
    assertEquals(reason(solo.propose("x")), "notLeader");
    solo.step({ type: "campaign" });
    assertEquals([solo.core.status.role, solo.core.deadline], ["follower", Infinity]);
  });

  it("leads on while only what was before is committed, and tells the others before it steps down", () => {
    const solo = new Solo();
    solo.leadAndCommit();
    solo.acknowledge("c");
    solo.propose("x");
    change(solo, "-a");
    solo.propose("y");
    solo.flush();
    for (const from of ["b", "c"]) solo.acknowledge(from, 3);
    assertEquals([solo.core.status.role, solo.core.status.commitIndex], ["leader", 3]);
    solo.acknowledge("b", 4);
    const effects = solo.acknowledge("c", 4);
    assertEquals([solo.core.status.role, solo.core.status.commitIndex], ["follower", 4]);
    assertEquals(sent(effects, "append").map((m) => [m.to, m.commit]), [["b", 4], ["c", 4]]);
  });

  it("is succeeded by the others", () => {
    const cluster = led(["a", "b", "c"]);
    change(cluster, "-a");
    cluster.advance(5000);
    assert(["b", "c"].includes(cluster.leader!.id));
    assertEquals(voters(cluster, "a"), "b c", "it knows");
  });

  it("a demoted one steps down as well, and goes on as a learner", () => {
    const cluster = led(["a", "b", "c"]);
    change(cluster, "~a");
    cluster.advance(5000);
    cluster.propose(cluster.leader!.id, "x");
    cluster.advance(500);
    assert(cluster.leader!.id !== "a");
    assertEquals(cluster.texts("a"), ["x"]);
  });

  it("can be replaced in one change", () => {
    const cluster = led(["a", "b", "c"], ["d"]);
    change(cluster, "+d -a");
    cluster.advance(5000);
    assertEquals(voters(cluster, "d"), "b c d");
    assert(cluster.leader!.id !== "a");
  });

  it("a removed follower is told, so that it stops campaigning", () => {
    const cluster = led(["a", "b", "c"]);
    change(cluster, "-c");
    cluster.settle();
    const { config, isConfigCommitted } = cluster.at("c").core.status;
    assertEquals([config.voters, isConfigCommitted], [["a", "b"], true]);
    assertEquals(cluster.at("c").core.deadline, Infinity);
    cluster.advance(200);
    assertEquals(cluster.at("a").core.status.progress.map((p) => p.id), ["b"]);
  });

  it("one that cannot be told is given up", () => {
    const cluster = led(["a", "b", "c"]);
    cluster.crash("c");
    change(cluster, "-c");
    cluster.advance(9000);
    assertEquals(cluster.at("a").core.status.progress.map((p) => p.id), ["b", "c"]);
    cluster.advance(2000);
    assertEquals(cluster.at("a").core.status.progress.map((p) => p.id), ["b"]);
  });
});

describe("C11 a learner is promoted", () => {
  it("by the same change, and can lead then", () => {
    const cluster = led(["a", "b"], ["l"]);
    change(cluster, "~l");
    cluster.settle();
    cluster.propose("a", "x");
    cluster.settle();
    assertEquals(cluster.texts("l"), ["x"]);
    change(cluster, "+l");
    cluster.settle();
    cluster.step("a", { type: "transferLeadership", to: "l" });
    cluster.settle();
    assertEquals(cluster.leader!.id, "l");
  });

  it("its vote counts though it has not heard of it, and is given (E12)", () => {
    const cluster = led(["a", "b"], ["l"]);
    change(cluster, "~l");
    cluster.settle();
    // The promotion is committed by a and b; l never sees it. Then a dies.
    cluster.filter = (m) => m.to !== "l";
    change(cluster, "+l");
    cluster.settle();
    assert(cluster.at("a").core.status.isConfigCommitted);
    assertEquals(cluster.at("l").core.status.config.learners, ["l"]);
    cluster.crash("a");
    cluster.heal();
    cluster.advance(5000);
    assertEquals(cluster.leader!.id, "b");
  });
});

describe("C12 ids are not reused", () => {
  it("a member that comes back without its log commits nothing that it lost", () => {
    const cluster = led(["a", "b", "c"]);
    cluster.propose("a", "x");
    cluster.settle();
    cluster.crash("c");
    cluster.add("c", blankState());
    // Its acknowledgements are taken back: the leader says what it had, and that is refused.
    cluster.at("c").events = [];
    cluster.advance(200);
    assert(of(cluster.at("c").events, "refused").length > 0);
    assertEquals(cluster.texts("c"), []);
  });

  it("one that is taken out and in again begins as new: its disk may be empty", () => {
    const cluster = led(["a", "b", "c"]);
    cluster.propose("a", "x");
    cluster.settle();
    cluster.crash("c");
    change(cluster, "-c");
    cluster.settle();
    assertEquals(cluster.at("a").core.status.progress.map((p) => p.id), ["b", "c"], "not told yet");
    cluster.add("c", blankState());
    change(cluster, "~c");
    assertEquals(cluster.at("a").core.status.progress[1]!.match, 0);
    cluster.settle();
    cluster.advance(200);
    assertEquals(cluster.texts("c"), ["x"]);
  });
});

describe("C13 bootstrap", () => {
  const members = [{ id: "b", address: "b:1" }, { id: "a", address: "a:1" }];

  it("gives all founders the same bytes, in whatever order", () => {
    const state = bootstrapState(members);
    assertEquals(state, bootstrapState([...members].reverse()));
    const [entry] = state.entries;
    assertEquals([entry!.index, entry!.term, entry!.kind], [1, 1, "config"]);
    assertEquals(decodeConfig(entry!.data).voters, ["a", "b"]);
    assertEquals(state.hardState, { term: 1, votedFor: undefined, commit: 1 });
  });

  it("may begin with a snapshot", () => {
    const snapshot = { index: 100, term: 7, id: "import" };
    const state = bootstrapFromSnapshot(members, snapshot);
    const cluster = new Cluster({ members: [] });
    for (const { id } of members) {
      const member = cluster.add(id, state);
      member.disk.store.set("import", { meta: state.snapshot!, state: [] });
    }
    cluster.elect("a");
    assertEquals(cluster.leader!.core.status.commitIndex, 101);
    assertEquals(cluster.leader!.core.status.term, 8);
  });

  it("refuses doubles, and a group without a vote", () => {
    assertThrows(() => bootstrapState([...members, members[0]!]), TypeError);
    assertThrows(() => bootstrapState([]), TypeError);
    assertThrows(() => bootstrapState([{ id: "a", address: "a", voter: false }]), TypeError);
  });

  it("a blank node elects nobody, and waits to be taken in", () => {
    const cluster = new Cluster({ members: ["a"], blank: ["x"] });
    cluster.advance(20_000);
    assertEquals(cluster.at("x").core.status.term, 0);
    assertEquals(cluster.at("x").core.status.config, emptyConfig);
    change(cluster, "+x");
    cluster.settle();
    assertEquals(voters(cluster, "x"), "a x");
  });
});
