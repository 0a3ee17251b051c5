/**
 * The streams under the exchanges of a gossip core: dial, write, read one whole message, close.
 *
 * @module
 */
import { abortable } from "@std/async";
import type { MessageReader } from "../gossip/strategy.ts";
import type { Conn, Transport } from "../transport/transport.ts";
import type { Clock } from "./clock.ts";
import type { Streams } from "./streams.ts";

/** How long after a message the other end may take to close its side of the stream. */
const closeLimitMs = 2_000;

/** Options of {@link exchange}. */
export interface ExchangeOptions {
  /** Opens the stream. */
  readonly transport: Transport;
  /** Reads and writes it. */
  readonly streams: Streams;
  /** Measures `timeoutMs`. */
  readonly clock: Clock;
  /** Where to. */
  readonly to: string;
  /** The whole request. */
  readonly bytes: Uint8Array;
  /** Cuts the reply out of the stream. */
  readonly reader: MessageReader;
  /** Limit of the whole, from dialling to the last byte of the reply. */
  readonly timeoutMs: number;
  /** Ends it at once; aborted by nobody else than the owner. */
  readonly abort: AbortController;
  /** Takes the stream over after the reply was read. */
  readonly release: (conn: Conn) => void;
}

/**
 * Sends one request and reads one whole reply.
 *
 * @throws What dialling, writing or reading throws, and a `TimeoutError` after `timeoutMs`. The stream is then gone.
 */
export async function exchange(options: ExchangeOptions): Promise<Uint8Array> {
  const { transport, streams, clock, to, bytes, reader, timeoutMs, abort, release } = options;
  const cancel = clock.setTimer(timeoutMs, () => {
    abort.abort(new DOMException(`No reply within ${timeoutMs} ms`, "TimeoutError"));
  });
  let conn: Conn | undefined;
  try {
    const dialled = transport.dial(to, { signal: abort.signal });
    // A transport may open the connection after the limit has passed all the same: it is then dropped.
    dialled.then((late) => {
      if (abort.signal.aborted) late.abort(abort.signal.reason);
    }, () => {});
    conn = await abortable(dialled, abort.signal);
    // Checked before each step: `abortable` with an aborted signal would leave the step's own rejection to nobody.
    abort.signal.throwIfAborted();
    await abortable(streams.write(conn, bytes), abort.signal);
    abort.signal.throwIfAborted();
    const reply = await abortable(streams.readMessage(conn, reader), abort.signal);
    release(conn);
    return reply;
  } catch (error) {
    conn?.abort(error);
    throw error;
  } finally {
    cancel();
  }
}

/** Streams whose message was taken and that only have to end. How they end changes nothing any more. */
export class Lingering {
  readonly #clock: Clock;
  readonly #cuts = new Set<() => void>();
  #aborted = false;

  /** Creates an empty set. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Closes a stream, and resets it when the other end does not follow in time. Never rejects. */
  close(conn: Conn): Promise<void> {
    if (this.#aborted) {
      conn.abort();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#cuts.delete(cut);
        resolve();
      };
      const cut = () => {
        conn.abort();
        end();
      };
      const cancel = this.#clock.setTimer(closeLimitMs, cut);
      this.#cuts.add(cut);
      conn.close().then(end, cut);
    });
  }

  /** Resets all, and what comes later. */
  abort(): void {
    this.#aborted = true;
    for (const cut of [...this.#cuts]) cut();
  }
}
