/**
 * What calls of a node fail with.
 *
 * @module
 */
import type { NodeId } from "./entry.ts";

/**
 * What is known of a proposal that did not succeed.
 *
 * - `not-proposed`: it was not appended anywhere. Nothing happened; trying again is safe.
 * - `dropped`: it was appended, and another entry was committed in its place. Nothing happened; trying again is safe.
 * - `unknown`: it may be committed, now or later, or never. Trying again may apply it twice, unless it carries a session.
 */
export type ProposalOutcome = "not-proposed" | "dropped" | "unknown";

/** Why a proposal did not succeed. */
export type ProposalFailure =
  /** This node does not lead, or the leader is not known. */
  | "notLeader"
  /** Leadership is being handed over. */
  | "transferring"
  /** The queue is full. */
  | "overloaded"
  /** The command exceeds `maxCommandBytes`. */
  | "tooLarge"
  /** It waited longer than `enqueueTimeoutMs` to be appended. */
  | "enqueueTimeout"
  /** It took longer than `timeoutMs`. */
  | "timeout"
  /** The caller's signal aborted. */
  | "aborted"
  /** Another leader's entry stands in its place. */
  | "superseded"
  /** A snapshot covers its place, so what was committed there is not known here. */
  | "snapshot"
  /** Its session is unknown or older than what the group remembers. */
  | "sessionExpired"
  /** Another change of the configuration is under way. */
  | "configPending"
  /** The change of the configuration is illegal now. */
  | "configIllegal"
  /** The configuration is not the expected one any more. */
  | "configChanged"
  /** The node is closed. */
  | "closed"
  /** The node's storage or state machine failed. */
  | "halted";

/** Where a call may succeed. */
export interface LeaderHint {
  /** The leader, as far as this node knows. */
  readonly id: NodeId;
  /** Where it is reached; `undefined` when the configuration does not say. */
  readonly address: string | undefined;
}

/** A proposal did not succeed. Look at {@link ProposalError.outcome} before trying again. */
export class ProposalError extends Error {
  /** For `switch` across realms. */
  override readonly name = "ProposalError";
  /** What is known of it. */
  readonly outcome: ProposalOutcome;
  /** Why. */
  readonly reason: ProposalFailure;
  /** Who leads, when somebody else is known to. */
  readonly leader: LeaderHint | undefined;

  /** Creates the error. */
  constructor(
    { outcome, reason, leader, detail, cause }: {
      readonly outcome: ProposalOutcome;
      readonly reason: ProposalFailure;
      readonly leader?: LeaderHint | undefined;
      readonly detail?: string;
      readonly cause?: unknown;
    },
  ) {
    const because = detail === undefined || detail === "" ? "" : `: ${detail}`;
    super(`Cannot commit a proposal (${reason}, ${outcome})${because}`, { cause });
    this.outcome = outcome;
    this.reason = reason;
    this.leader = leader;
  }
}

/** A linearizable read, or a check of leadership, did not succeed. Nothing happened; trying again is safe. */
export class ReadError extends Error {
  /** For `switch` across realms. */
  override readonly name = "ReadError";
  /** Why. */
  readonly reason:
    | "noLeader"
    | "notLeader"
    | "timeout"
    | "aborted"
    | "overloaded"
    | "closed"
    | "halted";
  /** Who leads, when somebody else is known to. */
  readonly leader: LeaderHint | undefined;

  /** Creates the error. */
  constructor(
    reason: ReadError["reason"],
    leader?: LeaderHint | undefined,
    options?: ErrorOptions,
  ) {
    super(`Cannot serve a read (${reason})`, options);
    this.reason = reason;
    this.leader = leader;
  }
}

/** Leadership was not handed over. */
export class TransferError extends Error {
  /** For `switch` across realms. */
  override readonly name = "TransferError";
  /** Why. */
  readonly reason: string;

  /** Creates the error. */
  constructor(reason: string) {
    super(`Cannot transfer leadership (${reason})`);
    this.reason = reason;
  }
}

/** The store holds state already, and `bootstrap` was asked for with another configuration. Nothing changed. */
export class AlreadyBootstrappedError extends Error {
  /** For `switch` across realms. */
  override readonly name = "AlreadyBootstrappedError";
}
