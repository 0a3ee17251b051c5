/**
 * The errors that callers of a node branch on.
 *
 * @module
 */
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

/**
 * None of the given addresses could be joined. The node runs on, alone or with whom it already knew, and keeps trying in the
 * background.
 */
export class JoinError extends Error {
  /** For `switch` across realms. */
  override readonly name = "JoinError";
  /** The addresses as they were given. */
  readonly addresses: readonly string[];
  /** Creates the error for the addresses that were tried. */
  constructor(addresses: readonly string[], detail: string, options?: ErrorOptions) {
    super(
      `Cannot join the cluster as none of ${listed(addresses, ", ")} answered: ${detail}`,
      options,
    );
    this.addresses = Object.freeze([...addresses]);
  }
}
