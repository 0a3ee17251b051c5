/**
 * A transport made worse on purpose.
 *
 * @module
 */
import {
  type Conn,
  ConnResetError,
  type DialOptions,
  type SendOptions,
  type Transport,
  type TransportHandlers,
  type TransportStats,
  UnreachableError,
} from "./transport.ts";

/** Options of {@link faulty}. Probabilities are 0…1 and drawn independently for each packet, dial and write. */
export interface FaultyOptions {
  /** Uniform in [0, 1), seeded by the caller: equal sequences of calls meet equal faults. */
  readonly random: () => number;
  /**
   * Probability that a packet is lost.
   *
   * @default {0}
   */
  readonly drop?: number;
  /**
   * Probability that a packet is sent twice.
   *
   * @default {0}
   */
  readonly duplicate?: number;
  /**
   * Longest delay of packets and of dialling, milliseconds, uniform from 0. Delayed packets overtake each other, and `replaces` then only
   * reaches packets delayed as long. 0 sends at once.
   *
   * @default {0}
   */
  readonly delayMs?: number;
  /**
   * Probability that dialling fails.
   *
   * @default {0}
   */
  readonly refuse?: number;
  /**
   * Probability that a write on a dialled connection resets it instead.
   *
   * @default {0}
   */
  readonly reset?: number;
  /** Addresses that cannot be reached now, asked each time: a partition. Default: none. */
  readonly unreachable?: (to: string) => boolean;
}

/**
 * Decorates a transport so that what it sends is lost, delayed, doubled, refused and reset. What arrives is left alone: decorate the
 * senders. Closing it closes the transport inside.
 *
 * @example Usage
 * ```ts
 * import { faulty, memoryNetwork } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = faulty(memoryNetwork().transport("a:1"), { random: () => 0.5, drop: 1 });
 * transport.send("b:1", Uint8Array.of(1));
 * assertEquals(transport.stats.packetsDropped, 1);
 * await transport.close();
 * ```
 *
 * @throws {RangeError} When a probability is not within 0…1 or the delay is negative.
 */
export function faulty(transport: Transport, options: FaultyOptions): Transport {
  const { random, drop = 0, duplicate = 0, delayMs = 0, refuse = 0, reset = 0 } = options;
  for (const [name, value] of Object.entries({ drop, duplicate, refuse, reset })) {
    if (!(value >= 0 && value <= 1)) {
      throw new RangeError(
        `Cannot make faults as '${name}' must be a probability: current value is ${value}`,
      );
    }
  }
  if (!(delayMs >= 0)) {
    throw new RangeError(
      `Cannot make faults as 'delayMs' must not be negative: current value is ${delayMs}`,
    );
  }
  const timers = new Map<ReturnType<typeof setTimeout>, () => void>();
  let dropped = 0;
  let closed = false;

  const chance = (probability: number) => probability > 0 && random() < probability;
  const cut = (to: string) => options.unreachable?.(to) === true;

  function later(act: () => void, cancelled: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, random() * delayMs);
    timers.set(timer, cancelled);
  }

  function send(to: string, packet: Uint8Array, sendOptions?: SendOptions): void {
    if (closed) return;
    if (cut(to) || chance(drop)) {
      dropped++;
      return;
    }
    const copies = chance(duplicate) ? 2 : 1;
    const kept = delayMs > 0 ? packet.slice() : packet;
    for (let copy = 0; copy < copies; copy++) {
      // A second copy under the same key would only replace the first.
      const own = copy === 0 ? sendOptions : undefined;
      if (delayMs > 0) later(() => transport.send(to, kept, own), () => dropped++);
      else transport.send(to, kept, own);
    }
  }

  async function dial(to: string, dialOptions: DialOptions = {}): Promise<Conn> {
    if (closed) throw new UnreachableError(to, "The transport is closed");
    if (cut(to) || chance(refuse)) throw new UnreachableError(to, `${to} was made unreachable`);
    if (delayMs > 0) await dialDelay(to, dialOptions.signal);
    const conn = await transport.dial(to, dialOptions);
    return reset > 0 ? resetting(conn) : conn;
  }

  function dialDelay(to: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    return new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      const settle = (act: () => void) => () => {
        signal?.removeEventListener("abort", abort);
        act();
      };
      later(
        settle(resolve),
        settle(() => reject(new UnreachableError(to, "The transport is closed"))),
      );
    });
  }

  function resetting(conn: Conn): Conn {
    return {
      remoteAddr: conn.remoteAddr,
      read: () => conn.read(),
      write(bytes: Uint8Array): Promise<void> {
        if (!chance(reset)) return conn.write(bytes);
        const error = new ConnResetError("The connection was made to reset");
        conn.abort(error);
        return Promise.reject(error);
      },
      setReadDeadline: (afterMs) => conn.setReadDeadline(afterMs),
      close: () => conn.close(),
      abort: (reason) => conn.abort(reason),
      [Symbol.asyncDispose]: () => conn.close(),
    };
  }

  function close(): Promise<void> {
    closed = true;
    for (const [timer, cancelled] of timers) {
      clearTimeout(timer);
      cancelled();
    }
    timers.clear();
    return transport.close();
  }

  return {
    get stats(): TransportStats {
      const stats = transport.stats;
      return Object.freeze({ ...stats, packetsDropped: stats.packetsDropped + dropped });
    },
    serve: (handlers: TransportHandlers) => transport.serve(handlers),
    send,
    dial,
    close,
    [Symbol.asyncDispose]: close,
  };
}
