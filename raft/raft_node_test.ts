import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers";
import { founders, Group, line, wrapped } from "./_harness_nodes.ts";
import { AlreadyBootstrappedError, ProposalError, ReadError, TransferError } from "./errors.ts";
import type { LogStore, SnapshotStore } from "./log_store.ts";
import { recoverCluster } from "./recover_cluster.ts";
import { MemorySnapshotStore } from "./snapshot/memory_snapshot_store.ts";
import { MemoryLogStore } from "./wal/memory_log_store.ts";

const abc = ["a", "b", "c"];
const five = ["a", "b", "c", "d", "e"];

/** What a promise rejects with, while time passes. */
async function refused<T>(group: Group, promise: Promise<T>): Promise<ProposalError> {
  const { error } = await group.time.settled(promise);
  assert(error instanceof ProposalError, `a ProposalError: current value is ${error}`);
  return error;
}

describe("RaftNode alone", () => {
  it("commits, applies and answers, and has all of it after a restart", async () => {
    const group = new Group();
    await group.found(["a"]);
    const node = await group.leader();
    const answers = await group.time.value(
      Promise.all(["x", "y", "z"].map((text) => node.propose(line(text)))),
    );
    assertEquals(answers.map(({ result }) => result), [1, 2, 3]);
    assertEquals(answers[1]!.index, answers[0]!.index + 1);
    assertEquals(node.stats.proposalsCommitted, 3);
    await group.stop("a");
    await group.start("a");
    await group.leader();
    await group.agree(["x", "y", "z"]);
    await group.close();
  });

  it("cuts its log behind snapshots and starts from the newest", async () => {
    const group = new Group();
    await group.found(["a"], { snapshotEntries: 10, trailingEntries: 2 });
    const node = await group.leader();
    const lines = Array.from({ length: 35 }, (_, i) => `${i}`);
    for (const text of lines) await group.time.value(node.propose(line(text)));
    await group.time.until("a snapshot", () => (node.status.snapshot?.index ?? 0) >= 30);
    await group.time.until("a cut", () => node.stats.log.firstIndex > 20);
    await group.stop("a");
    const again = await group.start("a");
    assert((again.status.snapshot?.index ?? 0) >= 30);
    await group.leader();
    await group.agree(lines);
    await group.close();
  });

  it("refuses to be founded twice with different lists, and takes the same list for the same group", async () => {
    const group = new Group();
    await group.found(["a"]);
    await group.leader();
    await group.stop("a");
    await assertRejects(
      () => group.start("a", { bootstrap: founders(["a", "b"]) }),
      AlreadyBootstrappedError,
    );
    await group.start("a", { bootstrap: founders(["a"]) });
    await group.leader();
    await group.close();
  });

  it("refuses to found a group where it has voted in another", async () => {
    const group = new Group();
    const log = new MemoryLogStore();
    const hardState = { term: 3, votedFor: "x", commit: 0 };
    await log.open();
    await log.persist({ type: "persist", token: 1, entries: [], hardState, sync: true });
    await log.close();
    const error = await assertRejects(
      () => group.start("a", { log: new MemoryLogStore(log), bootstrap: founders(["a"]) }),
      AlreadyBootstrappedError,
    );
    assert(error.message.includes("it waits to be added there"));
    const node = await group.start("a", { log: new MemoryLogStore(log) });
    assertEquals([node.status.role, node.status.term], ["follower", 3]);
    await group.close();
  });

  it("refuses options that are none", async () => {
    const group = new Group();
    await assertRejects(() => group.start("a", { electionTimeoutMs: 5 }), RangeError);
    await assertRejects(() => group.start("b", { maxBatchBytes: 0.5 }), RangeError);
    await assertRejects(() => group.start("c", { bootstrap: founders(["x"]) }), RangeError);
    await assertRejects(() => group.start("d", { sesion: 1 } as never), TypeError);
  });

  it("waits to be added when it was not founded", async () => {
    const group = new Group();
    const node = await group.start("a");
    await group.time.pass(1_000);
    assertEquals([node.status.role, node.status.term], ["follower", 0]);
    assertEquals((await refused(group, node.propose(line("x")))).reason, "notLeader");
    await group.close();
  });
});

