import type { RaftEffect, RaftInput } from "../../../raft/contract.ts";
import { decodeConfig } from "../../../raft/config.ts";
import { RaftCore } from "../../../raft/core.ts";
import type { Entry, Index, NodeId, SnapshotMeta, Term } from "../../../raft/entry.ts";
import type { Message, SnapshotMessage } from "../../../raft/message.ts";
import { type RaftSettings, raftSettings } from "../../../raft/options.ts";
import type { RaftStatus } from "../../../raft/status.ts";
import { ViolationError } from "../../violation.ts";
import { Alarm } from "./alarm.ts";
import { Callers } from "./callers.ts";
import { Changes } from "./change_situations.ts";
import { KeyValue } from "./key_value.ts";
import type { LogModel } from "./log_model.ts";
import { type Machine, noteCut, type Reply, type Surroundings } from "./machine.ts";
import { ProcessDisk } from "./process_disk.ts";
import type { Seen, WatchedLife } from "./rules.ts";

/** Messages that wait for a paused process, about; more are lost. */
const BACKLOG = 2000;

/** One life of a node: the shipped core over the shipped log on a simulated disk, with registers above. */
export class RaftProcess implements WatchedLife {
  readonly id: NodeId;
  readonly slot: number;
  readonly life: string;
  readonly machine: Machine;
  readonly settings: RaftSettings;
  readonly registers = new KeyValue();
  seen: Seen;
  /** Whether it has died. */
  isDead = false;
  /** Effects until it dies by itself; 0: it does not. */
  effectsToLive = 0;
  readonly #core: RaftCore;
  #status: RaftStatus | undefined;
  readonly #disk: ProcessDisk;
  readonly #callers: Callers;
  readonly #world: Surroundings;
  readonly #tasks: (() => void)[] = [];
  #isRunning = false;
  readonly #alarm: Alarm;
  #backlog: (() => void)[] | undefined;
  #pages: (readonly Entry[])[] = [];
  #isApplying = false;
  #applied: Index;
  #snapshotAt: Index;
  #isTakingSnapshot = false;
  #restoring: SnapshotMeta | undefined;
  readonly #changes: Changes;
  #number = 0;
  readonly #claims = new WeakMap<Message, Term | undefined>();

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
    this.#callers = new Callers(this.id, this.registers, () => this.status.leader);
    this.#disk = this.#openDisk();
    const { recovered } = this.#disk;
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
    this.#alarm = new Alarm(machine.clock, world.simulation, () => this.feed({ type: "timeout" }));
    this.#changes = new Changes(this.status, world);
    this.#alarm.set(this.#core.deadline);
    this.#disk.perform();
  }

  /** What it has written. */
  get issued(): LogModel {
    return this.#disk.issued;
  }

  /** What of it is on its disk. */
  get durable(): LogModel {
    return this.#disk.durable;
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
    this.#disk.tear();
    this.#alarm.cancel();
    this.#callers.end();
  }

  /** Takes an input of the world's. */
  feed(input: RaftInput): void {
    this.#enter(() => this.#run(() => this.#step(input)), input.type === "message");
  }

  /** Proposes a command. */
  propose(commands: readonly Uint8Array[], reply: (reply: Reply) => void): void {
    this.#enter(() => {
      const proposal = ++this.#number;
      this.#callers.proposes(proposal, reply);
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
      this.#callers.reads(read, { key, reply, commit: this.#world.ledger.commit });
      this.#run(() => this.#step({ type: "readIndex", read, byRound }));
    });
  }

  /** A snapshot has arrived: keeps it, then tells the core. */
  received(message: SnapshotMessage, state: string, stored: () => void): void {
    this.#later(this.machine.diskUs.sync * 2, () => {
      this.#disk.keep({ meta: message.meta, state });
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
      this.#disk.keep({ meta, state });
      this.#run(() => this.#step({ type: "snapshotTaken", meta }));
    });
  }

  /** The timer is set anew: its clock was changed. */
  clockChanged(): void {
    this.#alarm.cancel();
    this.#alarm.set(this.#core.deadline);
  }

  #openDisk(): ProcessDisk {
    const world = this.#world;
    const isDead = () => this.isDead;
    return new ProcessDisk(this.machine, world, {
      get isDead() {
        return isDead();
      },
      later: (us, task) => this.#later(us, task),
      run: (task) => this.#run(task),
      durable: (write) => world.rules.durable(this, write),
      act: (effect) => this.#act(effect),
      persisted: (token) => this.#step({ type: "persisted", token }),
      poisoned: () => {
        world.count("disk failed");
        if (this.seen.role === "leader") world.count("disk failed under a leader");
        world.died(this);
      },
    });
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
    this.#disk.perform();
    this.#alarm.set(this.#core.deadline);
  }

  #step(input: RaftInput): void {
    const effects = this.#core.step(input, this.#localMs());
    this.#status = undefined;
    const world = this.#world;
    const { rules } = world;
    let behind: RaftEffect[] | undefined;
    for (const effect of effects) {
      if (effect.type === "persist") {
        rules.writing(this, effect);
        if (effect.truncateFrom !== undefined) {
          noteCut(this.machine, { atUs: world.simulation.now, from: effect.truncateFrom });
        }
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
        behind = this.#disk.write(effect);
      } else if (behind !== undefined) behind.push(effect);
      else this.#act(effect);
    }
    this.#disk.flush();
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
          this.#callers.serve(this.#applied);
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
        this.#disk.compact(effect.through);
        break;
      case "config":
        this.#changes.changed(effect, this);
        break;
      case "proposed":
        this.#callers.proposed(effect);
        break;
      case "rejected":
        this.#callers.rejected(effect);
        world.count(`rejected: ${effect.reason}`);
        break;
      case "readReady":
        this.#callers.readReady(effect);
        this.#callers.serve(this.#applied);
        break;
      case "readFailed":
        this.#callers.readFailed(effect);
        break;
      case "transferEnded":
        world.count(effect.ok ? "leadership transferred" : "transfer failed");
        break;
    }
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
      this.#callers.serve(this.#applied);
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
    if (entry.kind === "config") {
      this.machine.storages.applied(decodeConfig(entry.data), entry.index);
    }
    if (this.#callers.applied(entry, done)) this.#world.count("proposal lost to another leader");
  }

  #restore(meta: SnapshotMeta): void {
    const stored = this.machine.snapshots.find(({ meta: { id } }) => id === meta.id);
    if (stored === undefined) {
      throw new ViolationError("snapshot-kept", `${this.id} has no snapshot ${meta.id}`);
    }
    this.registers.restore(stored.state);
    this.#world.ledger.holds(this.id, meta.index, this.registers.digest);
    this.#applied = this.#snapshotAt = meta.index;
    this.machine.storages.applied(meta.config, meta.configIndex);
    this.#callers.restored(meta.index);
  }
}
