/**
 * A transport without a network: the real framing over connections in memory.
 *
 * @module
 */
import { memConnPair } from "../memconn/conn.ts";
import { framed } from "./_framed.ts";
import { encodeFrame, FrameReader } from "./frame.ts";
import { type Counters, counters } from "./http2/counters.ts";
import { PacketQueue } from "./http2/packet_queue.ts";
import {
  type Conn,
  type DialOptions,
  type SendOptions,
  type Transport,
  type TransportHandlers,
  type TransportStats,
  UnreachableError,
} from "./transport.ts";

/** Options of {@link MemoryNetwork.transport}. All sizes in bytes. */
export interface MemoryTransportOptions {
  /**
   * Packets waiting, over all addresses; above it the oldest is dropped.
   *
   * @default {1000}
   */
  readonly maxQueuedPackets?: number;
  /**
   * Longest packet and longest frame of a connection accepted.
   *
   * @default {67108864}
   */
  readonly maxFrameBytes?: number;
  /**
   * Accepted connections open at a time; above it dialling fails.
   *
   * @default {256}
   */
  readonly maxConnections?: number;
  /**
   * Bytes a direction of a connection holds before writes wait.
   *
   * @default {65536}
   */
  readonly maxBufferBytes?: number;
}

/** Transports that reach each other by address. */
export interface MemoryNetwork {
  /**
   * Creates the transport at an address. The address is free again once it is closed.
   *
   * @throws {Error} When the address is taken.
   */
  transport(address: string, options?: MemoryTransportOptions): Transport;
  /** Lets an address hang: packets to it wait, dialling it gets no answer. */
  hold(address: string): void;
  /** Ends {@link hold}: what waited is delivered. */
  release(address: string): void;
}

/**
 * Creates a network in memory. Packets arrive in a later microtask, in order; nothing is lost but to closed and full transports.
 *
 * @example Usage
 * ```ts
 * import { memoryNetwork } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * const network = memoryNetwork();
 * const a = network.transport("a:1");
 * const b = network.transport("b:1");
 * const received = Promise.withResolvers<Uint8Array>();
 * b.serve({ packet: (bytes) => received.resolve(bytes), connection: (conn) => conn.abort() });
 * a.send("b:1", Uint8Array.of(1, 2, 3));
 * assertEquals(await received.promise, Uint8Array.of(1, 2, 3));
 * await a.close();
 * await b.close();
 * ```
 */
export function memoryNetwork(): MemoryNetwork {
  const net = new Net();
  return Object.freeze({
    transport(address: string, options: MemoryTransportOptions = {}): Transport {
      if (net.transports.has(address)) {
        throw new Error(
          `Cannot create a transport as its address must be free: current value is ${address}`,
        );
      }
      const transport = new MemoryTransport(net, address, options);
      net.transports.set(address, transport);
      return transport;
    },
    hold: (address: string) => {
      net.held.add(address);
    },
    release: (address: string) => {
      net.held.delete(address);
      for (const wake of net.waiting.splice(0)) wake();
    },
  });
}

class Net {
  readonly transports = new Map<string, MemoryTransport>();
  readonly held = new Set<string>();
  /** What to try again after a release. */
  readonly waiting: (() => void)[] = [];
}

class MemoryTransport implements Transport {
  readonly #net: Net;
  readonly #address: string;
  readonly #options: Required<MemoryTransportOptions>;
  readonly #queue: PacketQueue;
  readonly #sending = new Set<string>();
  readonly #counters: Counters = counters();
  readonly #conns = new Set<Conn>();
  /** Of what is dialled or being dialled. */
  readonly #lives = new Set<AbortController>();
  #closed = false;
  #handlers: TransportHandlers | undefined;
  #accepted = 0;