describe("RaftNode in a group", () => {
  it("replicates, and points to the leader from elsewhere", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    await group.agree(["x"]);
    const [other] = group.others(leader);
    const error = await refused(group, other!.propose(line("y")));
    assertEquals([error.outcome, error.reason], ["not-proposed", "notLeader"]);
    assertEquals(error.leader, { id: leader.id, address: `${leader.id}:1` });
    await group.close();
  });

  it("hands commands on when asked to, also across a change of leader", async () => {
    const group = new Group();
    await group.found(abc, { forwardProposals: true });
    const leader = await group.leader();
    const [other] = group.others(leader);
    const { result } = await group.time.value(other!.propose(line("x")));
    assertEquals(result, 1);
    group.isolate(leader.id);
    const pending = ["y", "z"].map((text) => other!.propose(line(text)));
    const answers = await group.time.value(Promise.all(pending));
    assertEquals(answers.map(({ result }) => result), [2, 3]);
    group.heal(leader.id);
    await group.agree(["x", "y", "z"]);
    await group.close();
  });

  it("elects another leader, and what the old one could not commit is dropped", async () => {
    const group = new Group();
    await group.found(abc);
    const old = await group.leader();
    await group.time.value(old.propose(line("x")));
    group.isolate(old.id);
    const lost = old.propose(line("lost"), { timeoutMs: 30_000 });
    lost.catch(() => {});
    const rest = abc.filter((id) => id !== old.id);
    const leader = await group.leader(rest);
    assert(leader !== old);
    await group.time.value(leader.propose(line("y")));
    group.heal(old.id);
    const error = await refused(group, lost);
    assertEquals([error.outcome, error.reason], ["dropped", "superseded"]);
    await group.agree(["x", "y"]);
    await group.close();
  });

  it("does not call dropped what was cut off its log, and is committed by a later leader (Figure 8)", async () => {
    const group = new Group();
    const slow = new Set<string>();
    const options = (id: string) => ({
      bootstrap: founders(five),
      wrapLog: (log: LogStore): LogStore => {
        let stuck = false;
        return wrapped(log, {
          persist: (effect) => {
            stuck ||= slow.has(id) && effect.entries.length > 0;
            return stuck ? new Promise(() => {}) : log.persist(effect);
          },
        });
      },
    });
    for (const id of five) await group.start(id, options(id));
    const old = await group.leader();
    await group.time.value(old.propose(line("x")));
    await group.agree(["x"]);
    const [witness, ...rest] = group.others(old);
    // In its reign y reaches one other.
    for (const { id } of rest) group.isolate(id);
    const pending = old.propose(line("y"), { timeoutMs: 50_000 });
    const { lastIndex } = old.status;
    await group.time.until("y is copied", () => witness!.status.lastIndex > lastIndex);
    // The others elect a leader whose first entry stays on its way, but for one place: that of y in the old leader's log.
    for (const { id } of [old, witness!]) group.isolate(id);
    for (const { id } of rest) {
      slow.add(id);
      group.heal(id);
    }
    const between = await group.leader(rest.map(({ id }) => id));
    group.heal(old.id);
    await group.time.until("y is cut off", () => old.status.leader?.id === between.id);
    await group.time.pass(50);
    assertEquals(old.status.lastIndex, lastIndex + 1);
    group.isolate(old.id);
    // Who lacks y cannot be elected by who has it.
    slow.clear();
    for (const { id } of rest) await group.stop(id);
    group.heal(witness!.id);
    for (const { id } of rest.slice(0, 2)) await group.start(id, options(id));
    await group.time.until("the witness leads", () => witness!.status.role === "leader");
    await group.start(rest[2]!.id, options(rest[2]!.id));
    group.heal(old.id);
    assertEquals((await group.time.value(pending)).result, 2);
    await group.agree(["x", "y"]);
    await group.close();
  });

  it("says unknown of what it could not commit in time", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    group.isolate(leader.id);
    const error = await refused(group, leader.propose(line("?"), { timeoutMs: 50 }));
    assertEquals([error.outcome, error.reason], ["unknown", "timeout"]);
    await group.close();
  });

  it("serves linearizable reads everywhere, and none without a majority", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const { index } = await group.time.value(leader.propose(line("x")));
    for (const node of group.nodes) {
      const at = await group.time.value(node.readIndex());
      assert(at >= index);
      assertEquals(group.members.get(node.id)!.journal.lines, ["x"]);
    }
    await group.time.value(leader.verifyLeader());
    const [one, two] = group.others(leader);
    await group.stop(one!.id);
    await group.stop(two!.id);
    const { error } = await group.time.settled(leader.readIndex({ timeoutMs: 300 }));
    assert(error instanceof ReadError);
    const { error: late } = await group.time.settled(leader.verifyLeader({ timeoutMs: 300 }));
    assert(late instanceof ReadError);
    await group.close();
  });

  it("does not take the next leader's word for its own leadership", async () => {
    const group = new Group();
    let isHeld = false;
    const held: (() => void)[] = [];
    const defer = (callback: () => void) =>
      isHeld ? void held.push(callback) : void setImmediate(callback);
    await group.found(abc, { defer });
    const leader = await group.leader();
    isHeld = true;
    const verified = group.time.settled(leader.verifyLeader());
    isHeld = false;
    await group.time.value(leader.transferLeadership());
    await group.time.until("it follows", () => leader.status.leader !== undefined);
    for (const callback of held) callback();
    const { error } = await verified;
    assertEquals((error as ReadError).reason, "notLeader");
    await group.close();
  });

  it("serves reads after a restart, though nothing is left to apply", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const { index } = await group.time.value(leader.propose(line("x")));
    await group.agree(["x"]);
    const [other] = group.others(leader);
    await group.time.value(other!.snapshot());
    await group.stop(other!.id);
    const again = await group.start(other!.id);
    assert(await group.time.value(again.readIndex()) >= index);
    assertEquals(again.stats.entriesApplied, 0);
    assertEquals(group.members.get(other!.id)!.journal.lines, ["x"]);
    await group.close();
  });

  it("applies a command with a session once, whoever leads", async () => {
    const group = new Group();
    await group.found(abc);
    const old = await group.leader();
    const session = { client: "me", sequence: 1 };
    const first = await group.time.value(old.propose(line("x"), { session }));
    await group.stop(old.id);
    const leader = await group.leader(abc.filter((id) => id !== old.id));
    const again = await group.time.value(leader.propose(line("x"), { session }));
    assertEquals([first.result, again.result], [1, 1]);
    assert(again.index > first.index);
    await group.agree(["x"], [leader.id]);
    await group.close();
  });

  it("applies a command once that was handed on and whose answer was lost, wherever it is tried again", async () => {
    const group = new Group();
    let cut: string | undefined;
    const wrapLog = (log: LogStore): LogStore =>
      wrapped(log, {
        persist: (effect) => {
          // Whoever writes the command first leads, and has told nobody yet.
          if (cut !== undefined && effect.entries.length > 0) group.isolate(cut);
          return log.persist(effect);
        },
      });
    await group.found(abc, { forwardProposals: true, wrapLog });
    const leader = await group.leader();
    const [asked, other] = group.others(leader);
    const session = { client: "caller", sequence: 1 };
    cut = asked!.id;
    const first = asked!.propose(line("x"), { session, timeoutMs: 300 });
    const error = await refused(group, first);
    assertEquals([error.outcome, error.reason], ["unknown", "timeout"]);
    const again = await group.time.value(other!.propose(line("x"), { session }));
    assertEquals(again.result, 1);
    cut = undefined;
    group.heal(asked!.id);
    const third = await group.time.value(asked!.propose(line("x"), { session }));
    assertEquals(third.result, 1);
    await group.agree(["x"]);
    await assertRejects(
      () => asked!.propose(line("y"), { session: { client: "", sequence: 1 } }),
      RangeError,
    );
    await group.close();
  });

  it("hands leadership over", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const [other] = group.others(leader);
    await group.time.value(leader.transferLeadership(other!.id));
    await group.time.until("the successor leads", () => other!.status.role === "leader");
    const { error } = await group.time.settled(leader.transferLeadership("nobody"));
    assert(error instanceof TransferError);
    group.isolate(leader.id);
    const late = await group.time.settled(
      other!.transferLeadership(leader.id, { timeoutMs: 20 }),
    );
    assertEquals((late.error as TransferError).reason, "timeout");
    await group.close();
  });

  it("has a barrier behind all that was proposed", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const proposals = ["x", "y"].map((text) => leader.propose(line(text)));
    const index = await group.time.value(leader.barrier());
    assertEquals(group.members.get(leader.id)!.journal.lines, ["x", "y"]);
    assert((await Promise.all(proposals)).every((one) => one.index < index));
    await group.close();
  });

  it("tells watchers and listeners", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const [other] = group.others(leader);
    const seen: string[] = [];
    other!.events.addEventListener("role", ({ detail }) => seen.push(detail.role));
    const watching = (async () => {
      for await (const { role } of other!.watch()) if (role === "leader") return role;
      return "ended";
    })();
    await group.stop(leader.id);
    await group.stop(group.others(leader).find((node) => node !== other)!.id);
    await group.start(leader.id);
    const led = await group.leader([leader.id, other!.id]);
    if (led !== other) await group.time.value(led.transferLeadership(other!.id));
    assertEquals(await group.time.value(watching), "leader");
    assert(seen.includes("leader"));
    await group.close();
  });
});

