/**
 * ckit's transport: packets and connections over HTTP/2, beside the user's own routes on one port.
 *
 * @module
 */
import type { Hono as App } from "hono";
import { framed } from "./_framed.ts";
import { Acceptor } from "./http2/acceptor.ts";
import type { Called } from "./http2/client.ts";
import { type Counters, counters } from "./http2/counters.ts";
import {
  type Http2Options,
  type ResolvedHttp2Options,
  resolveHttp2Options,
} from "./http2/options.ts";
import { PacketSender } from "./http2/packet_sender.ts";
import { STREAM_PATH } from "./http2/protocol.ts";
import type { Session } from "./http2/session.ts";
import { SessionPool } from "./http2/session_pool.ts";
import {
  type Conn,
  type DialOptions,
  type SendOptions,
  type Transport,
  type TransportHandlers,
  type TransportStats,
  UnreachableError,
} from "./transport.ts";

/** Hono's application, as `app.route()` takes it. */
export type Hono = App;
export type { ClientTlsOptions, Http2Options, TlsCredentials } from "./http2/options.ts";

/** A {@link Transport} to mount on the user's own server. */
export interface Http2Transport extends Transport {
  /** The two endpoints, absolute paths below `/api/v1/ckit/transport/`: mount with `app.route("/", transport.routes())`. */
  routes(): Hono;
  /** The same as a Fetch-style handler. Pass on what the server passed beside the request: the HTTP version and the sender come of it. */
  fetch(request: Request, env?: unknown): Promise<Response>;
}

/**
 * Creates the HTTP/2 transport: `node:http2` sessions towards peers (`fetch` on Deno), Hono routes for what they send.
 *
 * Nothing is listened to: mount {@link Http2Transport.routes} on a server that speaks HTTP/2 and call `serve()`. Packets are lost without
 * a word when the peer does not answer; see {@link TransportStats}.
 *
 * @example Usage
 * ```ts
 * import { http2, listen } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * const a = http2();
 * const b = http2();
 * const received = Promise.withResolvers<Uint8Array>();
 * b.serve({ packet: (bytes) => received.resolve(bytes), connection: (conn) => conn.abort() });
 * const listener = await listen({ fetch: b.fetch });
 *
 * a.send(listener.addr, Uint8Array.of(1, 2, 3));
 * assertEquals(await received.promise, Uint8Array.of(1, 2, 3));
 *
 * await a.close();
 * await b.close();
 * await listener.close();
 * ```
 *
 * @throws {RangeError} When an option is out of range.
 */
export function http2(options: Http2Options = {}): Http2Transport {
  return new Http2(resolveHttp2Options(options));
}

/** A stream whose status 200 has arrived. */
interface Opened {
  readonly session: Session;
  readonly called: Called;
}

/** What ends a connection from outside, and what to let go when it ended. */
interface Life {
  readonly life: AbortSignal;
  readonly release: () => void;
}

class Http2 implements Http2Transport {
  readonly #options: ResolvedHttp2Options;
  readonly #counters: Counters = counters();
  readonly #pool: SessionPool;
  readonly #sender: PacketSender;
  readonly #acceptor: Acceptor;
  /** Of what is dialled or being dialled. */
  readonly #lives = new Set<AbortController>();
  #served = false;
  #closed = false;
  readonly fetch: (request: Request, env?: unknown) => Promise<Response>;

  constructor(options: ResolvedHttp2Options) {
    const counters = this.#counters;
    this.#options = options;
    this.#pool = new SessionPool(options);
    this.#sender = new PacketSender({ pool: this.#pool, counters, options });
    this.#acceptor = new Acceptor({ counters, options });
    const app = this.#acceptor.routes();
    this.fetch = async (request, env) => await app.fetch(request, env as object);
  }

  get stats(): TransportStats {
    return Object.freeze({ ...this.#counters, queuedPackets: this.#sender.queued });
  }

  routes(): Hono {
    return this.#acceptor.routes();
  }

  serve(handlers: TransportHandlers): void {
    if (this.#served) throw new Error("Cannot serve as this transport serves already");
    if (this.#closed) throw new Error("Cannot serve as this transport is closed");
    this.#served = true;
    this.#acceptor.open(handlers);
  }

  send(to: string, packet: Uint8Array, options?: SendOptions): void {
    this.#sender.send(to, packet, options?.replaces);
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
        life.abort(
          new UnreachableError(to, `${to} was not done within ${options.timeoutMs} ms`),
        );
      }, options.timeoutMs);
    const release = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      this.#lives.delete(life);
    };
    try {
      return await this.#open(to, life.signal, release);
    } catch (error) {
      release();
      if (this.#closed) throw new UnreachableError(to, "The transport is closed");
      throw error;
    }
  }

  async #open(to: string, life: AbortSignal, release: () => void): Promise<Conn> {
    let opened = await this.#request(to, life);
    // The session was on its way out (GOAWAY); the peer promises not to have looked at the request.
    if (opened === "refused") opened = await this.#request(to, life);
    if (opened === "refused") throw new UnreachableError(to, `${to} refused the connection`);
    return this.#conn(opened, { life, release });
  }

  async #request(to: string, life: AbortSignal): Promise<Opened | "refused"> {
    const session = await this.#pool.acquire(to, { signal: life });
    let called: Called;
    try {
      called = session.call(STREAM_PATH);
    } catch (cause) {
      if (session.heard) return "refused";
      throw new UnreachableError(to, `${to} hung up`, { cause });
    }
    const cancelled = Promise.withResolvers<never>();
    const abort = () => {
      called.cancel();
      cancelled.reject(life.reason);
    };
    life.addEventListener("abort", abort, { once: true });
    if (life.aborted) abort();
    try {
      const { status, refused, unconnected, cause } = await Promise.race([
        called.answer,
        cancelled.promise,
      ]);
      if (status === 200) return { session, called };
      called.cancel();
      if (status > 0) throw new UnreachableError(to, `${to} answered ${status}`);
      if (refused && session.heard) return "refused";
      if (unconnected) throw new UnreachableError(to, `Cannot connect to ${to}`, { cause });
      const hint = session.heard ? "" : ", as a server without HTTP/2 does";
      throw new UnreachableError(to, `${to} reset the connection at once${hint}`, { cause });
    } finally {
      life.removeEventListener("abort", abort);
    }
  }

  #conn({ session, called }: Opened, { life, release }: Life): Conn {
    this.#counters.connectionsOpened++;
    this.#counters.openConnections++;
    session.connections++;
    const body = called.conn({
      onHeard: () => {
        session.lastHeardAt = performance.now();
      },
      onGone: () => {
        session.connections--;
        this.#counters.openConnections--;
        life.removeEventListener("abort", end);
        release();
      },
    });
    const end = () => body.abort(life.reason);
    life.addEventListener("abort", end, { once: true });
    if (life.aborted) end();
    return framed(body, {
      maxFrameBytes: this.#options.maxFrameBytes,
      onSent: (bytes) => this.#counters.connectionBytesSent += bytes,
      onReceived: (bytes) => this.#counters.connectionBytesReceived += bytes,
    });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#sender.close();
      this.#acceptor.close();
      const reason = new Error("The transport is closed");
      for (const life of [...this.#lives]) life.abort(reason);
      this.#pool.close();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
