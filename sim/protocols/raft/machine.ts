import type { NodeId, SnapshotMeta, Term } from "../../../raft/entry.ts";
import type { Persist } from "../../../raft/log_store.ts";
import type { Message } from "../../../raft/message.ts";
import type { Prng } from "../../../gossip/strategy.ts";
import type { SimDisk } from "../../disk.ts";
import type { Simulation } from "../../simulation.ts";
import type { Answer } from "./key_value.ts";
import type { Ledger } from "./ledger.ts";
import type { LogModel } from "./log_model.ts";
import type { MachineClock } from "./machine_clock.ts";
import type { RaftProcess } from "./raft_process.ts";
import type { Rules } from "./rules.ts";

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
