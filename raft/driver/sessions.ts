/**
 * Which commands of which clients were applied, and with what result: a command that comes again is answered, not applied (Raft
 * dissertation §6.3). Part of the replicated state, so everything here depends on the log alone, and not on how it was cut into batches: a command takes
 * its place when it is looked up, and its result fills it later.
 *
 * @module
 */
import type { ResultCodec } from "../state_machine.ts";
import { ByteReader } from "../wire/byte_reader.ts";
import { ByteWriter } from "../wire/byte_writer.ts";
import type { CommandSession } from "./command.ts";

/** Clients remembered; the one that was silent longest is forgotten first. The same on every member, hence no option. */
const MAX_CLIENTS = 4_096;
/** Results remembered of one client. */
const MAX_RESULTS = 1_024;

interface Session {
  /** Results below it are forgotten. */
  lowest: number;
  /** Encoded, by sequence number; or the place of one that is being applied. */
  readonly results: Map<number, Uint8Array | SessionPlace>;
}

/** Where the result of a command goes. */
export interface SessionPlace {
  readonly results: Map<number, Uint8Array | SessionPlace>;
  readonly sequence: number;
}

/** What is known of a command. */
export type SessionVerdict<Result> =
  /** Apply it, and say what came of it. */
  | { readonly type: "new"; readonly place: SessionPlace }
  /** It is being applied: its result is that of the command with this place. */
  | { readonly type: "again"; readonly place: SessionPlace }
  /** It was applied, with this result. */
  | { readonly type: "repeated"; readonly result: Result }
  /** It was perhaps applied, and is not to be applied now. */
  | { readonly type: "expired" };

const EXPIRED = Object.freeze({ type: "expired" });

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
  #clients = new Map<string, Session>();

  /** Creates none. */
  constructor(codec: ResultCodec<Result>) {
    this.#codec = codec;
  }

  /** Clients remembered. */
  get size(): number {
    return this.#clients.size;
  }

  /** Looks a command up, which takes its place, and takes note of what its client no longer needs. */
  look({ client, sequence, lowestPending }: Required<CommandSession>): SessionVerdict<Result> {
    let session = this.#clients.get(client);
    if (session === undefined) {
      // A client that is forgotten must not have an old command applied again.
      if (lowestPending > 1) return EXPIRED;
      session = { lowest: 1, results: new Map() };
    } else this.#clients.delete(client);
    this.#clients.set(client, session);
    if (this.#clients.size > MAX_CLIENTS) {
      this.#clients.delete(this.#clients.keys().next().value!);
    }
    if (lowestPending > session.lowest) {
      session.lowest = lowestPending;
      for (const key of session.results.keys()) {
        if (key < lowestPending) session.results.delete(key);
      }
    }
    const { results } = session;
    const known = results.get(sequence);
    if (known instanceof Uint8Array) return { type: "repeated", result: this.#codec.decode(known) };
    if (known !== undefined) return { type: "again", place: known };
    if (sequence < session.lowest) return EXPIRED;
    const place: SessionPlace = { results, sequence };
    results.set(sequence, place);
    if (results.size > MAX_RESULTS) {
      const oldest = results.keys().next().value!;
      results.delete(oldest);
      session.lowest = Math.max(session.lowest, oldest + 1);
    }
    return { type: "new", place };
  }

  /** Remembers the result of a command that was new, unless its place is forgotten already. */
  remember(place: SessionPlace, result: Result): void {
    const { results, sequence } = place;
    if (results.get(sequence) === place) results.set(sequence, this.#codec.encode(result));
  }

  /** All of them as bytes. Between batches only. */
  encode(): Uint8Array {
    const writer = new ByteWriter(1_024);
    writer.u32(this.#clients.size);
    for (const [client, { lowest, results }] of this.#clients) {
      writer.string(client);
      writer.u64(lowest);
      writer.u32(results.size);
      for (const [sequence, result] of results) {
        if (!(result instanceof Uint8Array)) {
          throw new Error("Cannot encode sessions as a command is being applied");
        }
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
    for (let left = reader.u32(); left > 0; left--) {
      const client = reader.string(255);
      const session: Session = { lowest: reader.u64(), results: new Map() };
      for (let results = reader.u32(); results > 0; results--) {
        const sequence = reader.u64();
        session.results.set(sequence, reader.raw(reader.u32()).slice());
      }
      clients.set(client, session);
    }
    reader.done();
    this.#clients = clients;
  }
}
