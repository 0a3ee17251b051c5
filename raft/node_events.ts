/**
 * What a node announces.
 *
 * @module
 */
import type { ClusterConfig, Index, NodeId, SnapshotMeta, Term } from "./entry.ts";
import type { Role } from "./contract.ts";

/** The own role, the term, or the known leader changed. */
export interface RoleChange {
  /** What the node is now. */
  readonly role: Role;
  /** The latest term that it knows of. */
  readonly term: Term;
  /** Who leads in that term, when the node knows. */
  readonly leader: NodeId | undefined;
}

/** Another configuration is in force, or the one in force was committed. */
export interface ConfigChanged {
  /** The configuration. */
  readonly config: ClusterConfig;
  /** Where it stands in the log. */
  readonly index: Index;
  /** Whether it can no longer be rolled back. */
  readonly committed: boolean;
}

/** A snapshot was stored. */
export interface SnapshotStored {
  /** What it stands for. */
  readonly meta: SnapshotMeta;
  /** Who sent it; `undefined`: taken here. */
  readonly from: NodeId | undefined;
}

/** Something was refused, or went wrong, and the node goes on. */
export interface RaftRefusal {
  /** A metric label. */
  readonly reason: string;
  /** What it was. */
  readonly detail: string;
}

/** The events of a node: type of the event → its `detail`. */
export interface RaftNodeEventMap {
  /** The own role, the term, or the known leader changed. */
  readonly role: RoleChange;
  /** Another configuration is in force, or the one in force was committed. */
  readonly config: ConfigChanged;
  /** A snapshot was stored. */
  readonly snapshot: SnapshotStored;
  /** Something was refused, or went wrong, and the node goes on. */
  readonly refused: RaftRefusal;
  /** The node's storage, state machine or state broke: it takes part no more. At most once. */
  readonly halted: Error;
}
