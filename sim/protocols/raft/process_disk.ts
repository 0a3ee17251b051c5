import { bootstrapState } from "../../../raft/bootstrap.ts";
import type { RaftEffect, Recovered } from "../../../raft/contract.ts";
import type { Index } from "../../../raft/entry.ts";
import type { Persist } from "../../../raft/log_store.ts";
import { ieee } from "../../../raft/wal/checksum.ts";
import type { WalOptions } from "../../../raft/wal/wal_contract.ts";
import { LogOnDisk } from "../../log_on_disk.ts";
import { ViolationError } from "../../violation.ts";
import { LogModel } from "./log_model.ts";
import type { Machine, StoredSnapshot, Surroundings } from "./machine.ts";

type LogEffects = ReturnType<LogOnDisk["step"]>;
type Lane = LogOnDisk["lanes"][number];

/** What the disk of a process asks of the process. */
export interface DiskOwner {
  /** Whether it has died. */
  readonly isDead: boolean;
  /** Does something after some time, unless it dies before. */
  readonly later: (us: number, task: () => void) => void;
  /** Does something after what it is doing. */
  readonly run: (task: () => void) => void;
  /** A write is about to be on the disk. */
  readonly durable: (write: Persist) => void;
  /** Performs what stood behind a write. */
  readonly act: (effect: RaftEffect) => void;
  /** A write, and all that stood behind it, is done. */
  readonly persisted: (token: number) => void;
  /** The disk failed for good. */
  readonly poisoned: () => void;
}

/** The settings of a machine's log. */
export function walOptionsOf({ slot }: Machine, segmentBytes: number): WalOptions {
  const storageId = Uint8Array.from({ length: 16 }, (_, i) => 17 * i + slot);
  return { storageId, segmentBytes, checksum: ieee };
}

/**
 * The log and the snapshots of one life: the shipped log on a simulated disk, beside a model of what was written and of what of it was
 * promised to last.
 */
export class ProcessDisk {
  /** What a start found. */
  readonly recovered: Recovered;
  /** What was written. */
  readonly issued: LogModel;
  /** What of it is on the disk. */
  readonly durable: LogModel;
  readonly #machine: Machine;
  readonly #world: Surroundings;
  readonly #owner: DiskOwner;
  readonly #log: LogOnDisk;
  readonly #writes: { readonly effect: Persist; readonly then: RaftEffect[] }[] = [];
  /** Answered, but nobody asked for their durability. */
  #unsynced: Persist[] = [];
  readonly #lanes = new Set<Lane>();

  /**
   * Opens what the machine holds.
   *
   * @throws {ViolationError} When it is not what was promised.
   */
  constructor(machine: Machine, world: Surroundings, owner: DiskOwner) {
    this.#machine = machine;
    this.#world = world;
    this.#owner = owner;
    const found = {
      expected: machine.durable !== undefined,
      snapshots: machine.snapshots.map(({ meta }) => meta),
    };
    this.#log = new LogOnDisk(machine.disk, walOptionsOf(machine, world.segmentBytes), found);
    this.recovered = this.#recover();
    this.durable = new LogModel(this.recovered);
    machine.durable = this.durable;
    this.issued = this.durable.copy();
    machine.torn = [];
  }

  /** Begins a write. @returns Where to put what stands behind it. */
  write(effect: Persist): RaftEffect[] {
    const then: RaftEffect[] = [];
    this.#writes.push({ effect, then });
    this.#onLog(this.#log.step({ type: "append", effect }));
    return then;
  }

  /** Lets what was written begin to become durable. */
  flush(): void {
    this.#onLog(this.#log.step({ type: "flush" }));
  }

  /** Drops the log up to an index. */
  compact(through: Index): void {
    this.issued.compact(through);
    this.durable.compact(through);
    this.#onLog(this.#log.step({ type: "compact", through }));
  }

  /** Lets the disk go on. */
  perform(): void {
    const { diskUs } = this.#machine;
    for (const lane of this.#log.lanes) {
      if (this.#lanes.has(lane)) continue;
      this.#lanes.add(lane);
      const kind = this.#log.pending(lane)?.type;
      const us = kind === "sync" || kind === "syncDirectory" ? diskUs.sync : diskUs.write;
      this.#owner.later(us * (0.5 + this.#world.random()), () => {
        this.#lanes.delete(lane);
        this.#onLog(this.#log.perform(lane));
        if (!this.#owner.isDead) this.#owner.run(() => {});
      });
    }
  }

  /** The process died: of what is under way the next life may find a beginning. */
  tear(): void {
    this.#machine.torn = [...this.#unsynced, ...this.#writes.map(({ effect }) => effect)];
  }

  /** Puts a snapshot into the store; those before the one that the log names, but for two, are dropped. */
  keep(snapshot: StoredSnapshot): void {
    const machine = this.#machine;
    const all = [...machine.snapshots, snapshot].sort((a, b) => a.meta.index - b.meta.index);
    const named = all.findLastIndex(({ meta }) =>
      meta.index <= (this.durable.snapshot?.index ?? 0)
    );
    machine.snapshots = all.slice(Math.max(0, named - 2));
  }

  /** What the disk holds: all that was promised, and of the rest a beginning. */
  #recover(): Recovered {
    const machine = this.#machine;
    const { opened, unmarked } = this.#log.recovery;
    if (machine.durable === undefined) {
      const { founders } = this.#world;
      if (!founders.includes(machine.id)) return opened;
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
        `${machine.id} finds ${found} after ${snapshotIndex}, was promised ${machine.durable.signature}`,
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

  #onLog(effects: LogEffects): void {
    for (const effect of effects) {
      if (effect.type === "durable") {
        const { token } = effect;
        this.#owner.run(() => this.#written(token));
      } else if (effect.type === "poisoned") {
        this.#owner.poisoned();
        return;
      }
    }
  }

  #written(token: number): void {
    const owner = this.#owner;
    while (this.#writes.length > 0 && this.#writes[0]!.effect.token <= token && !owner.isDead) {
      const { effect, then } = this.#writes.shift()!;
      this.#unsynced.push(effect);
      if (effect.sync) {
        for (const write of this.#unsynced) {
          owner.durable(write);
          this.durable.write(write);
        }
        this.#unsynced = [];
      }
      for (const behind of then) {
        if (owner.isDead) return;
        owner.act(behind);
      }
      if (!owner.isDead) owner.persisted(effect.token);
    }
  }
}
