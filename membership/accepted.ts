/**
 * The exchanges that peers open.
 *
 * @module
 */
import type { MessageReader } from "../gossip/strategy.ts";
import type { Conn } from "../transport/transport.ts";
import type { Clock } from "./clock.ts";
import type { Lingering } from "./exchanges.ts";
import type { Streams } from "./streams.ts";

/** Options of {@link AcceptedExchanges}. */
export interface AcceptedExchangesOptions {
  /** Measures `acceptedTimeoutMs`. */
  readonly clock: Clock;
  /** Reads and writes. */
  readonly streams: Streams;
  /** Ends streams that are done. */
  readonly lingering: Lingering;
  /** How long a peer may take to send its whole request. */
  readonly requestTimeoutMs: number;
  /** How long an exchange may live in all. */
  readonly acceptedTimeoutMs: number;
  /** How many may be open. */
  readonly maxAcceptedExchanges: number;
  /** Makes a reader for one request. */
  readonly reader: () => MessageReader;
  /** A whole request was read. */
  readonly request: (exchange: number, bytes: Uint8Array) => void;
  /** A reply was written, or was not. */
  readonly replied: (exchange: number, ok: boolean) => void;
  /** An exchange came to nothing. */
  readonly refused: (reason: "exchanges" | "stream", error: unknown) => void;
  /** Keeps an eye on work in the background. */
  readonly track: (task: Promise<void>) => void;
}

interface Accepted {
  readonly conn: Conn;
  readonly cancel: () => void;
}

/** Reads requests and writes replies. Every exchange ends: answered, hung up, broken, or out of time. */
export class AcceptedExchanges {
  readonly #options: AcceptedExchangesOptions;
  readonly #open = new Map<number, Accepted>();
  #last = 0;

  /** Creates an empty set. */
  constructor(options: AcceptedExchangesOptions) {
    this.#options = options;
  }

  /** How many were accepted so far. */
  get count(): number {
    return this.#last;
  }

  /** Takes a connection over. */
  accept(conn: Conn): void {
    const { clock, acceptedTimeoutMs, maxAcceptedExchanges, refused, track } = this.#options;
    if (this.#open.size >= maxAcceptedExchanges) {
      conn.abort();
      refused("exchanges", `more than ${maxAcceptedExchanges} exchanges are open`);
      return;
    }
    const exchange = ++this.#last;
    const cancel = clock.setTimer(acceptedTimeoutMs, () => {
      this.#forget(exchange)?.abort(new DOMException("The exchange took too long", "TimeoutError"));
    });
    this.#open.set(exchange, { conn, cancel });
    track(this.#read(exchange, conn));
  }

  /** Answers an exchange and closes it. */
  reply(exchange: number, bytes: Uint8Array): void {
    this.#options.track(this.#write(exchange, bytes));
  }

  /** Closes an exchange without an answer; nothing, when it is gone. */
  hangUp(exchange: number): void {
    const conn = this.#forget(exchange);
    if (conn !== undefined) this.#options.track(this.#options.lingering.close(conn));
  }

  /** Resets all. */
  abort(reason: Error): void {
    for (const exchange of [...this.#open.keys()]) this.#forget(exchange)?.abort(reason);
  }

  async #read(exchange: number, conn: Conn): Promise<void> {
    const { streams, requestTimeoutMs, reader, request, refused } = this.#options;
    try {
      conn.setReadDeadline(requestTimeoutMs);
      const bytes = await streams.readMessage(conn, reader());
      conn.setReadDeadline(undefined);
      if (this.#open.has(exchange)) request(exchange, bytes);
    } catch (error) {
      this.#forget(exchange);
      conn.abort(error);
      refused("stream", error);
    }
  }

  async #write(exchange: number, bytes: Uint8Array): Promise<void> {
    const conn = this.#open.get(exchange)?.conn;
    let ok = false;
    try {
      if (conn !== undefined) await this.#options.streams.write(conn, bytes);
      ok = conn !== undefined;
    } catch (error) {
      this.#options.refused("stream", error);
    }
    this.hangUp(exchange);
    this.#options.replied(exchange, ok);
  }

  #forget(exchange: number): Conn | undefined {
    const accepted = this.#open.get(exchange);
    accepted?.cancel();
    this.#open.delete(exchange);
    return accepted?.conn;
  }
}
