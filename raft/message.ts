/**
 * What members tell each other.
 *
 * ```txt
 * candidate ── vote ──► all voters        leader ── append ──────► each member
 *           ◄─ voteReply ─                       ◄─ appendReply ──
 *                                         leader ── heartbeat ───► each member
 *                                                ◄─ heartbeatReply
 * leader ── timeoutNow ──► the successor  leader ── snapshot (a stream of its own) ──► a member too far behind
 * any ── readIndex ──► leader ── readIndexReply ──► it
 * ```
 *
 * @module
 */
import type { Entry, Index, NodeId, SnapshotMeta, Term } from "./entry.ts";

/** Fields of every message. `term` is the sender's; 0 in those that outlive a change of leader (`readIndex`, `readIndexReply`). */
export interface Envelope {
  /** The sender. A claim until the transport has checked it. */
  readonly from: NodeId;
  /** The receiver. */
  readonly to: NodeId;
  /** The sender's term; in a `vote` with `preVote` and its granted reply, the term that the candidate would begin. */
  readonly term: Term;
}

/** Entries, or a probe when there are none (§5.3). */
export interface AppendMessage extends Envelope {
  /** Always `"append"`. */
  readonly type: "append";
  /** The entry before the first of `entries`. */
  readonly prevIndex: Index;
  /** Its term. */
  readonly prevTerm: Term;
  /** The leader's commit index. The receiver clips it to what this message verified (L4). */
  readonly commit: Index;
  /** Contiguous from `prevIndex + 1`, terms not falling. */
  readonly entries: readonly Entry[];
}

/** What became of an append, or of a snapshot. */
export interface AppendReplyMessage extends Envelope {
  /** Always `"appendReply"`. */
  readonly type: "appendReply";
  /** Whether the logs did not match at `prevIndex`. */
  readonly rejected: boolean;
  /** Accepted: the last index known to match, durable there. Rejected: the `prevIndex` that did not match. */
  readonly index: Index;
  /** Rejected: the receiver's largest index at or below `index` with a term at or below the refused `prevTerm` (L6); 0 otherwise. */
  readonly hintIndex: Index;
  /** The term at `hintIndex`. */
  readonly hintTerm: Term;
}

/** Keeps followers, carries the commit index as far as it is known to match, and the read round. */
export interface HeartbeatMessage extends Envelope {
  /** Always `"heartbeat"`. */
  readonly type: "heartbeat";
  /** `min(match of the receiver, commit)`: may be applied without looking at the log. */
  readonly commit: Index;
  /** A counter that grows with every round of reads; the reply repeats it (R2). */
  readonly round: number;
}

/** Answers a heartbeat. */
export interface HeartbeatReplyMessage extends Envelope {
  /** Always `"heartbeatReply"`. */
  readonly type: "heartbeatReply";
  /** The heartbeat's. */
  readonly round: number;
}

/** Asks for a vote, or whether one would be given (`preVote`). */
export interface VoteMessage extends Envelope {
  /** Always `"vote"`. */
  readonly type: "vote";
  /** Where the candidate's log ends. */
  readonly lastIndex: Index;
  /** In which term. */
  readonly lastTerm: Term;
  /** Whether it only asks if it would win. */
  readonly preVote: boolean;
  /** The leader asked for this election: leases do not stand in its way (E7). */
  readonly transfer: boolean;
}

/** Answers a vote request. */
export interface VoteReplyMessage extends Envelope {
  /** Always `"voteReply"`. */
  readonly type: "voteReply";
  /** Whether a pre-vote was asked for. */
  readonly preVote: boolean;
  /** Whether it was given. */
  readonly granted: boolean;
}

/** Tells the successor to campaign at once. */
export interface TimeoutNowMessage extends Envelope {
  /** Always `"timeoutNow"`. */
  readonly type: "timeoutNow";
}

/** Announces a snapshot. The receiver's core sees it once the whole state was received and is durable in the snapshot store. */
export interface SnapshotMessage extends Envelope {
  /** Always `"snapshot"`. */
  readonly type: "snapshot";
  /** What the snapshot stands for. */
  readonly meta: SnapshotMeta;
}

/** A member asks the leader for an index that a read may be served at. */
export interface ReadIndexMessage extends Envelope {
  /** Always `"readIndex"`. */
  readonly type: "readIndex";
  /** A number of the asker's. */
  readonly read: number;
}

/** Answers it; 0 means "not now": not the leader, or too many reads wait. */
export interface ReadIndexReplyMessage extends Envelope {
  /** Always `"readIndexReply"`. */
  readonly type: "readIndexReply";
  /** The asker's number. */
  readonly read: number;
  /** Where the read may be served, or 0. */
  readonly index: Index;
}

/** Everything that travels between cores. */
export type Message =
  | AppendMessage
  | AppendReplyMessage
  | HeartbeatMessage
  | HeartbeatReplyMessage
  | VoteMessage
  | VoteReplyMessage
  | TimeoutNowMessage
  | SnapshotMessage
  | ReadIndexMessage
  | ReadIndexReplyMessage;
