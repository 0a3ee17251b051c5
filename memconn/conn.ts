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

/** One end of a connection in memory: a {@link Conn} whose writes have a deadline too. */
export interface MemConn extends Conn {
  /**
   * Sets the instant (milliseconds from now; `undefined`: never) after which writes fail with a `TimeoutError`, also those that wait. A
   * write that waited was taken over whole and still arrives; later ones send nothing. A new deadline revives writing.
   */
  setWriteDeadline(afterMs: number | undefined): void;
  /** Sets both deadlines. */
  setDeadline(afterMs: number | undefined): void;
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
export function memConnPair(options: MemConnOptions = {}): readonly [MemConn, MemConn] {
  const { maxBufferBytes = DEFAULT_BUFFER_BYTES, addrs = ["mem:0", "mem:1"] } = options;
  if (!Number.isInteger(maxBufferBytes) || maxBufferBytes < 1) {
    throw new RangeError(
      `Cannot create a connection as 'maxBufferBytes' must be a positive integer: current value is ${maxBufferBytes}`,
    );
  }
  const a = new MemoryConn(addrs[1], maxBufferBytes);
  const b = new MemoryConn(addrs[0], maxBufferBytes);
  a.join(b);
  b.join(a);
  return Object.freeze([a, b]);
}

class MemoryConn implements MemConn {
  readonly remoteAddr: string;
  readonly #maxBufferBytes: number;
  /** What the other end wrote. */
  readonly #inbox: Inbox;
  #other!: MemoryConn;
  #closed = false;
  #aborted = false;
  #writers: PromiseWithResolvers<void>[] = [];
  #late = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(remoteAddr: string, maxBufferBytes: number) {
    this.remoteAddr = remoteAddr;
    this.#maxBufferBytes = maxBufferBytes;
    this.#inbox = new Inbox({ onTaken: () => this.#other.#settleWriters() });
  }

  join(other: MemoryConn): void {
    this.#other = other;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#inbox.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw new ConnResetError("The own end closed the stream");
    if (this.#other.#closed) throw new ConnResetError("The other end closed the stream");
    if (this.#late) throw tooLate();
    this.#other.#inbox.push(Uint8Array.from(bytes));
    if (this.#other.#inbox.bufferedBytes < this.#maxBufferBytes) return;
    const room = Promise.withResolvers<void>();
    this.#writers.push(room);
    await room.promise;
  }

  setReadDeadline(afterMs: number | undefined): void {
    if (!this.#closed) this.#inbox.setDeadline(afterMs);
  }

  setWriteDeadline(afterMs: number | undefined): void {
    clearTimeout(this.#timer);
    this.#late = false;
    if (this.#closed || this.#other.#closed || afterMs === undefined || afterMs === Infinity) {
      return;
    }
    if (afterMs <= 0) return this.#expire();
    this.#timer = setTimeout(() => this.#expire(), afterMs);
  }

  setDeadline(afterMs: number | undefined): void {
    this.setReadDeadline(afterMs);
    this.setWriteDeadline(afterMs);
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

  #expire(): void {
    this.#late = true;
    for (const writer of this.#writers.splice(0)) writer.reject(tooLate());
  }

  #failWriters(): void {
    clearTimeout(this.#timer);
    for (const writer of this.#writers.splice(0)) {
      writer.reject(new ConnResetError("The stream was closed while writing"));
    }
  }
}

function tooLate(): DOMException {
  return new DOMException("The write deadline passed", "TimeoutError");
}
