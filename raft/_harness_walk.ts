/**
 * A seeded random walk over a {@link Cluster} with the invariants of Raft checked after every step.
 *
 * @module
 */
import { Cluster, type Disk, type Member, seeded } from "./_harness.ts";
import { membersOf } from "./config.ts";
import type { MemberChange, RaftEffect, RaftInput } from "./contract.ts";
import type { ClusterConfig, Entry, Index, NodeId, Term } from "./entry.ts";
import type { Message } from "./message.ts";

/** Which way a walk goes. */
export interface WalkInit {
  readonly seed: number;
  readonly steps: number;
  readonly members: number;
  /** Whether the group is changed on the way. @default {true} */
  readonly changes?: boolean;
}

/** What a walk saw: a walk that saw nothing proves nothing. */
export type Sightings = Record<string, number>;

/** Checks every step of a cluster. A violation throws. */
export class Watch {
  readonly seen: Sightings = {};
  readonly #cluster: Cluster;
  readonly #lives = new Map<NodeId, number>();
  readonly #leaders = new Map<Term, string>();
  readonly #entries = new Map<string, string>();
  readonly #committed = new Map<Index, Term>();
  readonly #reads = new Map<string, Index>();
  readonly #before = new Map<NodeId, { commit: Index; applied: Index; term: Term }>();
  maxCommitted: Index = 0;