  constructor(net: Net, address: string, options: MemoryTransportOptions) {
    this.#net = net;
    this.#address = address;
    this.#options = {
      maxQueuedPackets: options.maxQueuedPackets ?? 1_000,
      maxFrameBytes: options.maxFrameBytes ?? 64 * 1024 * 1024,
      maxConnections: options.maxConnections ?? 256,
      maxBufferBytes: options.maxBufferBytes ?? 64 * 1024,
    };
    this.#queue = new PacketQueue({
      maxPackets: this.#options.maxQueuedPackets,
      maxBytes: Infinity,
    });
  }

  get stats(): TransportStats {
    return Object.freeze({ ...this.#counters, queuedPackets: this.#queue.size });
  }

  serve(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) {
      throw new Error("Cannot serve as this transport serves already");
    }
    if (this.#closed) throw new Error("Cannot serve as this transport is closed");
    this.#handlers = handlers;
  }

  send(to: string, packet: Uint8Array, options?: SendOptions): void {
    if (this.#closed) return;
    const { dropped, replaced } = this.#queue.push(to, encodeFrame(packet), options?.replaces);
    this.#counters.packetsDropped += dropped;
    if (replaced) this.#counters.packetsReplaced++;
    if (this.#sending.has(to)) return;
    this.#sending.add(to);
    queueMicrotask(() => this.#drain(to));
  }

  #drain(to: string): void {
    if (this.#closed) return;
    if (this.#net.held.has(to)) {
      this.#net.waiting.push(() => this.#drain(to));
      return;
    }
    this.#sending.delete(to);
    for (const frame of this.#queue.take(to, Infinity, Infinity)) {
      const bytes = frame.length - (frame[0] === 0xcc ? 3 : 5);
      if (this.#net.transports.get(to)?.receive(frame, this.#address)) {
        this.#counters.packetsSent++;
        this.#counters.bytesSent += bytes;
      } else {
        this.#counters.packetsFailed++;
      }
    }
  }

  /** Takes one body of frames, as the HTTP endpoint would. */
  receive(body: Uint8Array, from: string): boolean {
    if (this.#handlers === undefined) {
      this.#counters.requestsRefused++;
      return false;
    }
    try {
      const reader = new FrameReader({ maxFrameBytes: this.#options.maxFrameBytes });
      for (const packet of reader.push(body)) {
        this.#counters.packetsReceived++;
        this.#counters.bytesReceived += packet.length;
        this.#handlers.packet(packet, from);
      }
      return true;
    } catch {
      this.#counters.requestsRefused++;
      return false;
    }
  }

  async dial(to: string, options: DialOptions = {}): Promise<Conn> {
    if (this.#closed) throw new UnreachableError(to, "The transport is closed");
    options.signal?.throwIfAborted();
    const life = new AbortController();
    const abort = () => life.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", abort, { once: true });
    this.#lives.add(life);
    const timer = options.timeoutMs === undefined || options.timeoutMs === Infinity
      ? undefined
      : setTimeout(() => {
        life.abort(new UnreachableError(to, `${to} was not done within ${options.timeoutMs} ms`));
      }, options.timeoutMs);
    const release = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      this.#lives.delete(life);
    };
    try {
      await this.#answered(to, life.signal);
      return this.#open(to, life.signal, release);
    } catch (error) {
      release();
      if (this.#closed) throw new UnreachableError(to, "The transport is closed");
      throw error;
    }
  }

  /** Waits as long as the address is held. */
  async #answered(to: string, life: AbortSignal): Promise<void> {
    await Promise.resolve();
    while (this.#net.held.has(to) && !life.aborted) {
      await new Promise<void>((resolve, reject) => {
        const abort = () => reject(life.reason);
        life.addEventListener("abort", abort, { once: true });
        this.#net.waiting.push(() => {
          life.removeEventListener("abort", abort);
          resolve();
        });
      });
    }
    life.throwIfAborted();
  }

  #open(to: string, life: AbortSignal, release: () => void): Conn {
    const peer = this.#net.transports.get(to);
    if (peer === undefined) throw new UnreachableError(to, `Nobody is at ${to}`);
    const [own, other] = memConnPair({
      maxBufferBytes: this.#options.maxBufferBytes,
      addrs: [this.#address, to],
    });
    if (!peer.accept(other)) throw new UnreachableError(to, `${to} takes no connections`);
    const end = () => own.abort(life.reason);
    life.addEventListener("abort", end, { once: true });
    this.#counters.connectionsOpened++;
    return this.#counted(own, () => {
      life.removeEventListener("abort", end);
      release();
    });
  }

  /** Takes the other end of a dialled connection, or does not. */
  accept(body: Conn): boolean {
    const handlers = this.#handlers;
    if (handlers === undefined || this.#accepted >= this.#options.maxConnections) {
      this.#counters.requestsRefused++;
      return false;
    }
    this.#accepted++;
    this.#counters.connectionsAccepted++;
    const conn = this.#counted(body, () => {
      this.#accepted--;
    });
    queueMicrotask(() => handlers.connection(conn));
    return true;
  }

  #counted(body: Conn, onDone: () => void): Conn {
    const conn = framed(body, {
      maxFrameBytes: this.#options.maxFrameBytes,
      onSent: (bytes) => this.#counters.connectionBytesSent += bytes,
      onReceived: (bytes) => this.#counters.connectionBytesReceived += bytes,
    });
    this.#counters.openConnections++;
    this.#conns.add(conn);
    const done = () => {
      if (!this.#conns.delete(conn)) return;
      this.#counters.openConnections--;
      onDone();
    };
    const { close, abort } = conn;
    return Object.assign(conn, {
      close: () => {
        done();
        return close();
      },
      abort: (reason?: unknown) => {
        done();
        abort(reason);
      },
      [Symbol.asyncDispose]: () => conn.close(),
    });
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#net.transports.delete(this.#address);
    this.#handlers = undefined;
    this.#counters.packetsDropped += this.#queue.clear();
    const reason = new Error("The transport is closed");
    for (const life of [...this.#lives]) life.abort(reason);
    for (const conn of [...this.#conns]) conn.abort(reason);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
