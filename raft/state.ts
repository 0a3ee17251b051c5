import type { ConfigHistory, PlacedConfig } from "./config_change.ts";
import type { Role } from "./contract.ts";
import type { HardState, Index, NodeId, SnapshotMeta, Term } from "./entry.ts";
import type { RaftLog } from "./log.ts";
import type { Prng, RaftSettings } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import type { Reads } from "./read_index.ts";
import type { Tracker } from "./tracker.ts";

/** A page of entries that the state machine is applying. */
export interface ApplyingPage {
  readonly last: Index;
  /** Of data, and 16 for each entry. */
  readonly bytes: number;
  /** Of commands. */
  readonly commandBytes: number;
}

/** A transfer under way. At a leader it blocks proposals; once deposed it waits to see whether another leads. */
export interface Transfer {
  readonly to: NodeId;
  readonly deadline: number;
  /** Whether the successor was told. */
  told: boolean;
}

/** All that one node knows. The rules (`election.ts`, `replication.ts`, …) are functions over it. */
export interface RaftState {
  readonly id: NodeId;
  readonly settings: RaftSettings;
  readonly random: Prng;
  readonly log: RaftLog;
  readonly configs: ConfigHistory;
  readonly outbox: Outbox;
  readonly tracker: Tracker;
  readonly reads: Reads;

  /** The instant of the step. */
  now: number;
  halted: boolean;

  term: Term;
  votedFor: NodeId | undefined;
  role: Role;
  leader: NodeId | undefined;
  commit: Index;

  /** When the election timer was last set back. */
  electionSince: number;
  /** T to below 2T; drawn anew with each change of role and each campaign (E14). */
  electionAfterMs: number;
  /** With lease reads: no vote is given before, for the node has promised a lease, or may have before it started. */
  noVoteBefore: number;
  votes: Map<NodeId, boolean>;
  /** The write that holds the own candidacy; 0 when none is under way (E13). */
  candidacyToken: number;

  heartbeatAt: number;
  quorumCheckAt: number;
  /** Bytes of commands that were appended in this reign and not seen applied. */
  uncommittedBytes: number;
  transfer: Transfer | undefined;

  /** The latest snapshot that the log connects to. */
  snapshot: SnapshotMeta | undefined;
  /** A snapshot that the state machine is being replaced by. */
  restoring: SnapshotMeta | undefined;
  applied: Index;
  /** The last index that was handed out to be applied. */
  applying: Index;
  pages: ApplyingPage[];
  applyingBytes: number;

  /** What the effects last told. */
  toldRole: Role;
  toldTerm: Term;
  toldLeader: NodeId | undefined;
  toldConfig: PlacedConfig;
  toldConfigCommitted: boolean;
}

/** What is to survive a crash. */
export function hardState(s: RaftState): HardState {
  return { term: s.term, votedFor: s.votedFor, commit: s.commit };
}

/** Stops for good: the state contradicts itself. */
export function halt(s: RaftState, detail: string): void {
  s.halted = true;
  s.outbox.push({ type: "halt", detail });
}

/** Whether this leader has committed an entry of its own reign: only then is its commit index the group's (R1, C2). */
export function hasCommittedInTerm(s: RaftState): boolean {
  return s.log.term(s.commit) === s.term;
}