  /** Watches from now on. */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    cluster.onStep = (member, input, effects) => this.#check(member, input, effects);
    cluster.onSend = (member, message) => this.#sent(member, message);
    for (const member of cluster.members.values()) this.#enter(member.written.entries, 0, 0);
  }

  /** A member starts anew: what it had only in memory is gone. */
  restarted(id: NodeId): void {
    this.#lives.set(id, (this.#lives.get(id) ?? 0) + 1);
    this.#before.delete(id);
    for (const key of this.#reads.keys()) if (key.startsWith(`${id}/`)) this.#reads.delete(key);
  }

  /** A member is about to read. */
  asks(id: NodeId, read: number): void {
    this.#reads.set(`${id}/${read}`, this.maxCommitted);
  }

  /** Counts a situation. */
  saw(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1;
  }

  #check(member: Member, input: RaftInput, effects: readonly RaftEffect[]): void {
    const { id } = member;
    const status = member.core.status;
    const { written, disk } = member;
    for (const effect of effects) {
      if (effect.type === "persist") {
        if (effect.truncateFrom !== undefined) {
          this.saw("truncated");
          if (status.role === "leader") this.#fail("I2", `${id} cut its log while it leads`);
        }
        if (effect.resetLog) this.saw("reset by a snapshot");
        const first = effect.entries[0];
        if (first !== undefined) {
          this.#enter(effect.entries, first.index - 1, termIn(written, first.index - 1) ?? 0);
        }
      } else if (effect.type === "apply") this.#apply(member, effect.entries);
      else if (effect.type === "readReady") {
        const asked = this.#reads.get(`${id}/${effect.read}`);
        if (asked === undefined) this.#fail("reads", `${id} answers a read that nobody asked`);
        else if (effect.index < asked) {
          this.#fail("reads", `${id} reads at ${effect.index}, ${asked} was committed`);
        }
        this.#reads.delete(`${id}/${effect.read}`);
        this.saw(status.role === "leader" ? "read by a leader" : "read by a follower");
      } else if (effect.type === "halt") this.#fail("halt", `${id}: ${effect.detail}`);
      else if (effect.type === "refused") {
        this.#fail("refused", `${id}: ${effect.reason}: ${effect.detail}`);
      } else if (effect.type === "transferEnded" && effect.ok) this.saw("transferred");
      else if (effect.type === "config" && status.config.votersOutgoing.length > 0) {
        this.saw("joint");
      } else if (effect.type === "role" && effect.role === "leader") this.saw("elected");
    }
    this.#progress(member, input);
    if (status.role === "leader") {
      const life = `${id}#${this.#lives.get(id) ?? 0}`;
      const known = this.#leaders.get(status.term);
      if (known === undefined) {
        this.#leaders.set(status.term, life);
        this.#complete(member);
      } else if (known !== life) {
        this.#fail("I1", `${known} and ${life} lead term ${status.term}`);
      }
    }
    const { config } = status;
    for (const learner of config.learners) {
      if (config.voters.includes(learner)) this.#fail("I10", `${learner} is both`);
    }
    if (disk.hard.term > status.term) this.#fail("I8", `the disk of ${id} is ahead`);
  }

  /** I3: the same index and term mean the same entry after the same entry. */
  #enter(entries: readonly Entry[], prevIndex: Index, prevTerm: Term): void {
    let before = prevTerm;
    let at = prevIndex;
    for (const { index, term, kind, data } of entries) {
      if (index !== ++at) this.#fail("I3", `${index} stands where ${at} should`);
      const what = `${before} ${kind} ${data.join()}`;
      const key = `${index}/${term}`;
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, what);
      else if (known !== what) this.#fail("I3", `${key} is both ${known} and ${what}`);
      before = term;
    }
  }

  /** I6 and I9: what only grows, and what a commit needs. */
  #progress(member: Member, input: RaftInput): void {
    const { id, written } = member;
    const {
      commitIndex,
      appliedIndex,
      lastIndex,
      durableIndex,
      term,
      role,
      config,
      snapshotIndex,
    } = member.core.status;
    const before = this.#before.get(id) ?? { commit: 0, applied: 0, term: 0 };
    if (commitIndex < before.commit) this.#fail("I6", `${id} uncommits ${before.commit}`);
    if (appliedIndex < before.applied) this.#fail("I6", `${id} unapplies ${before.applied}`);
    if (term < before.term) this.#fail("I8", `${id} goes back from term ${before.term}`);
    if (commitIndex > lastIndex) this.#fail("I6", `${id} commits ${commitIndex} of ${lastIndex}`);
    if (appliedIndex > commitIndex) this.#fail("I6", `${id} applies what is not committed`);
    // A snapshot may be said to be restored before its write is said to be durable.
    if (appliedIndex > Math.max(durableIndex, snapshotIndex)) {
      this.#fail("I6", `${id} applies what is not durable`);
    }
    if (durableIndex > lastIndex) this.#fail("I6", `${id} is durable beyond its log`);
    for (let index = before.commit + 1; index <= commitIndex; index++) {
      const at = termIn(written, index);
      if (at === undefined) continue;
      const known = this.#committed.get(index);
      if (known === undefined) {
        this.#committed.set(index, at);
        if (index > this.maxCommitted) this.maxCommitted = index;
        if (role === "leader" || input.type === "persisted") this.#durable(config, index, at);
      } else if (known !== at) {
        this.#fail("I5", `${index} is committed in terms ${known} and ${at}`);
      }
    }
    this.#before.set(id, { commit: commitIndex, applied: appliedIndex, term });
  }

  #durable(config: ClusterConfig, index: Index, term: Term): void {
    const holds = (id: NodeId) => {
      const disk = this.#cluster.members.get(id)?.disk;
      return disk !== undefined && termIn(disk, index, true) === term;
    };
    for (const half of [config.voters, config.votersOutgoing]) {
      // A later change of the same step may have grown the quorum that counted: the joint entry is what is checked then.
      const count = half.filter(holds).length;
      if (half.length > 0 && count < (half.length >> 1) + 1 && index >= this.maxCommitted) {
        const enough = this.#cluster.leaders.some((m) => m.core.status.configIndex > index);
        if (!enough) this.#fail("I9", `${index} is committed on ${count} of ${half.join()}`);
      }
    }
  }

  /** I4: who is elected holds all that was ever committed. */
  #complete(member: Member): void {
    for (const [index, term] of this.#committed) {
      const held = termIn(member.written, index, true);
      if (held !== term) {
        this.#fail("I4", `${member.id} leads with ${index}/${held}, committed is ${term}`);
      }
    }
  }

  /** I5: applied is what is committed, in order, without gaps. */
  #apply(member: Member, entries: readonly Entry[]): void {
    let next = (member.applying.at(-1) ?? member.applied.at(-1))?.index ?? 0;
    for (const { index, term } of entries) {
      if (index !== ++next) this.#fail("I5", `${member.id} applies ${index}, not ${next}`);
      const known = this.#committed.get(index);
      if (known !== undefined && known !== term) {
        this.#fail("I5", `${member.id} applies ${index}/${term}, committed is ${known}`);
      }
      if (termIn(member.disk, index) !== term) {
        this.#fail("L14", `${member.id} applies ${index}, which is not on its disk`);
      }
    }
  }

  /** I7: what leaves is on the disk already. */
  #sent(member: Member, m: Message): void {
    const { hard } = member.disk;
    if (m.type === "vote" && !m.preVote) {
      if (hard.term < m.term || (hard.term === m.term && hard.votedFor !== m.from)) {
        this.#fail("I7", `${m.from} campaigns in term ${m.term} that is not durable`);
      }
    } else if (m.type === "voteReply" && !m.preVote && m.granted) {
      if (hard.term < m.term || (hard.term === m.term && hard.votedFor !== m.to)) {
        this.#fail("I7", `the vote of ${m.from} for ${m.to} is not durable`);
      }
    } else if (m.type === "appendReply" && !m.rejected && m.index > 0) {
      const held = termIn(member.disk, m.index, true);
      if (held === undefined || hard.term < m.term) {
        this.#fail("I7", `${m.from} acknowledges ${m.index}, which is not durable`);
      }
    }
  }

  #fail(invariant: string, detail: string): never {
    throw new Error(`${invariant}: ${detail}`);
  }
}

