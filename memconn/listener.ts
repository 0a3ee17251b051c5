/**
 * A listener without a network.
 *
 * @module
 */
import { type MemConn, memConnPair } from "./conn.ts";

/** Options of {@link memListener}. */
export interface MemListenerOptions {
  /**
   * Bytes a direction of a connection holds before writes wait.
   *
   * @default {65536}
   */
  readonly maxBufferBytes?: number;
  /**
   * Dialled connections that may wait to be accepted; above it dialling fails. 1 or more.
   *
   * @default {128}
   */
  readonly maxBacklog?: number;
  /**
   * What dialled connections say of this end.
   *
   * @default {"mem:0"}
   */
  readonly addr?: string;
}

/** Options of {@link MemListener.accept} and {@link MemListener.dial}. */
export interface MemWaitOptions {
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Accepts what is dialled, in the same process. */
export interface MemListener extends AsyncDisposable, AsyncIterable<MemConn> {
  /** Connections that wait to be accepted. */
  readonly backlog: number;
  /**
   * The next connection, in the order of dialling; `undefined` once the listener is closed.
   *
   * @throws The signal's reason.
   */
  accept(options?: MemWaitOptions): Promise<MemConn | undefined>;
  /**
   * Opens a connection; it can be written to before it is accepted.
   *
   * @throws {Error} When the listener is closed or its backlog is full; nothing changed.
   */
  dial(): Promise<MemConn>;
  /** Ends accepting, and resets what was not accepted. Accepted connections live on. Idempotent. */
  close(): Promise<void>;
}

/**
 * Creates a listener.
 *
 * @example Usage
 * ```ts
 * import { memListener } from "@ck/cluster/memconn";
 * import { assertEquals } from "@std/assert";
 *
 * const listener = memListener();
 * const client = await listener.dial();
 * await client.write(Uint8Array.of(7));
 * for await (const conn of listener) {
 *   assertEquals(await conn.read(), Uint8Array.of(7));
 *   await listener.close(); // ends the loop
 * }
 * ```
 *
 * @throws {RangeError} When an option is not a positive integer.
 */
export function memListener(options: MemListenerOptions = {}): MemListener {
  const { maxBacklog = 128, maxBufferBytes, addr = "mem:0" } = options;
  if (!Number.isInteger(maxBacklog) || maxBacklog < 1) {
    throw new RangeError(
      `Cannot listen as 'maxBacklog' must be a positive integer: current value is ${maxBacklog}`,
    );
  }
  const waiting: MemConn[] = [];
  const acceptors: ((conn: MemConn | undefined) => void)[] = [];
  let dialled = 0;
  let closed = false;

  function accept({ signal }: MemWaitOptions = {}): Promise<MemConn | undefined> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const conn = waiting.shift();
    if (conn !== undefined || closed) return Promise.resolve(conn);
    return new Promise((resolve, reject) => {
      const take = (conn: MemConn | undefined) => {
        signal?.removeEventListener("abort", leave);
        resolve(conn);
      };
      const leave = () => {
        acceptors.splice(acceptors.indexOf(take), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      acceptors.push(take);
    });
  }

  function dial(): Promise<MemConn> {
    if (closed) return Promise.reject(new Error("Cannot dial as the listener is closed"));
    const acceptor = acceptors.shift();
    if (acceptor === undefined && waiting.length >= maxBacklog) {
      return Promise.reject(
        new Error(
          `Cannot dial as at most ${maxBacklog} connections may wait: current value is ${waiting.length}`,
        ),
      );
    }
    const [client, server] = memConnPair({
      ...(maxBufferBytes !== undefined && { maxBufferBytes }),
      addrs: [`${addr}#${dialled++}`, addr],
    });
    if (acceptor === undefined) waiting.push(server);
    else acceptor(server);
    return Promise.resolve(client);
  }

  function close(): Promise<void> {
    if (!closed) {
      closed = true;
      for (const conn of waiting.splice(0)) conn.abort();
      for (const acceptor of acceptors.splice(0)) acceptor(undefined);
    }
    return Promise.resolve();
  }

  async function* accepted(): AsyncGenerator<MemConn> {
    for (;;) {
      const conn = await accept();
      if (conn === undefined) return;
      yield conn;
    }
  }

  return {
    get backlog() {
      return waiting.length;
    },
    accept,
    dial,
    close,
    [Symbol.asyncIterator]: accepted,
    [Symbol.asyncDispose]: close,
  };
}
