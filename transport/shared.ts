/**
 * One transport, one port, two protocols: gossip, and the streams of a Raft group.
 *
 * @module
 */
import type {
  Conn,
  DialOptions,
  SendOptions,
  Transport,
  TransportHandlers,
  TransportStats,
} from "./transport.ts";

/** The first byte of every stream of a Raft group. No stream of memberlist or of Scuttlebutt begins with it. */
const RAFT_MAGIC = 0xce;

/** How long a peer may take to say which protocol its stream speaks. */
const FIRST_BYTE_TIMEOUT_MS = 5_000;

/** The two halves of a shared transport. Each is closed on its own; the transport itself closes with the second. */
export interface SharedTransport<T extends Transport> {
  /** Packets, and the connections of gossip. Has whatever else the transport has, such as `routes()`. */
  readonly gossip: T;
  /** The connections of Raft; sends no packets. */
  readonly raft: Transport;
}

/**
 * Lets a `Node` and a `RaftNode` use one transport, and so one port and one set of HTTP/2 sessions. What a peer opens is told apart by its
 * first byte.
 *
 * @example Usage
 * ```ts
 * import { memoryNetwork, shareTransport } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * const network = memoryNetwork();
 * const { gossip, raft } = shareTransport(network.transport("a:1"));
 * const received = Promise.withResolvers<Uint8Array | undefined>();
 * gossip.serve({ packet: () => {}, connection: (conn) => conn.abort() });
 * raft.serve({ packet: () => {}, connection: (conn) => conn.read().then(received.resolve) });
 *
 * await using peer = network.transport("b:1");
 * const conn = await peer.dial("a:1");
 * await conn.write(Uint8Array.of(0xce, 1));
 * assertEquals(await received.promise, Uint8Array.of(0xce, 1));
 * conn.abort();
 * await gossip.close();
 * await raft.close();
 * ```
 */
export function shareTransport<T extends Transport>(transport: T): SharedTransport<T> {
  const shared = new Shared(transport);
  const gossip = new Half(shared, "gossip");
  const raft = new Half(shared, "raft");
  return Object.freeze({
    // Everything that the transport has beside the interface is reached through its prototype chain, with the transport as `this`.
    gossip: new Proxy(transport, {
      get(target, name): unknown {
        if (name in gossip) {
          const own: unknown = Reflect.get(gossip, name, gossip);
          return typeof own === "function" ? own.bind(gossip) : own;
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
    raft,
  });
}

type Side = "gossip" | "raft";

class Shared {
  readonly transport: Transport;
  readonly #handlers = new Map<Side, TransportHandlers>();
  readonly #open = new Set<Side>(["gossip", "raft"]);
  #served = false;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  serve(side: Side, handlers: TransportHandlers): void {
    if (this.#handlers.has(side)) {
      throw new Error("Cannot serve as this transport serves already");
    }
    if (!this.#open.has(side)) throw new Error("Cannot serve as this transport is closed");
    if (!this.#served) {
      this.transport.serve({
        packet: (bytes, from) => this.#handlers.get("gossip")?.packet(bytes, from),
        connection: (conn) => this.#accept(conn),
      });
      this.#served = true;
    }
    this.#handlers.set(side, handlers);
  }

  close(side: Side): Promise<void> {
    this.#handlers.delete(side);
    if (!this.#open.delete(side) || this.#open.size > 0) return Promise.resolve();
    return this.transport.close();
  }

  /** What the handler throws is the transport's to catch, as for a transport that is not shared. */
  async #accept(conn: Conn): Promise<void> {
    let first: Uint8Array | undefined;
    try {
      conn.setReadDeadline(FIRST_BYTE_TIMEOUT_MS);
      first = await conn.read();
      conn.setReadDeadline(undefined);
    } catch (error) {
      conn.abort(error);
      return;
    }
    const handlers = this.#handlers.get(first?.[0] === RAFT_MAGIC ? "raft" : "gossip");
    if (handlers === undefined) {
      conn.abort(new Error("Nobody here speaks this protocol"));
      return;
    }
    await handlers.connection(new Begun(conn, first));
  }
}

/** A connection whose first bytes were read already. */
class Begun implements Conn {
  readonly remoteAddr: string;
  readonly #conn: Conn;
  #first: Uint8Array | undefined;
  #begun = false;

  constructor(conn: Conn, first: Uint8Array | undefined) {
    this.#conn = conn;
    this.#first = first;
    this.remoteAddr = conn.remoteAddr;
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#begun) return this.#conn.read();
    this.#begun = true;
    const first = this.#first;
    this.#first = undefined;
    return Promise.resolve(first);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#conn.write(bytes);
  }

  setReadDeadline(afterMs: number | undefined): void {
    this.#conn.setReadDeadline(afterMs);
  }

  close(): Promise<void> {
    return this.#conn.close();
  }

  abort(reason?: unknown): void {
    this.#conn.abort(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class Half implements Transport {
  readonly #shared: Shared;
  readonly #side: Side;
  #closed: Promise<void> | undefined;

  constructor(shared: Shared, side: Side) {
    this.#shared = shared;
    this.#side = side;
  }

  get stats(): TransportStats {
    return this.#shared.transport.stats;
  }

  serve(handlers: TransportHandlers): void {
    this.#shared.serve(this.#side, handlers);
  }

  send(to: string, packet: Uint8Array, options?: SendOptions): void {
    if (this.#closed === undefined && this.#side === "gossip") {
      this.#shared.transport.send(to, packet, options);
    }
  }

  dial(to: string, options?: DialOptions): Promise<Conn> {
    return this.#shared.transport.dial(to, options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#shared.close(this.#side);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
