/**
 * Connections without a network.
 *
 * @module
 */
import { Inbox } from "../transport/_inbox.ts";
import { type Conn, ConnResetError } from "../transport/transport.ts";

/** Options of {@link memConnPair}. */
export interface MemConnOptions {
  /**
   * Bytes a direction holds before writes wait for the reader. 1 or more.
   *
   * @default {65536}
   */
  readonly maxBufferBytes?: number;
  /**
   * What each end says of the other.
   *
   * @default {["mem:0", "mem:1"]}
   */
  readonly addrs?: readonly [string, string];
}

const DEFAULT_BUFFER_BYTES = 65_536;

/**
 * Creates the two ends of a connection: ordered bytes both ways, back-pressure, deadlines, close and abort, all in memory.
 *
 * @example Usage
 * ```ts
 * import { memConnPair } from "@ck/cluster/memconn";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = memConnPair();
 * await a.write(Uint8Array.of(1, 2));
 * assertEquals(await b.read(), Uint8Array.of(1, 2));
 * await a.close();
 * assertEquals(await b.read(), undefined);
 * ```
 *
 * @throws {RangeError} When the buffer is not a positive integer.
 */
export function memConnPair(options: MemConnOptions = {}): readonly [Conn, Conn] {
  const { maxBufferBytes = DEFAULT_BUFFER_BYTES, addrs = ["mem:0", "mem:1"] } = options;
  if (!Number.isInteger(maxBufferBytes) || maxBufferBytes < 1) {
    throw new RangeError(
      `Cannot create a connection as 'maxBufferBytes' must be a positive integer: current value is ${maxBufferBytes}`,
    );
  }
  const a = new MemConn(addrs[1], maxBufferBytes);
  const b = new MemConn(addrs[0], maxBufferBytes);
  a.join(b);
  b.join(a);
  return Object.freeze([a, b]);
}

class MemConn implements Conn {
  readonly remoteAddr: string;
  readonly #maxBufferBytes: number;
  /** What the other end wrote. */
  readonly #inbox: Inbox;
  #other!: MemConn;
  #closed = false;
  #aborted = false;
  #writers: PromiseWithResolvers<void>[] = [];

  constructor(remoteAddr: string, maxBufferBytes: number) {
    this.remoteAddr = remoteAddr;
    this.#maxBufferBytes = maxBufferBytes;
    this.#inbox = new Inbox({ onTaken: () => this.#other.#settleWriters() });
  }

  join(other: MemConn): void {
    this.#other = other;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#inbox.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw new ConnResetError("The own end closed the stream");
    if (this.#other.#closed) throw new ConnResetError("The other end closed the stream");
    this.#other.#inbox.push(Uint8Array.from(bytes));
    if (this.#other.#inbox.bufferedBytes < this.#maxBufferBytes) return;
    const room = Promise.withResolvers<void>();
    this.#writers.push(room);
    await room.promise;
  }

  setReadDeadline(afterMs: number | undefined): void {
    if (!this.#closed) this.#inbox.setDeadline(afterMs);
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#inbox.shut(new ConnResetError("The own end closed the stream"));
    this.#other.#inbox.end();
    this.#failWriters();
    this.#other.#failWriters();
    return Promise.resolve();
  }

  abort(_reason?: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#closed = true;
    this.#inbox.shut(new ConnResetError("The own end reset the stream"));
    if (!this.#other.#closed) {
      this.#other.#inbox.shut(new ConnResetError("The other end reset the stream"));
    }
    this.#failWriters();
    this.#other.#failWriters();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #settleWriters(): void {
    if (this.#other.#inbox.bufferedBytes >= this.#maxBufferBytes) return;
    for (const writer of this.#writers.splice(0)) writer.resolve();
  }

  #failWriters(): void {
    for (const writer of this.#writers.splice(0)) {
      writer.reject(new ConnResetError("The stream was closed while writing"));
    }
  }
}
