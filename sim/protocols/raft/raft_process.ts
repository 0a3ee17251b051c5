import { bootstrapState } from "../../../raft/bootstrap.ts";
import type { RaftEffect, RaftInput, Recovered } from "../../../raft/contract.ts";
import { RaftCore } from "../../../raft/core.ts";
import type { Entry, Index, NodeId, SnapshotMeta, Term } from "../../../raft/entry.ts";
import type { Persist } from "../../../raft/log_store.ts";
import type { Message, SnapshotMessage } from "../../../raft/message.ts";
import { type RaftSettings, raftSettings } from "../../../raft/options.ts";
import type { RaftStatus } from "../../../raft/status.ts";
import { ieee } from "../../../raft/wal/checksum.ts";
import type { Prng } from "../../../gossip/strategy.ts";
import type { SimDisk } from "../../disk.ts";
import type { Scheduled } from "../../event_heap.ts";
import { LogOnDisk } from "../../log_on_disk.ts";
import type { Simulation } from "../../simulation.ts";
import { ViolationError } from "../../violation.ts";
import { type Answer, KeyValue } from "./key_value.ts";
import type { Ledger } from "./ledger.ts";
import { LogModel } from "./log_model.ts";
import type { MachineClock } from "./machine_clock.ts";
import type { Rules, Seen, WatchedLife } from "./rules.ts";

type LogEffects = ReturnType<LogOnDisk["step"]>;
type Lane = LogOnDisk["lanes"][number];

/** A snapshot in a node's store, durable. */
export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly state: string;
}

/** What a node keeps when its process dies. */
export interface Machine {
  readonly id: NodeId;
  readonly slot: number;
  readonly disk: SimDisk;
  /** Oldest first. */
  snapshots: StoredSnapshot[];
  /** What was promised to be on the disk; `undefined` before the first start. */
  durable: LogModel | undefined;
  /** Writes under way when it died. */
  torn: readonly Persist[];
  lives: number;
  readonly clock: MachineClock;
  /** Times of the disk, microseconds. */
  readonly diskUs: { write: number; sync: number; readonly usualSync: number };
}

/** What a process asks of the world. */
export interface Surroundings {
  readonly simulation: Simulation;
  readonly ledger: Ledger;
  readonly rules: Rules;
  readonly random: Prng;
  /** Counts a situation. */
  readonly count: (situation: string) => void;
  /** A message leaves. */
  readonly send: (from: RaftProcess, message: Message) => void;
  /** A snapshot is to be sent. */
  readonly sendSnapshot: (
    from: RaftProcess,
    to: { readonly node: NodeId; readonly term: Term },
    snapshot: StoredSnapshot,
  ) => void;
  /** The process is dead: its disk failed. */
  readonly died: (process: RaftProcess) => void;
  /** Entries after the last snapshot that make the next one. */
  readonly snapshotEvery: number;
  /** Time of applying a page, microseconds at most. */
  readonly applyUs: number;
  /** Founders; others start blank. */
  readonly founders: readonly NodeId[];
  readonly segmentBytes: number;
}

/** What became of a command or a read. */
export type Reply =
  | { readonly type: "done"; readonly answer: Answer; readonly at: number }
  /** It did not and will not take effect. */
  | { readonly type: "refused"; readonly leader: NodeId | undefined; readonly reason: string }
  /** Nobody knows. */
  | { readonly type: "unknown" };

interface Waiting {
  readonly term: Term;
  readonly reply: (reply: Reply) => void;
}

interface Reading {
  readonly key: string;
  /** What was committed anywhere when it was asked for. */
  readonly commit: Index;
  readonly reply: (reply: Reply) => void;
}

/** Messages that wait for a paused process, about; more are lost. */
const BACKLOG = 2000;

