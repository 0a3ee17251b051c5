/**
 * The contract between the core of Raft and what drives it.
 *
 * The core is a pure state machine: {@link RaftInput} and an instant in, {@link RaftEffect}s out. It holds the whole log that is not yet
 * compacted in memory, so it reads nothing; what it writes are `persist` effects.
 *
 * **Order is the safety contract.** Within one step's effects, nothing that stands after a `persist` may begin before that `persist`, and
 * every earlier one, is durable. What stands before it may overlap the write: a leader replicates in parallel with its own disk. Effects of
 * a later step do not wait for a `persist` of an earlier one, unless a `persist` stands before them in their own step:
 * heartbeats never wait for a disk. Writes are durable in the order of their tokens, and are acknowledged in that order with
 * `persisted`.
 *
 * @module
 */
import type {
  ClusterConfig,
  Entry,
  HardState,
  Index,
  NodeId,
  SnapshotMeta,
  Term,
} from "./entry.ts";
import type { Message, SnapshotMessage } from "./message.ts";

/** One wish in a change of the configuration. */
export type MemberChange =
  /** Gives a vote to a new member or to a learner; an address replaces the known one. */
  | { readonly type: "addVoter"; readonly id: NodeId; readonly address: string }
  /** Adds a member without a vote, or takes a voter's vote. */
  | { readonly type: "addLearner"; readonly id: NodeId; readonly address: string }
  /** Takes a member out. Taking out who is not in changes nothing. */
  | { readonly type: "remove"; readonly id: NodeId };

/** A change of the configuration. */
export type ConfigChange =
  | {
    readonly type: "change";
    readonly changes: readonly MemberChange[];
    /**
     * `auto`: simple when at most one voter changes, joint otherwise, and the joint phase ends by itself. `joint`: always joint, ends by
     * itself. `explicit`: always joint, ended by `leaveJoint`.
     */
    readonly transition: "auto" | "joint" | "explicit";
  }
  /** Ends a joint phase. */
  | { readonly type: "leaveJoint" };

/** What a core is told. Tokens are numbers of the caller's, unique while pending. */
export type RaftInput =
  /** The instant is at or after {@link RaftCoreContract.deadline}. Before it, a no-op. */
  | { readonly type: "timeout" }
  /** A member said something; `snapshot` messages come as `snapshotReceived` instead. */
  | { readonly type: "message"; readonly message: Message }
  /** Appends commands, in order, as one batch. Answered by `proposed` or `rejected`. */
  | {
    readonly type: "propose";
    readonly proposal: number;
    readonly commands: readonly Uint8Array[];
  }
  /** Changes the group. With `expectedConfigIndex` only if the latest config stands there. Answered by `proposed` or `rejected`. */
  | {
    readonly type: "changeConfig";
    readonly proposal: number;
    readonly change: ConfigChange;
    readonly expectedConfigIndex?: Index;
  }
  /**
   * Asks for an index at which a linearizable read may be served. Answered by `readReady` or `readFailed`. `byRound`: a leader has a quorum
   * confirm it even if it holds a lease.
   */
  | { readonly type: "readIndex"; readonly read: number; readonly byRound?: boolean }
  /** Hands leadership to a voter, or to the most caught-up one. Answered by `transferEnded`. */
  | { readonly type: "transferLeadership"; readonly to?: NodeId }
  /** Begins an election now, as if the election timeout had passed. */
  | { readonly type: "campaign" }
  /** A failure detector says that the leader is gone: lets pre-votes be granted early. */
  | { readonly type: "forgetLeader" }
  /** A `persist` and all before it are durable. */
  | { readonly type: "persisted"; readonly token: number }
  /** The state machine holds all entries up to `index`. */
  | { readonly type: "applied"; readonly index: Index }
  /** A whole snapshot was received and is durable in the store, under `message.meta.id`. */
  | { readonly type: "snapshotReceived"; readonly message: SnapshotMessage }
  /** The state machine was replaced by the snapshot of a `restore`. */
  | { readonly type: "restored"; readonly index: Index }
  /** A snapshot of the own state machine is durable in the store. */
  | { readonly type: "snapshotTaken"; readonly meta: SnapshotMeta }
  /** The transport could not reach a member. */
  | { readonly type: "unreachable"; readonly node: NodeId }
  /** Sending a snapshot ended; `ok` only when the receiver has taken all of it. */
  | { readonly type: "snapshotSent"; readonly node: NodeId; readonly ok: boolean };

