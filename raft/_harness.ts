/**
 * Several cores in one process: virtual time, a network that is a list, disks that write when told. For tests of the rules; not
 * a simulator.
 *
 * @module
 */
import type { RaftEffect, RaftInput, Recovered } from "./contract.ts";
import { blankState, type BootstrapMember, bootstrapState } from "./bootstrap.ts";
import { RaftCore } from "./core.ts";
import type { Entry, HardState, Index, NodeId, SnapshotMeta, Term } from "./entry.ts";
import type { Message } from "./message.ts";
import type { RaftOptions } from "./options.ts";

type Persist = Extract<RaftEffect, { type: "persist" }>;

/** A small generator (mulberry32) for seeded tests. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A command's bytes. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What a disk keeps through a crash. */
export class Disk {
  /** Term, vote, commit. */
  hard: HardState;
  /** The log, durable. */
  entries: Entry[];
  /** The mark of the latest snapshot. */
  snapshot: SnapshotMeta | undefined;
  /** Snapshots in the store: their state machines. */
  readonly store: Map<string, { meta: SnapshotMeta; state: readonly Entry[] }>;

  /** Begins with a state. */
  constructor(recovered: Recovered, store: Disk["store"] = new Map()) {
    this.store = store;
    this.hard = recovered.hardState;
    this.entries = [...recovered.entries];
    this.snapshot = recovered.snapshot;
  }

  /** Makes a write durable. */
  write(effect: Persist): void {
    if (effect.resetLog) this.entries = [];
    if (effect.truncateFrom !== undefined) this.#cut(effect.truncateFrom);
    const first = effect.entries[0];
    if (first !== undefined) {
      const next = (this.entries.at(-1)?.index ?? this.snapshot?.index ?? 0) + 1;
      if (first.index !== next) throw new Error(`A write of ${first.index} where ${next} is next`);
      this.entries.push(...effect.entries);
    }
    if (effect.hardState !== undefined) this.hard = effect.hardState;
    if (effect.snapshot !== undefined) this.snapshot = effect.snapshot;
  }

  /** The log up to `through` is not needed. */
  compact(through: Index): void {
    this.entries = this.entries.filter((entry) => entry.index > through);
  }

  /** What a start finds. */
  recover(): Recovered {
    return { hardState: this.hard, entries: [...this.entries], snapshot: this.snapshot };
  }

  #cut(from: Index): void {
    this.entries = this.entries.filter((entry) => entry.index < from);
  }
}

/** One member: its core, its disk, its state machine. */
export class Member {
  readonly id: NodeId;
  readonly disk: Disk;
  core: RaftCore;
  /** Whether it runs. */
  isUp = true;
  /** What the disk holds once all writes are done: the log as the core has it, but for what it compacted. */
  written: Disk;
  /** Writes that are not durable, and what waits behind each. */
  writes: { effect: Persist; then: readonly RaftEffect[] }[] = [];
  /** What its state machine holds, in order. */
  applied: Entry[] = [];
  /** Handed out, not yet applied. */
  applying: Entry[] = [];
  /** All effects so far that are no sends, writes or applies. */
  events: RaftEffect[] = [];

  /** Starts. */
  constructor(id: NodeId, disk: Disk, core: RaftCore) {
    this.id = id;
    this.disk = disk;
    this.written = new Disk(disk.recover(), disk.store);
    this.core = core;
  }
}

/** How a {@link Cluster} behaves. */
export interface ClusterInit {
  /** Founding members. Ids alone are voters. */
  readonly members: readonly (NodeId | BootstrapMember)[];
  /** Nodes that start blank. */
  readonly blank?: readonly NodeId[];
  /** @default {1} */
  readonly seed?: number;
  /** @default {the defaults} */
  readonly options?: RaftOptions;
  /** Whether writes are durable as soon as they begin. @default {true} */
  readonly immediateDisk?: boolean;
  /** Whether entries are applied as soon as they are handed out. @default {true} */
  readonly immediateApply?: boolean;
  /** Draws in place of the seed's, for exact election timeouts: in turn, then the seed's. */
  readonly draws?: Readonly<Record<NodeId, () => number>>;
}

/** Several members, their network, and the clock. */
export class Cluster {
  readonly members = new Map<NodeId, Member>();
  readonly random: () => number;
  /** Messages on their way, in the order of their sending. */
  network: Message[] = [];
  /** A message that it refuses is lost as it is sent. */
  filter: (message: Message) => boolean = () => true;
  /** Sees each step. */
  onStep: (member: Member, input: RaftInput, effects: readonly RaftEffect[]) => void = () => {};
  /** Sees each message as it leaves. */
  onSend: (member: Member, message: Message) => void = () => {};
  now = 0;
  immediateDisk: boolean;
  immediateApply: boolean;
  readonly #init: ClusterInit;
  #proposal = 0;
  readonly #tasks: (() => void)[] = [];
  #isRunning = false;

