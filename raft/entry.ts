/**
 * Names, numbers and entries of the replicated log.
 *
 * @module
 */

/** A member's unique name: 1 to 255 bytes of UTF-8. Never reused: a member that lost its disk comes back under another one. */
export type NodeId = string;

/** A leader's reign, counted from 1; 0 is "before any". A safe integer. */
export type Term = number;

/** A position in the log, counted from 1; 0 is "before the log". A safe integer. */
export type Index = number;

/** What an entry holds: a `command` for the state machine, the `noop` that begins a reign, or a `config` of the group. */
export type EntryKind = "command" | "noop" | "config";

/** One position of the log. Immutable, and so are its bytes: the log, the disk and the network share them. */
export interface Entry {
  /** Where it stands. */
  readonly index: Index;
  /** The reign in which a leader appended it. */
  readonly term: Term;
  /** What `data` is. */
  readonly kind: EntryKind;
  /** A command as proposed, an encoded {@link ClusterConfig}, or nothing. */
  readonly data: Uint8Array;
}

/** What must survive a crash besides the log. */
export interface HardState {
  /** The latest reign seen. Only grows. */
  readonly term: Term;
  /** Whom this node voted for in `term`. Cleared only when the term grows (§5.2). */
  readonly votedFor: NodeId | undefined;
  /** A lower bound of the commit index; a hint, checked against the log at start. */
  readonly commit: Index;
}

/** Who belongs to the group, and how. All lists are sorted by code unit and hold no doubles. */
export interface ClusterConfig {
  /** Members with a vote. While joint: those of the incoming half. */
  readonly voters: readonly NodeId[];
  /** Members of the outgoing half while joint; empty otherwise. Decisions then need a majority of each half. */
  readonly votersOutgoing: readonly NodeId[];
  /** Members that replicate without a vote. Never in `voters` or `votersOutgoing`. */
  readonly learners: readonly NodeId[];
  /** Voters of the outgoing half that become learners when the joint phase ends. */
  readonly learnersNext: readonly NodeId[];
  /** Whether whoever leads ends the joint phase by itself once the joint config is committed. */
  readonly autoLeave: boolean;
  /** Where each member is reached (`host:port`), sorted by id. */
  readonly addresses: readonly (readonly [id: NodeId, address: string])[];
}

/** What a snapshot stands for. The bytes of the state machine travel beside it, never through a core. */
export interface SnapshotMeta {
  /** The last index that the state includes. */
  readonly index: Index;
  /** The term of that entry. */
  readonly term: Term;
  /** The configuration in force at `index` — not the latest (S1). */
  readonly config: ClusterConfig;
  /** The index of the entry that made `config`; 0 for a bootstrap. */
  readonly configIndex: Index;
  /** Names the snapshot in its store: lower-case letters, digits and `-`. */
  readonly id: string;
}
