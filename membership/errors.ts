/**
 * The errors that callers of a node branch on.
 *
 * @module
 */
import type { AddressFailure } from "../gossip/strategy.ts";
import type { PeerState } from "../shard/peer.ts";
import { listed } from "./words.ts";

/** The node was stopped, or is being stopped; a node does not start again. Nothing changed. */
export class StoppedError extends Error {
  /** For `switch` across realms. */
  override readonly name = "StoppedError";
  /** Creates the error for one refused action, as in `Cannot <action> as the node is stopped`. */
  constructor(action: string) {
    super(`Cannot ${action} as the node is stopped`);
  }
}

/**
 * A state change that the rules forbid: only viewer → participant → terminating is allowed. Nothing changed.
 *
 * @example Usage
 * ```ts
 * import { StateTransitionError } from "@ck/cluster/membership";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new StateTransitionError("participant", "viewer");
 *
 * assertEquals([error.from, error.to], ["participant", "viewer"]);
 * ```
 */
export class StateTransitionError extends Error {
  /** For `switch` across realms. */
  override readonly name = "StateTransitionError";
  /** The state that the node is in, and stays in. */
  readonly from: PeerState;
  /** The state that was asked for. */
  readonly to: PeerState;
  /** Creates the error for one forbidden step. */
  constructor(from: PeerState, to: PeerState) {
    super(
      `Cannot change the state as only viewer to participant and participant to terminating are allowed: ` +
        `current value is ${from}, asked for ${to}`,
    );
    this.from = from;
    this.to = to;
  }
}

/** Why one of the addresses that were to be joined was not. Frozen. */
export interface JoinFailure {
  /** What was tried: an address, or the text that no address was found for. */
  readonly address: string;
  /** See {@link AddressFailure}; `lookup`: the name could not be resolved. */
  readonly cause: AddressFailure["cause"] | "lookup";
  /** One line for a human. */
  readonly reason: string;
}

/**
 * None of the given addresses could be joined. The node runs on, alone or with whom it already knew, and keeps trying in the
 * background.
 */
export class JoinError extends Error {
  /** For `switch` across realms. */
  override readonly name = "JoinError";
  /** The addresses as they were given. */
  readonly addresses: readonly string[];
  /** What became of each, as far as it is known. */
  readonly failures: readonly JoinFailure[];
  /** Creates the error for the addresses that were tried. */
  constructor(
    addresses: readonly string[],
    detail: string,
    options: ErrorOptions & { readonly failures?: readonly JoinFailure[] } = {},
  ) {
    super(
      `Cannot join the cluster as none of ${listed(addresses, ", ")} answered: ${detail}`,
      options,
    );
    this.addresses = Object.freeze([...addresses]);
    this.failures = Object.freeze([...options.failures ?? []]);
  }
}

/**
 * There are other nodes, and none of them could be told that this one leaves. It has left all the same: it writes and joins no more. Try
 * again, or stop it; the others will then find it down.
 */
export class LeaveError extends Error {
  /** For `switch` across realms. */
  override readonly name = "LeaveError";
  /** How many nodes were tried. */
  readonly attempted: number;
  /** Creates the error for so many attempts. */
  constructor(attempted: number, detail: string, options?: ErrorOptions) {
    super(`Cannot leave as at least one other node must be told: ${detail}`, options);
    this.attempted = attempted;
  }
}
