/**
 * What a command looks like in the log: the application's bytes behind one byte, or behind the session that they belong to.
 *
 * ```txt
 * 0 │ command
 * 1 │ u8 length, client │ u64 sequence │ u64 lowest pending │ command
 * 2 │                                    a barrier: nothing to apply
 * 3 │ u8 length, client │ u64 sequence │ u64 lowest pending │ u64 after │ command
 * ```
 *
 * @module
 */
import type { Index } from "../entry.ts";
import { readU32, writeU64 } from "../wire/byte_writer.ts";

const PLAIN = 0;
const SESSION = 1;
const BARRIER = 2;
const SESSION_AFTER = 3;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The identity of a command across retries. */
export interface CommandSession {
  /** The client's name, unique among clients: 1 to 255 bytes of UTF-8. */
  readonly client: string;
  /** Number of the command, from 1: a retry has the same. */
  readonly sequence: number;
  /** The client has seen the results of all below it, so the group may forget them. @default {1} */
  readonly lowestPending?: number;
  /**
   * An index that was committed when the command was proposed for the first time, such as `node.status.commitIndex` then: from 1, and the
   * same in every retry. With it, a command is refused as `sessionExpired` when its client may have been forgotten since, and never
   * applied twice. Without it, a client that was forgotten altogether counts as new, unless its `lowestPending` is more than 1.
   */
  readonly after?: Index;
}

/** Memory is taken in slabs of this size; what is longer than a quarter of it has memory of its own. */
const SLAB_BYTES = 128 * 1024;

/**
 * Encodes commands, one after the other into shared memory: on V8 an array of its own costs 0.7 µs, a view 0.1. A slab lives as long as
 * one of its commands, which are dropped from the log together.
 */
export class CommandEncoder {
  #slab = new Uint8Array(0);
  #at = 0;

  /** Encodes a command; the bytes are copied, so the caller's may change. */
  encode(command: Uint8Array): Uint8Array {
    const length = command.length + 1;
    if (length > SLAB_BYTES / 4) return encodeCommand(command);
    if (this.#at + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#at = 0;
    }
    const data = this.#slab.subarray(this.#at, this.#at + length);
    data.set(command, 1);
    this.#at += length;
    return data;
  }
}

/** Encodes a command; the bytes are copied. */
export function encodeCommand(command: Uint8Array, session?: CommandSession): Uint8Array {
  if (session === undefined) {
    const data = new Uint8Array(command.length + 1);
    data.set(command, 1);
    return data;
  }
  const client = encoder.encode(session.client);
  if (client.length < 1 || client.length > 255) {
    throw new RangeError(
      `Cannot propose as 'client' must be 1 to 255 bytes: current value is ${client.length} bytes`,
    );
  }
  const { sequence, lowestPending = 1, after } = session;
  for (const value of [sequence, lowestPending, after ?? 1]) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot propose as a session's numbers must be safe integers from 1: current value is ${value}`,
      );
    }
  }
  const at = 2 + client.length;
  const numbers = after === undefined
    ? [sequence, lowestPending]
    : [sequence, lowestPending, after];
  const data = new Uint8Array(at + 8 * numbers.length + command.length);
  data[0] = after === undefined ? SESSION : SESSION_AFTER;
  data[1] = client.length;
  data.set(client, 2);
  numbers.forEach((value, i) => writeU64(data, at + 8 * i, value));
  data.set(command, at + 8 * numbers.length);
  return data;
}

/** Whether an entry's data carries a session. */
export function hasSession(data: Uint8Array): boolean {
  return data[0] === SESSION || data[0] === SESSION_AFTER;
}

/** The data of a barrier. */
export const BARRIER_DATA: Uint8Array = Uint8Array.of(BARRIER);

/** A session as an entry holds it. */
export type LoggedSession =
  & Required<Omit<CommandSession, "after">>
  & Pick<CommandSession, "after">;

/** What an entry holds. */
export type DecodedCommand =
  | { readonly type: "plain"; readonly command: Uint8Array }
  | {
    readonly type: "session";
    readonly command: Uint8Array;
    readonly session: LoggedSession;
  }
  /** A barrier, or bytes that no driver wrote: nothing is applied. */
  | { readonly type: "nothing" };

const NOTHING: DecodedCommand = Object.freeze({ type: "nothing" });

/** Decodes the data of a command entry. Never throws: every member must come to the same result. */
export function decodeCommand(data: Uint8Array): DecodedCommand {
  if (data[0] === PLAIN) return { type: "plain", command: data.subarray(1) };
  if (!hasSession(data) || data.length < 2) return NOTHING;
  const length = data[1]!;
  const hasAfter = data[0] === SESSION_AFTER;
  const start = (hasAfter ? 26 : 18) + length;
  if (length === 0 || data.length < start) return NOTHING;
  return {
    type: "session",
    session: {
      client: decoder.decode(data.subarray(2, 2 + length)),
      sequence: readU64(data, 2 + length),
      lowestPending: readU64(data, 10 + length),
      ...(hasAfter && { after: readU64(data, 18 + length) }),
    },
    command: data.subarray(start),
  };
}

function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4) * 0x1_0000_0000 + readU32(bytes, at);
}