describe("RaftNode snapshots", () => {
  it("brings a member that was away too long up to date", async () => {
    const group = new Group();
    await group.found(abc, { snapshotEntries: 20, trailingEntries: 0 });
    const leader = await group.leader();
    const away = group.others(leader)[0]!.id;
    await group.time.value(leader.propose(line("0")));
    await group.stop(away);
    const lines = Array.from({ length: 100 }, (_, i) => `${i}`);
    await group.time.value(
      Promise.all(lines.slice(1, 50).map((text) => leader.propose(line(text)))),
    );
    for (const text of lines.slice(50)) await group.time.value(leader.propose(line(text)));
    await group.time.until("a cut", () => leader.stats.log.firstIndex > 60);
    const node = await group.start(away, { snapshotEntries: 20, trailingEntries: 0 });
    await group.agree(lines);
    assertEquals(node.stats.snapshots.received, 1);
    await group.time.value(leader.propose(line("more")));
    await group.agree([...lines, "more"]);
    await group.close();
  });

  it("drops none that the log durably names, though the name of a newer one is being written", async () => {
    const group = new Group();
    const marks: number[] = [];
    const retained: number[] = [];
    const slow = Promise.withResolvers<void>();
    const never = new Promise<void>(() => {});
    await group.found(["a"], {
      trailingEntries: 0,
      wrapLog: (log) =>
        wrapped(log, {
          persist: (effect) => {
            if (effect.snapshot !== undefined && marks.push(effect.snapshot.index) > 1) {
              return never;
            }
            return log.persist(effect);
          },
          compact: (through) => slow.promise.then(() => log.compact(through)),
        }),
      wrapSnapshots: (snapshots) =>
        wrapped(snapshots, {
          retain: (_, marked) => Promise.resolve(void retained.push(marked)),
        }),
    });
    const node = await group.leader();
    for (const text of ["x", "y"]) {
      await group.time.value(node.propose(line(text)));
      await group.time.value(node.snapshot());
    }
    await group.time.until("both are marked", () => marks.length === 2);
    slow.resolve();
    await group.time.until("old ones are dropped", () => retained.length === 1);
    assertEquals(retained, [marks[0]]);
    await group.close();
  });

  it("is all that a member needs for reads after a restart", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    await group.agree(["x"]);
    const { id } = group.others(leader)[0]!;
    await group.time.value(group.node(id).readIndex());
    const { index } = await group.time.value(group.node(id).snapshot());
    await group.stop(id);
    const again = await group.start(id);
    assertEquals(again.status.appliedIndex, index);
    assertEquals(await group.time.value(again.readIndex({ timeoutMs: 1_000 })), index);
    assertEquals(group.members.get(id)!.journal.lines, ["x"]);
    await group.close();
  });

  it("goes on when one cannot be stored", async () => {
    const group = new Group();
    const wrapSnapshots = (store: SnapshotStore): SnapshotStore =>
      new Proxy(store, {
        get(target, name) {
          if (name === "create") return () => Promise.reject(new Error("ENOSPC"));
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    await group.found(["a"], { wrapSnapshots });
    const node = await group.leader();
    await group.time.value(node.propose(line("x")));
    const { error } = await group.time.settled(node.snapshot());
    assertEquals((error as Error).message, "ENOSPC");
    await group.time.value(node.propose(line("y")));
    assertEquals(node.stats.snapshots.failed, 1);
    await group.close();
  });
});

describe("RaftNode membership", () => {
  it("adds a learner, gives it a vote, and takes a member out", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    await group.start("d");
    await group.time.value(leader.addLearner("d", "d:1"));
    await group.agree(["x"]);
    assertEquals(leader.status.config.learners, ["d"]);
    await group.time.until("the learner is known to have caught up", () => {
      const peer = leader.status.peers.find(({ id }) => id === "d");
      return peer !== undefined && peer.match === leader.status.lastIndex;
    });
    await group.time.value(leader.promote("d"));
    assertEquals(leader.status.config.voters, ["a", "b", "c", "d"]);
    const gone = group.others(leader).find(({ id }) => id !== "d")!.id;
    await group.time.value(leader.remove(gone));
    assertEquals(leader.status.config.voters.includes(gone), false);
    await group.time.value(leader.propose(line("y")));
    await group.agree(["x", "y"], [...group.members.keys()].filter((id) => id !== gone));
    await group.close();
  });

  it("replaces a voter in one step, through a joint phase", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const gone = group.others(leader)[0]!.id;
    await group.start("d");
    const at = await group.time.value(leader.changeMembership([
      { type: "addVoter", id: "d", address: "d:1" },
      { type: "remove", id: gone },
    ]));
    const { config, configIndex, configCommitted } = leader.status;
    assertEquals([configIndex, configCommitted], [at, true]);
    assertEquals(config.voters, [...abc.filter((id) => id !== gone), "d"].sort());
    assertEquals(config.votersOutgoing, []);
    await group.close();
  });

  it("changes only the configuration that was looked at", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    const { configIndex } = leader.status;
    await group.time.value(leader.addLearner("d", "d:1", { expectedConfigIndex: configIndex }));
    const error = await refused(
      group,
      leader.remove("d", { expectedConfigIndex: configIndex }),
    );
    assertEquals([error.outcome, error.reason], ["not-proposed", "configChanged"]);
    assertEquals((await refused(group, leader.promote("nobody"))).reason, "configIllegal");
    await group.close();
  });

  it("lets a leader take itself out", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    await group.time.value(leader.remove(leader.id));
    const rest = abc.filter((id) => id !== leader.id);
    const next = await group.leader(rest);
    await group.time.value(next.propose(line("y")));
    await group.agree(["x", "y"], rest);
    await group.close();
  });
});