  /** Starts all. */
  constructor(init: ClusterInit) {
    this.#init = init;
    this.random = seeded(init.seed ?? 1);
    this.immediateDisk = init.immediateDisk ?? true;
    this.immediateApply = init.immediateApply ?? true;
    const founding = init.members.map((m) =>
      typeof m === "string" ? { id: m, address: `${m}:1` } : m
    );
    for (const { id } of founding) this.add(id, bootstrapState(founding));
    for (const id of init.blank ?? []) this.add(id, blankState());
  }

  /** Starts one more. */
  add(id: NodeId, recovered: Recovered): Member {
    const disk = new Disk(recovered);
    const member = new Member(id, disk, this.#core(id, recovered));
    this.members.set(id, member);
    return member;
  }

  /** One of them. */
  at(id: NodeId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`No member ${id}`);
    return member;
  }

  /** Those who believe that they lead. */
  get leaders(): readonly Member[] {
    return [...this.members.values()].filter((m) => m.isUp && m.core.status.role === "leader");
  }

  /** The one of the latest term. */
  get leader(): Member | undefined {
    return this.leaders.toSorted((a, b) => b.core.status.term - a.core.status.term)[0];
  }

  /** Gives a core an input and performs the effects. */
  step(id: NodeId, input: RaftInput): readonly RaftEffect[] {
    const member = this.at(id);
    if (!member.isUp) return [];
    const effects = member.core.step(input, this.now);
    for (const effect of effects) if (effect.type === "persist") member.written.write(effect);
    this.onStep(member, input, effects);
    this.#run(() => this.#perform(member, effects));
    return effects;
  }

