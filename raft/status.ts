import type { Role } from "./contract.ts";
import type { ClusterConfig, Index, NodeId, Term } from "./entry.ts";
import type { ProgressState } from "./progress.ts";
import type { RaftState } from "./state.ts";

/** What a leader knows of one member. */
export interface MemberProgress {
  /** Whose. */
  readonly id: NodeId;
  /** Up to where its log is known to match, durably. */
  readonly match: Index;
  /** What is sent next. */
  readonly next: Index;
  /** How it is fed. */
  readonly state: ProgressState;
  /** Appends on their way. */
  readonly inflightMessages: number;
  /** Their bytes. */
  readonly inflightBytes: number;
  /** Milliseconds since it was heard last. */
  readonly silentMs: number;
  /** Whether it was taken out of the group, and is only told so. */
  readonly isDeparting: boolean;
}

/** One node's view of its group. A copy. */
export interface RaftStatus {
  /** The own name. */
  readonly id: NodeId;
  /** What it is. */
  readonly role: Role;
  /** The reign it is in. */
  readonly term: Term;
  /** Who leads it, if known. */
  readonly leader: NodeId | undefined;
  /** Whom it voted for. */
  readonly votedFor: NodeId | undefined;
  /** The first index that the log still holds. */
  readonly firstIndex: Index;
  /** The last one. */
  readonly lastIndex: Index;
  /** The last one that is on the disk. */
  readonly durableIndex: Index;
  /** The last one known to be committed. */
  readonly commitIndex: Index;
  /** The last one that the state machine holds. */
  readonly appliedIndex: Index;
  /** The index of the latest snapshot; 0 for none. */
  readonly snapshotIndex: Index;
  /** The configuration in force. */
  readonly config: ClusterConfig;
  /** Where it stands in the log. */
  readonly configIndex: Index;
  /** Whether it is known to be committed. */
  readonly isConfigCommitted: boolean;
  /** All others, of a leader; ascending by id. */
  readonly progress: readonly MemberProgress[];
  /** Bytes of commands that this leader appended and has not seen applied. */
  readonly uncommittedBytes: number;
  /** Reads that wait. */
  readonly pendingReads: number;
  /** To whom leadership is being handed. */
  readonly transferTo: NodeId | undefined;
  /** Whether it stopped for good. */
  readonly isHalted: boolean;
}

/** Copies what is told of a state. */
export function statusOf(s: RaftState): RaftStatus {
  const { latest } = s.configs;
  return {
    id: s.id,
    role: s.role,
    term: s.term,
    leader: s.leader,
    votedFor: s.votedFor,
    firstIndex: s.log.offset + 1,
    lastIndex: s.log.last,
    durableIndex: s.log.durable,
    commitIndex: s.commit,
    appliedIndex: s.applied,
    snapshotIndex: s.snapshot?.index ?? 0,
    config: latest.config,
    configIndex: latest.index,
    isConfigCommitted: latest.index <= s.commit,
    progress: s.role !== "leader" ? [] : s.tracker.peers.map((p) => ({
      id: p.id,
      match: p.match,
      next: p.next,
      state: p.state,
      inflightMessages: p.inflights.count,
      inflightBytes: p.inflights.bytes,
      silentMs: s.now - p.contactAt,
      isDeparting: p.departedAt > 0,
    })),
    uncommittedBytes: s.role === "leader" ? s.uncommittedBytes : 0,
    pendingReads: s.reads.pending,
    transferTo: s.role === "leader" ? s.transfer?.to : undefined,
    isHalted: s.halted,
  };
}
