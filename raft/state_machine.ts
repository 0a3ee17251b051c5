/**
 * What a group replicates: the application's half of the contract.
 *
 * @module
 */
import type { Index, Term } from "./entry.ts";

/** A committed command. */
export interface AppliedCommand {
  /** Where it stands in the log. Grows from command to command, with gaps. */
  readonly index: Index;
  /** The reign in which it was appended. */
  readonly term: Term;
  /** The bytes that were proposed. Immutable, and valid for good. */
  readonly command: Uint8Array;
}

/**
 * A deterministic state machine: the same commands in the same order make the same state and the same results on every member. No clock,
 * no randomness, nothing of the process.
 *
 * The methods are called one at a time and never while another one's promise is pending. Only the chunks of a {@link snapshot} are read
 * while later commands are applied.
 */
export interface StateMachine<Result = unknown> {
  /**
   * Applies committed commands, in order.
   *
   * @returns One result a command. A command that the application refuses is a result too: what it throws, or rejects with, ends the node,
   * as its state then is not what the others have.
   */
  apply(commands: readonly AppliedCommand[]): readonly Result[] | Promise<readonly Result[]>;
  /**
   * Captures the state as it is now. Returns at once; the chunks are read while later commands are applied, and must not show them: hand
   * out copies, or keep the state in immutable values.
   */
  snapshot(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /**
   * Replaces the state by one that was captured, here or on another member. To readers of the state it must be one change: build the new
   * state aside and swap. Chunk boundaries are not those that were written.
   */
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Results of commands that carry a session are part of the replicated state, so that a repeated command is answered as the first was.
   *
   * @default {JSON}
   */
  readonly results?: ResultCodec<Result>;
}

/** Results as bytes. Deterministic. */
export interface ResultCodec<Result> {
  /** Encodes a result. */
  encode(result: Result): Uint8Array;
  /** Decodes what {@link encode} made. */
  decode(bytes: Uint8Array): Result;
}