/** One life of a node: the shipped core over the shipped log on a simulated disk, with registers above. */
export class RaftProcess implements WatchedLife {
  readonly id: NodeId;
  readonly slot: number;
  readonly life: string;
  readonly machine: Machine;
  readonly settings: RaftSettings;
  readonly issued: LogModel;
  readonly durable: LogModel;
  readonly registers = new KeyValue();
  seen: Seen;
  /** Whether it has died. */
  isDead = false;
  /** Effects until it dies by itself; 0: it does not. */
  effectsToLive = 0;
  readonly #core: RaftCore;
  #status: RaftStatus | undefined;
  readonly #log: LogOnDisk;
  readonly #world: Surroundings;
  readonly #writes: { readonly effect: Persist; readonly then: RaftEffect[] }[] = [];
  /** Answered, but nobody asked for their durability. */
  #unsynced: Persist[] = [];
  readonly #tasks: (() => void)[] = [];
  #isRunning = false;
  readonly #lanes = new Set<Lane>();
  #timer: Scheduled | undefined;
  #timerAt = Infinity;
  #backlog: (() => void)[] | undefined;
  #pages: (readonly Entry[])[] = [];
  #isApplying = false;
  #applied: Index;
  #snapshotAt: Index;
  #isTakingSnapshot = false;
  #restoring: SnapshotMeta | undefined;
  #number = 0;
  readonly #proposals = new Map<number, (reply: Reply) => void>();
  readonly #waiting = new Map<Index, Waiting>();
  readonly #claims = new WeakMap<Message, Term | undefined>();
  readonly #reads = new Map<number, Reading>();
  #ready: { readonly index: Index; readonly reading: Reading }[] = [];

  /**
   * Starts from what the machine holds.
   *
   * @throws {ViolationError} When the disk does not hold what it promised.
   */
  constructor(machine: Machine, options: Readonly<Record<string, unknown>>, world: Surroundings) {
    this.machine = machine;
    this.id = machine.id;
    this.slot = machine.slot;
    this.life = `${machine.id}#${++machine.lives}`;
    this.#world = world;
    this.settings = raftSettings(options);
    const found = {
      expected: machine.durable !== undefined,
      snapshots: machine.snapshots.map(({ meta }) => meta),
    };
    const storageId = Uint8Array.from({ length: 16 }, (_, i) => 17 * i + machine.slot);
    const { segmentBytes } = world;
    this.#log = new LogOnDisk(machine.disk, { storageId, segmentBytes, checksum: ieee }, found);
    const recovered = this.#recovered();
    this.durable = new LogModel(recovered);
    machine.durable = this.durable;
    this.issued = this.durable.copy();
    machine.torn = [];
    const { snapshot, hardState } = recovered;
    if (snapshot !== undefined) this.#restore(snapshot);
    this.#applied = this.#snapshotAt = snapshot?.index ?? 0;
    const commit = Math.max(hardState.commit, this.#applied);
    this.seen = { role: "follower", term: hardState.term, commit, applied: this.#applied };
    this.#core = new RaftCore({
      ...this.settings,
      id: this.id,
      recovered,
      random: world.simulation.random(`core:${this.life}`),
      now: this.#localMs(),
    });
    this.#rearm();
    this.#perform();
  }

  /** What the core says of itself. A copy, made once a step. */
  get status(): RaftStatus {
    return this.#status ??= this.#core.status;
  }

  /** Whether it stands still. */
  get isPaused(): boolean {
    return this.#backlog !== undefined;
  }

  /** Stands still: what happens waits. */
  pause(): void {
    this.#backlog ??= [];
  }

  /** Goes on, with all that waited at once. */
  resume(): void {
    const backlog = this.#backlog;
    this.#backlog = undefined;
    for (const task of backlog ?? []) if (!this.isDead) task();
  }

  /** Dies at once. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.machine.torn = [...this.#unsynced, ...this.#writes.map(({ effect }) => effect)];
    if (this.#timer !== undefined) this.#world.simulation.cancel(this.#timer);
    for (const reply of this.#proposals.values()) reply({ type: "unknown" });
    for (const { reply } of this.#waiting.values()) reply({ type: "unknown" });
    for (const { reply } of this.#reads.values()) reply({ type: "unknown" });
    for (const { reading } of this.#ready) reading.reply({ type: "unknown" });
  }

  /** Takes an input of the world's. */
  feed(input: RaftInput): void {
    this.#enter(() => this.#run(() => this.#step(input)), input.type === "message");
  }