describe("RaftNode failures", () => {
  /** Fails every write from some moment on. */
  function failing(): { readonly wrapLog: (log: LogStore) => LogStore; fail: boolean } {
    const state = {
      fail: false,
      wrapLog: (log: LogStore): LogStore =>
        wrapped(log, {
          persist: (effect) => state.fail ? Promise.reject(new Error("EIO")) : log.persist(effect),
        }),
    };
    return state;
  }

  it("end a leader whose disk fails, and nothing is acknowledged any more", async () => {
    const group = new Group();
    const disks = new Map(abc.map((id) => [id, failing()]));
    for (const id of abc) {
      await group.start(id, { bootstrap: founders(abc), wrapLog: disks.get(id)!.wrapLog });
    }
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    let halted: Error | undefined;
    leader.events.addEventListener("halted", ({ detail }) => halted = detail);
    disks.get(leader.id)!.fail = true;
    const error = await refused(group, leader.propose(line("y")));
    assertEquals([error.outcome, error.reason], ["unknown", "halted"]);
    assertEquals([halted?.message, leader.failure?.message], ["EIO", "EIO"]);
    assertEquals(leader.status.role, "halted");
    assertEquals((await refused(group, leader.propose(line("z")))).outcome, "not-proposed");
    const { error: read } = await group.time.settled(leader.readIndex());
    assertEquals((read as ReadError).reason, "halted");
    const rest = abc.filter((id) => id !== leader.id);
    const next = await group.leader(rest);
    await group.time.value(next.propose(line("w")));
    await group.time.until("the rest agrees", () => {
      const [one, two] = rest.map((id) => group.members.get(id)!.journal.lines.join());
      return one === two && one!.endsWith("w");
    });
    await group.close();
  });

  it("end a node whose state machine throws", async () => {
    const group = new Group();
    await group.found(["a"]);
    const node = await group.leader();
    group.members.get("a")!.journal.apply = () => {
      throw new Error("a fault");
    };
    const error = await refused(group, node.propose(line("x")));
    assertEquals([error.outcome, error.reason], ["unknown", "halted"]);
    assertEquals(node.status.role, "halted");
    await group.close();
  });

  it("end a snapshot that waits for the state machine, when its caller or the node gives up", async () => {
    const group = new Group();
    await group.found(["a"]);
    const node = await group.leader();
    group.members.get("a")!.journal.gate = new Promise(() => {});
    node.propose(line("x")).catch(() => {});
    await group.time.pass(1);
    const abort = new AbortController();
    const one = node.snapshot({ signal: abort.signal });
    const other = node.snapshot();
    one.catch(() => {});
    other.catch(() => {});
    abort.abort(new Error("no patience"));
    await assertRejects(() => one, Error, "no patience");
    await assertRejects(() => node.snapshot({ signal: abort.signal }), Error, "no patience");
    await node.close();
    await assertRejects(() => other, Error, "takes part no more");
    await group.close();
  });

  it("end what is pending when a node closes, and what comes after", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    for (const node of group.others(leader)) group.isolate(node.id);
    const appended = leader.propose(line("y"));
    appended.catch(() => {});
    await group.time.pass(1);
    const queued = leader.propose(line("z"));
    queued.catch(() => {});
    const reading = leader.readIndex();
    reading.catch(() => {});
    await leader.close();
    await leader.close();
    assertEquals((await refused(group, appended)).outcome, "unknown");
    assertEquals((await refused(group, queued)).outcome, "not-proposed");
    assertEquals((await group.time.settled(reading)).error instanceof ReadError, true);
    assertEquals((await refused(group, leader.propose(line("w")))).reason, "closed");
    await group.close();
  });

  it("take a call back when its signal aborts", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    for (const node of group.others(leader)) group.isolate(node.id);
    const abort = new AbortController();
    const { signal } = abort;
    const proposal = leader.propose(line("y"), { signal });
    const read = leader.readIndex({ signal: abort.signal });
    proposal.catch(() => {});
    read.catch(() => {});
    await group.time.pass(1);
    abort.abort();
    const error = await refused(group, proposal);
    assertEquals([error.outcome, error.reason], ["unknown", "aborted"]);
    assertEquals(((await group.time.settled(read)).error as ReadError).reason, "aborted");
    for (const node of group.nodes) {
      const { outcome, reason } = await refused(group, node.propose(line("z"), { signal }));
      assertEquals([outcome, reason], ["not-proposed", "aborted"]);
    }
    await group.close();
  });

  it("refuse commands that are too large, and more than the queue holds", async () => {
    const group = new Group();
    await group.found(["a"], { maxCommandBytes: 100, maxQueuedBytes: 250 });
    const node = await group.leader();
    assertEquals((await refused(group, node.propose(new Uint8Array(101)))).reason, "tooLarge");
    const many = Array.from({ length: 3 }, () => node.propose(new Uint8Array(100)));
    const outcomes = await group.time.value(Promise.allSettled(many));
    assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected"]);
    await group.close();
  });
});

