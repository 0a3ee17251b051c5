import type { Index, NodeId, SnapshotMeta, Term } from "../../../raft/entry.ts";
import type { Persist } from "../../../raft/log_store.ts";
import type { Message } from "../../../raft/message.ts";
import type { Prng } from "../../../gossip/strategy.ts";
import type { SimDisk } from "../../disk.ts";
import type { Simulation } from "../../simulation.ts";
import type { MemberStorages } from "../../../raft/driver/member_storages.ts";
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
  /** Where its log was cut, the last times. */
  readonly cuts: { readonly atUs: number; readonly from: Index }[];
  /** Writes under way when it died. */
  torn: readonly Persist[];
  lives: number;
  /** Which disk it is. A wiped machine comes with another one. */
  readonly storage: string;
  /** What it knows of the disks of others, durably. */
  readonly storages: MemberStorages;
  /** Why it does not start any more: its disk is damaged, or gone. */
  lost: "rotten" | "wiped" | undefined;
  /** What its election timeout and its heartbeats are multiplied by. */
  timing: { readonly election: number; readonly heartbeat: number };
  readonly clock: MachineClock;
  /** Times of the disk, microseconds. */
  readonly diskUs: { write: number; sync: number; readonly usualSync: number };
}

/** Cuts of a log that are remembered. */
const CUTS = 50;

/** The log of a machine is cut. */
export function noteCut({ cuts }: Machine, cut: Machine["cuts"][number]): void {
  cuts.push(cut);
  if (cuts.length > CUTS) cuts.shift();
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
  /** Machines, each with the disk that it began with: all have met. */
  readonly met: readonly (readonly [NodeId, string])[];
  /** Whether the network is cut anywhere. */
  readonly isParted: () => boolean;
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