  /** Proposes a command. */
  propose(commands: readonly Uint8Array[], reply: (reply: Reply) => void): void {
    this.#enter(() => {
      const proposal = ++this.#number;
      this.#proposals.set(proposal, reply);
      this.#run(() => this.#step({ type: "propose", proposal, commands }));
    });
  }

  /** Changes the group. */
  change(input: Omit<Extract<RaftInput, { type: "changeConfig" }>, "proposal" | "type">): void {
    this.#enter(() => {
      const proposal = ++this.#number;
      this.#run(() => this.#step({ type: "changeConfig", proposal, ...input }));
    });
  }

  /** Reads through the group. */
  read(
    key: string,
    { byRound }: { readonly byRound: boolean },
    reply: (reply: Reply) => void,
  ): void {
    this.#enter(() => {
      const read = ++this.#number;
      this.#reads.set(read, { key, reply, commit: this.#world.ledger.commit });
      this.#run(() => this.#step({ type: "readIndex", read, byRound }));
    });
  }

  /** A snapshot has arrived: keeps it, then tells the core. */
  received(message: SnapshotMessage, state: string, stored: () => void): void {
    this.#later(this.machine.diskUs.sync * 2, () => {
      this.#keep({ meta: message.meta, state });
      stored();
      this.#run(() => this.#step({ type: "snapshotReceived", message }));
    });
  }

  /** Takes a snapshot of the registers, and keeps it. */
  takeSnapshot(): void {
    const index = this.#applied;
    const { status } = this;
    if (this.#isTakingSnapshot || index <= this.#snapshotAt || status.appliedIndex !== index) {
      return;
    }
    // A later snapshot takes the place of the registers.
    if (status.isHalted || status.snapshotIndex >= index) return;
    this.#isTakingSnapshot = true;
    const meta = this.#core.snapshotMeta(
      index,
      `s${index}-${this.machine.lives}-${++this.#number}`,
    );
    this.#world.ledger.snapshots(this.id, meta);
    const state = this.registers.serialize();
    this.#snapshotAt = index;
    this.#later(this.machine.diskUs.sync * 2, () => {
      this.#isTakingSnapshot = false;
      if (this.status.snapshotIndex >= index) return;
      this.#keep({ meta, state });
      this.#run(() => this.#step({ type: "snapshotTaken", meta }));
    });
  }

  /** The timer is set anew: its clock was changed. */
  clockChanged(): void {
    this.#timerAt = Infinity;
    this.#rearm();
  }

  #localMs(): number {
    return this.machine.clock.localMs(this.#world.simulation.now);
  }

  #enter(task: () => void, canBeLost = false): void {
    if (this.isDead) return;
    if (this.#backlog === undefined) task();
    else if (!canBeLost || this.#backlog.length < BACKLOG) this.#backlog.push(task);
  }

  #later(us: number, task: () => void): void {
    const { simulation } = this.#world;
    simulation.at(simulation.now + Math.ceil(us), () => this.#enter(task));
  }

  /** What the disk holds: all that was promised, and of the rest a beginning. */
  #recovered(): Recovered {
    const { machine } = this;
    const { opened, unmarked } = this.#log.recovery;
    if (machine.durable === undefined) {
      const { founders } = this.#world;
      if (!founders.includes(this.id)) return opened;
      const founding = bootstrapState(founders.map((id) => ({ id, address: `${id}:1` })));
      this.#writeNow({ entries: founding.entries, hardState: founding.hardState });
      return founding;
    }
    const found = new LogModel(opened).signature;
    const model = machine.durable.copy();
    let isKnown = model.signature === found;
    for (const effect of machine.torn) {
      if (isKnown) break;
      model.write(effect);
      isKnown = model.signature === found;
    }
    // A snapshot is used even if the log did not come to name it.
    const snapshotIndex = opened.snapshot?.index ?? 0;
    if (!isKnown || snapshotIndex < (machine.durable.snapshot?.index ?? 0)) {
      throw new ViolationError(
        "disk-keeps",
        `${this.id} finds ${found} after ${snapshotIndex}, was promised ${machine.durable.signature}`,
      );
    }
    if (unmarked !== undefined) this.#writeNow({ entries: [], snapshot: unmarked });
    return opened;
  }

  #writeNow(write: Omit<Persist, "type" | "token" | "sync">): void {
    this.#log.step({ type: "append", effect: { type: "persist", token: 0, sync: true, ...write } });
    this.#log.step({ type: "flush" });
    for (let [lane] = this.#log.lanes; lane !== undefined; [lane] = this.#log.lanes) {
      this.#log.perform(lane);
    }
  }

  /** Puts a snapshot into the store; those before the one that the log names, but for two, are dropped. */
  #keep(snapshot: StoredSnapshot): void {
    const { machine } = this;
    const all = [...machine.snapshots, snapshot].sort((a, b) => a.meta.index - b.meta.index);
    const named = all.findLastIndex(({ meta }) =>
      meta.index <= (this.durable.snapshot?.index ?? 0)
    );
    machine.snapshots = all.slice(Math.max(0, named - 2));
  }

  /** What a step causes comes after its last effect: writes begin in the order of their tokens. */
  #run(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#tasks.shift(); next !== undefined; next = this.#tasks.shift()) {
        if (!this.isDead) next();
      }
    } finally {
      this.#isRunning = false;
      this.#tasks.length = 0;
    }
    if (this.isDead) return;
    this.#perform();
    this.#rearm();
  }

  #step(input: RaftInput): void {
    const effects = this.#core.step(input, this.#localMs());
    this.#status = undefined;
    const { rules } = this.#world;
    let behind: RaftEffect[] | undefined;
    for (const effect of effects) {
      if (effect.type === "persist") {
        rules.writing(this, effect);
        if (!this.issued.write(effect)) {
          throw new ViolationError(
            "log-contiguous",
            `${this.id} writes entries that do not connect`,
          );
        }
      } else if (effect.type !== "send") rules.told(this, effect);
      else if (effect.message.type === "appendReply") {
        // What it claims is what the log is now: later steps may cut it before this leaves.
        this.#claims.set(effect.message, this.issued.term(effect.message.index));
      }
    }
    rules.stepped(this, input);
    for (const effect of effects) {
      if (this.effectsToLive > 0 && --this.effectsToLive === 0) {
        this.#world.count("crash between two effects");
        this.#world.died(this);
      }
      if (this.isDead) return;
      if (effect.type === "persist") {
        this.#writes.push({ effect, then: behind = [] });
        this.#onLog(this.#log.step({ type: "append", effect }));
      } else if (behind !== undefined) behind.push(effect);
      else this.#act(effect);
    }
    this.#onLog(this.#log.step({ type: "flush" }));
  }

  #act(effect: RaftEffect): void {
    const world = this.#world;
    switch (effect.type) {
      case "send":
        world.rules.leaving(this, effect.message, this.#claims.get(effect.message));
        world.send(this, effect.message);
        break;
      case "apply":
        this.#pages.push(effect.entries);
        this.#apply();
        break;
      case "restore":
        this.#pages = [];
        this.#restoring = effect.meta;
        this.#later(world.applyUs, () => {
          // A later one has come meanwhile.
          if (this.#restoring !== effect.meta) return;
          this.#restore(effect.meta);
          this.#run(() => this.#step({ type: "restored", index: effect.meta.index }));
          this.#serve();
        });
        break;
      case "sendSnapshot": {
        const latest = this.machine.snapshots.findLast(({ meta }) =>
          meta.index >= effect.atLeast && meta.index <= this.status.commitIndex
        );
        if (latest !== undefined) {
          world.sendSnapshot(this, { node: effect.to, term: effect.term }, latest);
        } else {this.#later(1000, () =>
            this.feed({ type: "snapshotSent", node: effect.to, ok: false }));}
        break;
      }
      case "compact":
        this.issued.compact(effect.through);
        this.durable.compact(effect.through);
        this.#onLog(this.#log.step({ type: "compact", through: effect.through }));
        break;
      case "proposed": {
        const reply = this.#proposals.get(effect.proposal);
        this.#proposals.delete(effect.proposal);
        if (reply === undefined) break;
        this.#overwritten(effect.firstIndex);
        this.#waiting.set(effect.firstIndex, { term: effect.term, reply });
        break;
      }
      case "rejected":
        this.#proposals.get(effect.proposal)?.({
          type: "refused",
          leader: effect.leader,
          reason: effect.reason,
        });
        this.#proposals.delete(effect.proposal);
        world.count(`rejected: ${effect.reason}`);
        break;
      case "readReady": {
        const reading = this.#reads.get(effect.read);
        this.#reads.delete(effect.read);
        if (reading !== undefined && effect.index < reading.commit) {
          throw new ViolationError(
            "read-covers-commits",
            `${this.id} reads at ${effect.index}, ${reading.commit} was committed before it was asked`,
          );
        }
        if (reading !== undefined) this.#ready.push({ index: effect.index, reading });
        this.#serve();
        break;
      }
      case "readFailed":
        this.#reads.get(effect.read)?.reply({
          type: "refused",
          leader: this.status.leader,
          reason: effect.reason,
        });
        this.#reads.delete(effect.read);
        break;
      case "transferEnded":
        world.count(effect.ok ? "leadership transferred" : "transfer failed");
        break;
    }
  }

  /** A place that is written again has lost what waited there: whether it is committed elsewhere is not known here. */
  #overwritten(index: Index): void {
    this.#waiting.get(index)?.reply({ type: "unknown" });
    this.#waiting.delete(index);
  }

  #onLog(effects: LogEffects): void {
    for (const effect of effects) {
      if (effect.type === "durable") {
        const { token } = effect;
        this.#run(() => this.#durable(token));
      } else if (effect.type === "poisoned") {
        this.#world.count("disk failed");
        this.#world.died(this);
        return;
      }
    }
  }

  #durable(token: number): void {
    while (this.#writes.length > 0 && this.#writes[0]!.effect.token <= token && !this.isDead) {
      const { effect, then } = this.#writes.shift()!;
      this.#unsynced.push(effect);
      if (effect.sync) {
        for (const write of this.#unsynced) {
          this.#world.rules.durable(this, write);
          this.durable.write(write);
        }
        this.#unsynced = [];
      }
      for (const behind of then) {
        if (this.isDead) return;
        this.#act(behind);
      }
      if (!this.isDead) this.#step({ type: "persisted", token: effect.token });
    }
  }

  /** Lets the disk go on. */
  #perform(): void {
    for (const lane of this.#log.lanes) {
      if (this.#lanes.has(lane)) continue;
      this.#lanes.add(lane);
      const { diskUs } = this.machine;
      const kind = this.#log.pending(lane)?.type;
      const us = kind === "sync" || kind === "syncDirectory" ? diskUs.sync : diskUs.write;
      this.#later(us * (0.5 + this.#world.random()), () => {
        this.#lanes.delete(lane);
        this.#onLog(this.#log.perform(lane));
        if (!this.isDead) this.#run(() => {});
      });
    }
  }

  #rearm(): void {
    const { deadline } = this.#core;
    if (deadline === this.#timerAt) return;
    const { simulation } = this.#world;
    if (this.#timer !== undefined) simulation.cancel(this.#timer);
    this.#timer = undefined;
    this.#timerAt = deadline;
    if (deadline === Infinity) return;
    const inMs = Math.max(0, deadline - this.#localMs()) / this.machine.clock.rate;
    this.#timer = simulation.at(simulation.now + Math.ceil(inMs * 1000), () => {
      this.#timer = undefined;
      this.#timerAt = Infinity;
      this.feed({ type: "timeout" });
    });
  }

  #apply(): void {
    if (this.#isApplying) return;
    this.#isApplying = true;
    this.#later(this.#world.applyUs * this.#world.random(), () => {
      this.#isApplying = false;
      const page = this.#pages.shift();
      if (page === undefined) return;
      for (const entry of page) this.#applyOne(entry);
      this.#run(() => this.#step({ type: "applied", index: this.#applied }));
      this.#serve();
      if (this.#pages.length > 0) this.#apply();
      if (this.#applied - this.#snapshotAt >= this.#world.snapshotEvery) this.takeSnapshot();
    });
  }

  #applyOne(entry: Entry): void {
    if (entry.index !== this.#applied + 1) {
      throw new ViolationError(
        "state-machine-safety",
        `${this.id} applies ${entry.index} after ${this.#applied}`,
      );
    }
    this.#applied = entry.index;
    const done = entry.kind === "command" ? this.registers.apply(entry.data) : undefined;
    this.#world.ledger.holds(this.id, entry.index, this.registers.digest);
    const waiting = this.#waiting.get(entry.index);
    if (waiting === undefined) return;
    this.#waiting.delete(entry.index);
    if (waiting.term !== entry.term || done === undefined) {
      this.#world.count("proposal lost to another leader");
      waiting.reply({ type: "refused", leader: this.status.leader, reason: "dropped" });
    } else {
      waiting.reply({ type: "done", answer: done.answer, at: this.registers.effective });
    }
  }

  #restore(meta: SnapshotMeta): void {
    const stored = this.machine.snapshots.find(({ meta: { id } }) => id === meta.id);
    if (stored === undefined) {
      throw new ViolationError("snapshot-kept", `${this.id} has no snapshot ${meta.id}`);
    }
    this.registers.restore(stored.state);
    this.#world.ledger.holds(this.id, meta.index, this.registers.digest);
    this.#applied = this.#snapshotAt = meta.index;
    for (const [index, { reply }] of this.#waiting) {
      if (index > meta.index) continue;
      this.#waiting.delete(index);
      reply({ type: "unknown" });
    }
  }

  #serve(): void {
    if (this.#ready.length === 0) return;
    const due = this.#ready.filter(({ index }) => index <= this.#applied);
    this.#ready = this.#ready.filter(({ index }) => index > this.#applied);
    for (const { reading: { key, reply } } of due) {
      const answer = this.registers.read(key) as Answer;
      reply({ type: "done", answer, at: this.registers.effective });
    }
  }
}