/** Why a proposal was not appended: nothing happened, and nothing will. */
export type RejectReason =
  | "notLeader"
  | "transferring"
  /** Too much is appended and not yet applied. */
  | "overloaded"
  /** A command exceeds `maxEntryBytes`. */
  | "tooLarge"
  /** Another change is not committed, or the leader has not committed in its own term. */
  | "configPending"
  /** The change is illegal now; `detail` says why. */
  | "configIllegal"
  /** `expectedConfigIndex` does not match. */
  | "configChanged"
  | "halted";

/** Roles of §5. A `preCandidate` asks whether it would win, without a new term. */
export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** What the core asks of the world, in this order. */
export type RaftEffect =
  /** Send; loss is fine. `append`s to one member may be merged or dropped, never reordered on purpose. */
  | { readonly type: "send"; readonly message: Message }
  /**
   * Write, as one atom, in this order: drop the log at and after `truncateFrom`; append `entries`; set `hardState`; mark
   * `snapshot`, which with `resetLog` replaces the whole log. With none of them a barrier for earlier ones. `sync: false`:
   * durability not required (only the commit hint changed). Answer with `persisted` all the same.
   */
  | {
    readonly type: "persist";
    readonly token: number;
    readonly truncateFrom?: Index;
    readonly entries: readonly Entry[];
    readonly hardState?: HardState;
    readonly snapshot?: SnapshotMeta;
    readonly resetLog?: boolean;
    readonly sync: boolean;
  }
  /** Apply, in order; committed and locally durable, without gaps. `config` and `noop` entries are among them. Answer with `applied`. */
  | { readonly type: "apply"; readonly entries: readonly Entry[] }
  /** Replace the state machine by this snapshot, atomically to readers. Answer with `restored`. */
  | { readonly type: "restore"; readonly meta: SnapshotMeta }
  /** Send the store's latest snapshot at or after `atLeast` on a stream of its own. Answer with `snapshotSent`. */
  | {
    readonly type: "sendSnapshot";
    readonly to: NodeId;
    readonly term: Term;
    readonly atLeast: Index;
  }
  /** The log up to and including `through` is no longer needed on disk. */
  | { readonly type: "compact"; readonly through: Index }
  /** The commands of a proposal stand at `firstIndex` and after, in `term`. Committed only once applied there in that term. */
  | {
    readonly type: "proposed";
    readonly proposal: number;
    readonly firstIndex: Index;
    readonly term: Term;
  }
  /** A proposal was not appended. */
  | {
    readonly type: "rejected";
    readonly proposal: number;
    readonly reason: RejectReason;
    readonly detail: string;
    readonly leader: NodeId | undefined;
  }
  /** Serve the read once applied reaches `index`. */
  | { readonly type: "readReady"; readonly read: number; readonly index: Index }
  /** The read can be asked again: leadership moved, or too many wait. */
  | {
    readonly type: "readFailed";
    readonly read: number;
    readonly reason: "noLeader" | "lostLeadership" | "overloaded";
  }
  /** Role, term or known leader changed. */
  | {
    readonly type: "role";
    readonly role: Role;
    readonly term: Term;
    readonly leader: NodeId | undefined;
  }
  /** Another configuration is in force (on append, C-rules), or the one in force became committed, or was rolled back. */
  | {
    readonly type: "config";
    readonly config: ClusterConfig;
    readonly index: Index;
    readonly committed: boolean;
  }
  /** A transfer ended: `ok` when another leads. */
  | {
    readonly type: "transferEnded";
    readonly ok: boolean;
    readonly reason: "" | "timeout" | "notLeader" | "noTarget" | "replaced" | "steppedDown";
  }
  /** Something a peer sent was refused; no state changed. */
  | { readonly type: "refused"; readonly reason: string; readonly detail: string }
  /** The state contradicts itself (a conflict at or below the commit index): stop the node, tell a human. */
  | { readonly type: "halt"; readonly detail: string };

/** What a store gave back at start. */
export interface Recovered {
  /** Term, vote and commit index. */
  readonly hardState: HardState;
  /** The latest snapshot that the log connects to. */
  readonly snapshot: SnapshotMeta | undefined;
  /** Contiguous; the first stands at most one after the snapshot. */
  readonly entries: readonly Entry[];
}

/** What every implementation of the core offers its driver. */
export interface RaftCoreContract {
  /** Instant, in monotonic milliseconds, at which to step with `timeout`. `Infinity` when there is none. Re-read after every step. */
  readonly deadline: number;
  /** Takes one input at one instant. `now` never goes back. */
  step(input: RaftInput, now: number): readonly RaftEffect[];
}