  /** What a step causes comes after its last effect: writes begin in the order of their tokens. */
  #run(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#tasks.shift(); next !== undefined; next = this.#tasks.shift()) next();
    } finally {
      this.#isRunning = false;
      this.#tasks.length = 0;
    }
  }

  /** Proposes commands. @returns The proposal's number. */
  propose(id: NodeId, ...texts: string[]): number {
    const proposal = ++this.#proposal;
    this.step(id, { type: "propose", proposal, commands: texts.map(bytesOf) });
    return proposal;
  }

  /** Makes writes durable: all, or the first `count`. */
  flush(id: NodeId, count = Infinity): void {
    const member = this.at(id);
    for (; count > 0 && member.writes.length > 0 && member.isUp; count--) {
      const { effect, then } = member.writes.shift()!;
      member.disk.write(effect);
      this.#run(() => this.#perform(member, then));
      this.#run(() => this.step(id, { type: "persisted", token: effect.token }));
    }
  }

  /** Applies what was handed out. */
  apply(id: NodeId): void {
    const member = this.at(id);
    while (member.applying.length > 0 && member.isUp) {
      const { index } = member.applying.at(-1)!;
      member.applied.push(...member.applying);
      member.applying = [];
      this.step(id, { type: "applied", index });
    }
  }

  /** Delivers one message on its way. */
  deliver(message: Message): void {
    const at = this.network.indexOf(message);
    if (at >= 0) this.network.splice(at, 1);
    this.receive(message);
  }

  /** Loses one message on its way. The sender of a snapshot notices. */
  lose(message: Message): void {
    this.network.splice(this.network.indexOf(message), 1);
    if (message.type === "snapshot") {
      this.step(message.from, { type: "snapshotSent", node: message.to, ok: false });
    }
  }

  /** Gives a message to its receiver, on its way or not. */
  receive(message: Message): void {
    const member = this.members.get(message.to);
    if (message.type !== "snapshot") {
      if (member?.isUp) this.step(message.to, { type: "message", message });
      return;
    }
    const state = this.members.get(message.from)?.disk.store.get(message.meta.id);
    const ok = member?.isUp === true && state !== undefined;
    if (ok) {
      member.disk.store.set(message.meta.id, state);
      this.step(message.to, { type: "snapshotReceived", message });
    }
    if (this.members.has(message.from)) {
      this.step(message.from, { type: "snapshotSent", node: message.to, ok });
    }
  }

  /** Delivers, writes and applies until nothing is left to do. The clock stands. */
  settle(): void {
    for (let rounds = 0; rounds < 10_000; rounds++) {
      let isBusy = false;
      for (const id of this.members.keys()) {
        if (this.at(id).writes.length > 0 && this.at(id).isUp) {
          this.flush(id);
          isBusy = true;
        }
        if (this.at(id).applying.length > 0 && this.at(id).isUp) {
          this.apply(id);
          isBusy = true;
        }
      }
      const messages = this.network;
      this.network = [];
      for (const message of messages) this.receive(message);
      if (!isBusy && messages.length === 0) return;
    }
    throw new Error("The cluster does not settle");
  }

  /** Lets time pass, settling at each deadline. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      this.settle();
      const next = Math.min(
        ...[...this.members.values()].map((m) => m.isUp ? m.core.deadline : Infinity),
      );
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const member of this.members.values()) {
        if (member.isUp && member.core.deadline <= this.now) {
          this.step(member.id, { type: "timeout" });
        }
      }
    }
    this.now = end;
  }

  /** Has one campaign, and settles. */
  elect(id: NodeId): void {
    this.step(id, { type: "campaign" });
    this.settle();
  }

  /** Stops a member. Of its writes under way the first `kept` are durable all the same. */
  crash(id: NodeId, kept = 0): void {
    const member = this.at(id);
    for (const { effect } of member.writes.slice(0, kept)) member.disk.write(effect);
    member.writes = [];
    member.applying = [];
    member.isUp = false;
  }

  /** Starts it again, from its disk alone. */
  restart(id: NodeId): void {
    const member = this.at(id);
    const recovered = member.disk.recover();
    const { snapshot } = recovered;
    member.written = new Disk(recovered, member.disk.store);
    member.core = this.#core(id, recovered);
    member.applied = snapshot === undefined ? [] : [...member.disk.store.get(snapshot.id)!.state];
    member.isUp = true;
  }

  /** Takes a snapshot of what a member has applied. */
  snapshot(id: NodeId): SnapshotMeta {
    const member = this.at(id);
    const { appliedIndex } = member.core.status;
    const meta = member.core.snapshotMeta(appliedIndex, `s-${appliedIndex}-${id}`);
    member.disk.store.set(meta.id, { meta, state: [...member.applied] });
    this.step(id, { type: "snapshotTaken", meta });
    return meta;
  }

  /** Loses messages between the sides, both ways. */
  partition(...sides: readonly (readonly NodeId[])[]): void {
    const side = (id: NodeId) => sides.findIndex((ids) => ids.includes(id));
    this.filter = (m) => side(m.from) === side(m.to);
  }

  /** Ends all losses. */
  heal(): void {
    this.filter = () => true;
  }

  /** The commands that a member has applied, as texts. */
  texts(id: NodeId): readonly string[] {
    return this.at(id).applied.filter((e) => e.kind === "command").map((e) =>
      new TextDecoder().decode(e.data)
    );
  }

  #core(id: NodeId, recovered: Recovered): RaftCore {
    const random = this.#init.draws?.[id] ?? this.random;
    return new RaftCore({ ...this.#init.options, id, recovered, random, now: this.now });
  }

  #perform(member: Member, effects: readonly RaftEffect[]): void {
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i]!;
      switch (effect.type) {
        case "send":
          this.#send(member, effect.message);
          break;
        case "persist":
          member.writes.push({ effect, then: effects.slice(i + 1) });
          if (this.immediateDisk) this.#run(() => this.flush(member.id));
          return;
        case "apply":
          member.applying.push(...effect.entries);
          if (this.immediateApply) this.#run(() => this.apply(member.id));
          break;
        case "restore": {
          const { meta } = effect;
          member.applying = [];
          member.applied = [...member.disk.store.get(meta.id)!.state];
          member.events.push(effect);
          this.#run(() => this.step(member.id, { type: "restored", index: meta.index }));
          break;
        }
        case "compact":
          member.disk.compact(effect.through);
          break;
        case "sendSnapshot": {
          const newest = [...member.disk.store.values()].toSorted((a, b) =>
            b.meta.index - a.meta.index
          )[0];
          member.events.push(effect);
          if (newest === undefined || newest.meta.index < effect.atLeast) {
            this.#run(() =>
              this.step(member.id, { type: "snapshotSent", node: effect.to, ok: false })
            );
            break;
          }
          const { to, term } = effect;
          this.#send(member, {
            type: "snapshot",
            from: member.id,
            to,
            term,
            meta: newest.meta,
          });
          break;
        }
        default:
          member.events.push(effect);
      }
    }
  }

  #send(member: Member, message: Message): void {
    this.onSend(member, message);
    if (this.filter(message)) this.network.push(message);
    else if (message.type === "snapshot") {
      this.#run(() => this.step(member.id, { type: "snapshotSent", node: message.to, ok: false }));
    }
  }
}

/** Entries in short: `index/term`. */
export function brief(entries: readonly Entry[]): readonly string[] {
  return entries.map(({ index, term }) => `${index}/${term}`);
}

/** A log for a start: a configuration at 1/1, then commands of the terms. */
export function stateWith(
  members: readonly NodeId[],
  terms: readonly Term[],
  hard: Partial<HardState> = {},
): Recovered {
  const base = bootstrapState(members.map((id) => ({ id, address: `${id}:1` })));
  const entries = [
    ...base.entries,
    ...terms.map((term, i): Entry => ({
      index: i + 2,
      term,
      kind: "command",
      data: bytesOf(`${i + 2}/${term}`),
    })),
  ];
  const term = Math.max(1, ...terms);
  return { ...base, hardState: { term, votedFor: undefined, commit: 1, ...hard }, entries };
}
