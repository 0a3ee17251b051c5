/**
 * A node at one instant.
 *
 * @module
 */
import type { Role } from "./contract.ts";
import type { LeaderHint } from "./errors.ts";
import type { ClusterConfig, Index, NodeId, SnapshotMeta, Term } from "./entry.ts";
import type { LogStoreStats } from "./log_store.ts";
import type { RaftDriverStats } from "./driver.ts";
import type { MemberProgress } from "./status.ts";
import type { RaftTransportStats } from "./transport.ts";

/** A node at one instant. Frozen. */
export interface RaftNodeStatus {
  /** The own name. */
  readonly id: NodeId;
  /** What the node is. `halted`: it takes part no more. */
  readonly role: Role | "halted" | "closed";
  /** The latest term. */
  readonly term: Term;
  /** Who leads, when the node knows. */
  readonly leader: LeaderHint | undefined;
  /** The configuration in force. */
  readonly config: ClusterConfig;
  /** Where it stands in the log. */
  readonly configIndex: Index;
  /** Whether it is committed. */
  readonly configCommitted: boolean;
  /** The last index of the log. */
  readonly lastIndex: Index;
  /** The last index known to be committed. */
  readonly commitIndex: Index;
  /** The last index that the state machine holds. */
  readonly appliedIndex: Index;
  /** The newest snapshot. */
  readonly snapshot: SnapshotMeta | undefined;
  /** The other members; only a leader knows them, elsewhere empty. */
  readonly peers: readonly MemberProgress[];
}

/** All numbers of a node, at one instant. Frozen. */
export interface RaftNodeStats {
  /** The loop's counts. */
  readonly driver: RaftDriverStats;
  /** The streams' counts. */
  readonly transport: RaftTransportStats;
  /** The log's counts. */
  readonly log: LogStoreStats;
  /** Proposals committed and answered here. */
  readonly proposalsCommitted: number;
  /** Proposals that failed, by reason. */
  readonly proposalsFailed: Readonly<Record<string, number>>;
  /** Proposals that wait to be appended, now. */
  readonly proposalsQueued: number;
  /** Bytes appended and not applied, now. */
  readonly unappliedBytes: number;
  /** Commands that are handed on to the leader, now. */
  readonly forwarded: number;
  /** Reads under way, now. */
  readonly readsPending: number;
  /** Entries applied. */
  readonly entriesApplied: number;
  /** Entries committed that wait for the state machine, now. */
  readonly entriesWaiting: number;
  /** Clients with sessions, now. */
  readonly sessions: number;
  /** Changes of the role, by role. */
  readonly roles: Readonly<Record<string, number>>;
  /** Snapshots, by what became of them. */
  readonly snapshots: Readonly<Record<"taken" | "received" | "sent" | "failed", number>>;
  /** What was refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}
