/**
 * Which commands of which clients were applied, and with what result: a command that comes again is answered, not applied (Raft
 * dissertation §6.3). Part of the replicated state, so everything here depends on the log alone: not on how commands were cut into batches,
 * which differs from member to member.
 *
 * @module
 */
import type { Index } from "../entry.ts";
import type { ResultCodec } from "../state_machine.ts";
import { ByteReader } from "../wire/byte_reader.ts";
import { ByteWriter } from "../wire/byte_writer.ts";
import type { LoggedSession } from "./command.ts";

/** How much is remembered. The same on every member, hence no option of a node. */
export interface SessionLimits {
  /** Clients; the one that was silent longest is forgotten first. */
  readonly maxClients: number;
  /** Results of one client; the oldest is forgotten first. */
  readonly maxResults: number;
}

const LIMITS: SessionLimits = { maxClients: 4_096, maxResults: 1_024 };

/** Where the result of a command goes. */
export interface SessionSlot {
  /** Encoded; `undefined` until its batch is applied. */
  result: Uint8Array | undefined;
}

interface Session {
  /** Results below it are forgotten. */
  lowest: number;
  /** Where its last command stands. */
  usedAt: Index;
  /** Up to this index, results of its name may have been forgotten before it was made. */
  readonly forgottenAt: Index;
  /** By sequence number, oldest first. */
  readonly results: Map<number, SessionSlot>;
}

/** What is known of a command. */
export type SessionVerdict<Result> =
  /** Apply it, and fill the slot. */
  | { readonly type: "new"; readonly slot: SessionSlot }
  /** It stands earlier in the same batch: the slot is not filled yet. */
  | { readonly type: "pending"; readonly slot: SessionSlot }
  /** It was applied, with this result. */
  | { readonly type: "repeated"; readonly result: Result }
  /** It was perhaps applied, and is not to be applied now. */
  | { readonly type: "expired" };

const EXPIRED = Object.freeze({ type: "expired" });
const NOTHING = new Uint8Array(0);

/** JSON in UTF-8; `undefined` is nothing. */
export function jsonResults<Result>(): ResultCodec<Result> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    encode: (result) => encoder.encode(result === undefined ? "" : JSON.stringify(result)),
    decode: (bytes) =>
      (bytes.length === 0 ? undefined : JSON.parse(decoder.decode(bytes))) as Result,
  };
}

/** The sessions of all clients. */
export class Sessions<Result> {
  readonly #codec: ResultCodec<Result>;
  readonly #limits: SessionLimits;
  /** By the last use, oldest first. */
  #clients = new Map<string, Session>();
  /** Where the last command stands of whoever was forgotten: none of a later index. */
  #forgottenAt: Index = 0;

  /** Creates none. */
  constructor(codec: ResultCodec<Result>, limits: SessionLimits = LIMITS) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** Clients remembered. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * Looks a command up, and takes note of it and of what its client no longer needs. All that is to be forgotten is forgotten here,
   * whether or not the commands before it are applied yet.
   *
   * @param index Where the command stands.
   */
  look(
    { client, sequence, lowestPending, after }: LoggedSession,
    index: Index,
  ): SessionVerdict<Result> {
    let session = this.#clients.get(client);
    if (session === undefined) {
      // A client that is forgotten must not have an old command applied again.
      const forgotten = after === undefined ? lowestPending > 1 : after < this.#forgottenAt;
      if (forgotten) return EXPIRED;
      const forgottenAt = this.#forgottenAt;
      session = { lowest: 1, usedAt: index, forgottenAt, results: new Map() };
    } else this.#clients.delete(client);
    session.usedAt = index;
    this.#clients.set(client, session);
    if (this.#clients.size > this.#limits.maxClients) {
      const [name, oldest] = this.#clients.entries().next().value!;
      this.#clients.delete(name);
      this.#forgottenAt = Math.max(this.#forgottenAt, oldest.usedAt);
    }
    if (lowestPending > session.lowest) {
      session.lowest = lowestPending;
      for (const key of session.results.keys()) {
        if (key < lowestPending) session.results.delete(key);
      }
    }
    const known = session.results.get(sequence);
    if (known?.result !== undefined) {
      return { type: "repeated", result: this.#codec.decode(known.result) };
    }
    if (known !== undefined) return { type: "pending", slot: known };
    if (sequence < session.lowest) return EXPIRED;
    if (after !== undefined && after < session.forgottenAt) return EXPIRED;
    const slot: SessionSlot = { result: undefined };
    session.results.set(sequence, slot);
    if (session.results.size > this.#limits.maxResults) {
      const oldest = session.results.keys().next().value!;
      session.results.delete(oldest);
      session.lowest = Math.max(session.lowest, oldest + 1);
    }
    return { type: "new", slot };
  }

  /** Remembers the result of a command that was new, if its slot is not forgotten already. */
  fill(slot: SessionSlot, result: Result): void {
    slot.result = this.#codec.encode(result);
  }

  /** All of them as bytes. Between batches only. */
  encode(): Uint8Array {
    const writer = new ByteWriter(1_024);
    writer.u64(this.#forgottenAt);
    writer.u32(this.#clients.size);
    for (const [client, { lowest, usedAt, forgottenAt, results }] of this.#clients) {
      writer.string(client);
      writer.u64(lowest);
      writer.u64(usedAt);
      writer.u64(forgottenAt);
      writer.u32(results.size);
      for (const [sequence, { result = NOTHING }] of results) {
        writer.u64(sequence);
        writer.u32(result.length);
        writer.raw(result);
      }
    }
    return writer.finish();
  }

  /** Replaces all by what {@link encode} made. @throws {DecodeError} When the bytes are no sessions. */
  restore(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    const clients = new Map<string, Session>();
    const forgottenAt = reader.u64();
    for (let left = reader.u32(); left > 0; left--) {
      const client = reader.string(255);
      const session: Session = {
        lowest: reader.u64(),
        usedAt: reader.u64(),
        forgottenAt: reader.u64(),
        results: new Map(),
      };
      for (let results = reader.u32(); results > 0; results--) {
        const sequence = reader.u64();
        session.results.set(sequence, { result: reader.raw(reader.u32()).slice() });
      }
      clients.set(client, session);
    }
    reader.done();
    this.#clients = clients;
    this.#forgottenAt = forgottenAt;
  }
}