describe("recoverCluster()", () => {
  it("lets one survivor go on alone", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    await group.time.value(leader.propose(line("x")));
    await group.agree(["x"]);
    for (const id of abc) await group.stop(id);
    const survivor = group.members.get("b")!;
    const log = new MemoryLogStore(survivor.log);
    const snapshots = new MemorySnapshotStore(survivor.snapshots);
    const warned: string[] = [];
    const quiet = { debug: () => {}, info: () => {}, error: () => {} };
    const recovered = await recoverCluster({
      id: "b",
      address: "b:1",
      log,
      snapshots,
      iAcceptThat: "acknowledged writes may be lost and the other members never come back",
      logger: { ...quiet, warn: (message) => warned.push(message) },
    });
    assertEquals(recovered.given, ["a", "c"]);
    assert(warned[0]!.includes("RECOVERING"));
    group.members.set("b", { ...survivor, log, snapshots });
    const node = await group.start("b");
    await group.leader(["b"]);
    await group.time.value(node.propose(line("y")));
    await group.agree(["x", "y"], ["b"]);
    assertEquals(node.status.config.voters, ["b"]);
    await group.close();
  });

  it("refuses without the sentence, and a node that never was a member", async () => {
    const options = { id: "b", address: "b:1" };
    await assertRejects(() =>
      recoverCluster({
        ...options,
        log: new MemoryLogStore(),
        snapshots: new MemorySnapshotStore(),
        iAcceptThat: "yes" as never,
      }), TypeError);
    await assertRejects(() =>
      recoverCluster({
        ...options,
        log: new MemoryLogStore(),
        snapshots: new MemorySnapshotStore(),
        iAcceptThat: "acknowledged writes may be lost and the other members never come back",
      })
    );
  });
});