/** The term that a disk holds at an index. What a snapshot covers counts as held, in the term that `covered` gives it: any. */
function termIn(disk: Disk, index: Index, covered = false): Term | undefined {
  const first = disk.entries[0]?.index;
  if (first !== undefined && index >= first) {
    const entry = disk.entries[index - first];
    if (entry !== undefined) return entry.term;
  }
  if (disk.snapshot?.index === index) return disk.snapshot.term;
  if (!covered || disk.snapshot === undefined || disk.snapshot.index < index) return undefined;
  const state = disk.store.get(disk.snapshot.id)?.state;
  return state?.find((entry) => entry.index === index)?.term;
}

function newest(cluster: Cluster): Member {
  return [...cluster.members.values()].toSorted((a, b) =>
    b.core.status.commitIndex - a.core.status.commitIndex
  )[0]!;
}

/** Walks. @returns What was seen. @throws {Error} That names the seed, the step, and the invariant. */
export function walk(init: WalkInit): Sightings {
  const ids = ["a", "b", "c", "d", "e"].slice(0, init.members);
  const random = seeded(init.seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const changes = init.changes ?? true;
  const options = {
    trailingEntries: random() < 0.5 ? 2 : 20,
    maxInflightMessages: random() < 0.5 ? 1 : 3,
    maxAppendEntries: random() < 0.5 ? 1 : 8,
    maxApplyingBytes: random() < 0.5 ? 1 : 1000,
    preVote: random() < 0.8,
    checkQuorum: random() < 0.8,
  };
  const cluster = new Cluster({
    members: ids,
    blank: changes ? ["x", "y"] : [],
    seed: init.seed,
    immediateDisk: false,
    immediateApply: false,
    options,
  });
  const watch = new Watch(cluster);
  const everyone = [...cluster.members.keys()];
  // Each seed has its own weather: uniform faults hide what rare ones show.
  const weight = (usual: number) => usual * (random() < 0.25 ? 0 : 0.3 + random() * 2);
  const actions: [number, () => void][] = [
    [20, () => {
      const m = pick(cluster.network);
      if (m !== undefined) cluster.deliver(m);
    }],
    [40, () => {
      const m = cluster.network[0];
      if (m !== undefined) cluster.deliver(m);
    }],
    [weight(3), () => {
      const m = pick(cluster.network);
      if (m !== undefined) cluster.lose(m);
    }],
    [weight(3), () => {
      const m = pick(cluster.network);
      if (m !== undefined && m.type !== "snapshot") cluster.receive(m);
    }],
    [25, () => cluster.flush(pick(everyone), 1)],
    [15, () => cluster.apply(pick(everyone))],
    [8, () => {
      cluster.now += random() * (random() < 0.1 ? 800 : 40);
      const due = everyone.filter((id) =>
        cluster.at(id).isUp && cluster.at(id).core.deadline <= cluster.now
      );
      if (due.length > 0) cluster.step(pick(due), { type: "timeout" });
    }],
    [8, () => {
      const id = cluster.leader?.id ?? pick(everyone);
      cluster.propose(id, `${Math.floor(random() * 1e6)}`);
    }],
    [weight(0.6), () => {
      const id = pick(everyone);
      const { isUp, writes } = cluster.at(id);
      if (!isUp) return;
      if (cluster.at(id).core.status.role === "leader") watch.saw("leader crashed");
      cluster.crash(id, Math.floor(random() * (writes.length + 1)));
      watch.saw("crashed");
    }],
    [2, () => {
      const down = everyone.filter((id) => !cluster.at(id).isUp);
      if (down.length > 0) restart(pick(down));
    }],
    [weight(2), () => {
      const id = pick(everyone);
      if (!cluster.at(id).isUp) return;
      const read = ++reads;
      watch.asks(id, read);
      cluster.step(id, { type: "readIndex", read });
    }],
    [weight(0.3), () => cluster.step(pick(everyone), { type: "campaign" })],
    [weight(0.3), () => cluster.step(pick(everyone), { type: "forgetLeader" })],
    [weight(0.3), () => {
      const id = cluster.leader?.id;
      if (id !== undefined) cluster.step(id, { type: "transferLeadership", to: pick(everyone) });
    }],
    [weight(0.6), () => {
      const member = cluster.at(pick(everyone));
      if (!member.isUp) return;
      const { appliedIndex, snapshotIndex } = member.core.status;
      if (member.applying.length > 0 || appliedIndex <= snapshotIndex) return;
      if (member.applied.at(-1)?.index !== appliedIndex) return;
      cluster.snapshot(member.id);
      watch.saw("snapshot taken");
    }],
    [weight(0.3), () => {
      const id = cluster.leader?.id;
      if (id !== undefined) cluster.step(id, { type: "unreachable", node: pick(everyone) });
    }],
    [weight(0.5), () => {
      const cut = everyone.filter(() => random() < 0.4);
      const isCut = new Set(cut);
      if (random() < 0.5) cluster.heal();
      else cluster.filter = (m) => isCut.has(m.from) === isCut.has(m.to);
    }],
    [changes ? weight(1) : 0, () => {
      const id = cluster.leader?.id;
      if (id === undefined) return;
      const { config } = cluster.at(id).core.status;
      const change: RaftInput = {
        type: "changeConfig",
        proposal: 0,
        change: config.votersOutgoing.length > 0 ? { type: "leaveJoint" } : {
          type: "change",
          changes: drawChanges(config),
          transition: pick(["auto", "auto", "joint", "explicit"] as const),
        },
      };
      const effects = cluster.step(id, change);
      if (effects.some((e) => e.type === "proposed")) watch.saw("group changed");
    }],
  ];
  let reads = 0;
  function drawChanges(config: ClusterConfig): MemberChange[] {
    const count = 1 + Math.floor(random() * 2);
    return Array.from({ length: count }, (): MemberChange => {
      const id = pick(everyone);
      const draw = random();
      if (draw < 0.5 || config.voters.length < 3) {
        return { type: "addVoter", id, address: `${id}:1` };
      }
      return draw < 0.75 ? { type: "remove", id } : { type: "addLearner", id, address: `${id}:1` };
    });
  }
  function restart(id: NodeId): void {
    watch.restarted(id);
    cluster.restart(id);
  }
  const total = actions.reduce((sum, [w]) => sum + w, 0);
  let at = 0;
  try {
    for (; at < init.steps; at++) {
      let draw = random() * total;
      for (const [w, act] of actions) {
        draw -= w;
        if (draw < 0) {
          act();
          break;
        }
      }
      if (cluster.network.length > 200) {
        for (const m of cluster.network.slice(0, 100)) cluster.lose(m);
      }
    }
    // The faults end: one leads, and all who belong hold the same.
    cluster.heal();
    for (const id of everyone) if (!cluster.at(id).isUp) restart(id);
    if (!options.preVote || !options.checkQuorum) {
      // Without both, a member that was taken out and does not know it keeps the others electing (E10).
      const { configIndex } = newest(cluster).core.status;
      const belong = new Set<NodeId>();
      for (const { core: { status } } of cluster.members.values()) {
        if (status.configIndex >= configIndex) {
          for (const id of membersOf(status.config)) belong.add(id);
        }
      }
      for (const id of everyone) if (!belong.has(id)) cluster.crash(id);
    }
    cluster.advance(15_000);
    const leader = cluster.leader;
    if (leader === undefined) throw new Error("L1: nobody leads");
    cluster.propose(leader.id, "last");
    cluster.advance(15_000);
    const { config, commitIndex } = (cluster.leader ?? leader).core.status;
    for (const id of membersOf(config)) {
      const { appliedIndex } = cluster.at(id).core.status;
      if (appliedIndex !== commitIndex) {
        throw new Error(`L1: ${id} holds ${appliedIndex} of ${commitIndex}`);
      }
      if (!cluster.texts(id).includes("last")) throw new Error(`L1: ${id} lacks the last command`);
    }
    watch.seen["committed"] = watch.maxCommitted;
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : cause;
    throw new Error(`seed ${init.seed} members ${init.members} step ${at}: ${detail}`, { cause });
  }
  return watch.seen;
}
