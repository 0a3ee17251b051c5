/**
 * One way to listen on Deno, Bun and Node, for examples, tests and programs that run on all three.
 *
 * @module
 */
import type { TlsCredentials } from "./http2/options.ts";

/** How a server speaks TLS. */
export interface ServerTlsOptions extends TlsCredentials {
  /** Asked at every new connection; a new object is used from then on. When set, `ca`, `cert` and `key` beside it are not used. */
  readonly certificates?: () => TlsCredentials;
  /**
   * Whether clients must show a certificate that {@link TlsCredentials.ca} vouches for (mutual TLS).
   *
   * @default {false}
   */
  readonly requestClientCert?: boolean;
  /**
   * Told of every handshake that failed: a client without a certificate, or with another authority's, or none that speaks TLS. The server
   * goes on; count them, or log them.
   */
  readonly onHandshakeFailed?: (error: Error) => void;
}

/** Options of {@link listen}. */
export interface ListenOptions {
  /** Answers requests. `env` is what the runtime's server has to say beside them; pass it on to Hono. */
  readonly fetch: (request: Request, env?: unknown) => Response | Promise<Response>;
  /**
   * Address to listen on.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
  /**
   * Port; 0 picks a free one.
   *
   * @default {0}
   */
  readonly port?: number;
  /** TLS, HTTP/2 and HTTP/1.1 by ALPN. Default: cleartext, HTTP/2 with prior knowledge and HTTP/1.1. */
  readonly tls?: ServerTlsOptions;
  /** Closes the server when aborted. */
  readonly signal?: AbortSignal;
}

/** A server that listens. */
export interface Listener extends AsyncDisposable {
  /** `host:port`, IPv6 in brackets. */
  readonly addr: string;
  /** The port, also when 0 was asked for. */
  readonly port: number;
  /** Stops listening and hangs up on every client. Idempotent. */
  close(): Promise<void>;
}

interface DenoAddr {
  readonly hostname: string;
  readonly port: number;
}

interface DenoServe {
  serve(
    options: Record<string, unknown>,
    handler: (
      request: Request,
      info: { readonly remoteAddr: DenoAddr },
    ) => Response | Promise<Response>,
  ): {
    readonly addr: DenoAddr;
    readonly finished: Promise<void>;
  };
}

interface BunServe {
  serve(options: Record<string, unknown>): {
    readonly port: number;
    readonly hostname: string;
    stop(closeActiveConnections?: boolean): Promise<void>;
  };
}

/**
 * Listens for HTTP/1.1 and HTTP/2 on one port: `Deno.serve`, `Bun.serve({ http2: true })`, or `node:http2` beside `node:http` with the
 * first bytes of a connection telling which. With TLS it is `node:http2` (on Deno `node:tls` before `Deno.serve`), for mutual TLS and
 * rotation.
 *
 * @example Usage
 * ```ts
 * import { listen } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * const listener = await listen({ fetch: () => new Response("hello") });
 * const response = await fetch(`http://${listener.addr}/`);
 * assertEquals(await response.text(), "hello");
 * await listener.close();
 * ```
 *
 * @throws {Error} When the address cannot be listened on.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  options.signal?.throwIfAborted();
  const { Deno, Bun } = globalThis as { Deno?: DenoServe; Bun?: BunServe };
  if (Deno !== undefined && options.tls !== undefined) {
    const { listenDenoTls } = await import("./http2/deno_tls_server.ts");
    return await listenDenoTls(Deno, options, options.tls);
  }
  if (options.tls !== undefined || (Deno === undefined && Bun === undefined)) {
    const { listenNode } = await import("./http2/node_server.ts");
    return await listenNode(options);
  }
  return Deno === undefined ? listenBun(Bun!, options) : listenDeno(Deno, options);
}

function listenDeno(runtime: DenoServe, options: ListenOptions): Listener {
  const abort = new AbortController();
  const server = runtime.serve({
    hostname: options.hostname ?? "127.0.0.1",
    port: options.port ?? 0,
    signal: abort.signal,
    onListen: () => {},
  }, (request, info) => options.fetch(request, info));
  const { hostname, port } = server.addr;
  return listener(hostname, port, options.signal, () => {
    abort.abort();
    return server.finished;
  });
}

function listenBun(runtime: BunServe, options: ListenOptions): Listener {
  const hostname = options.hostname ?? "127.0.0.1";
  const server = runtime.serve({
    hostname,
    port: options.port ?? 0,
    http2: true,
    // Sessions between peers are silent for minutes.
    idleTimeout: 0,
    fetch: (request: Request, env: unknown) => options.fetch(request, env),
  });
  return listener(hostname, server.port, options.signal, () => server.stop(true));
}

function listener(
  hostname: string,
  port: number,
  signal: AbortSignal | undefined,
  stop: () => Promise<void>,
): Listener {
  let closing: Promise<void> | undefined;
  const close = () => {
    signal?.removeEventListener("abort", close);
    closing ??= stop();
    return closing;
  };
  signal?.addEventListener("abort", close, { once: true });
  return {
    addr: hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`,
    port,
    close,
    [Symbol.asyncDispose]: close,
  };
}
