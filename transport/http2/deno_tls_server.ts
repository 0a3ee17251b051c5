/**
 * TLS for `Deno.serve`: mutual, with rotation, and HTTP/1.1 beside HTTP/2 by ALPN.
 *
 * `Deno.serve` asks no client for a certificate and cannot change its own, and `node:http2` on Deno does not survive clients that say
 * GOAWAY (denoland/deno#36788). So `node:tls` stands in front, and relays what it deciphered to a `Deno.serve` on loopback, which only
 * answers the sockets of that relay.
 *
 * @module
 */
import { type AddressInfo, connect } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { Listener, ListenOptions, ServerTlsOptions } from "../listen.ts";
import { credentialsOf } from "./node_server.ts";

interface Remote {
  readonly hostname: string;
  readonly port: number;
}

interface ServeInfo {
  readonly remoteAddr: Remote;
}

interface DenoServe {
  serve(
    options: Record<string, unknown>,
    handler: (request: Request, info: ServeInfo) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void> };
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Listens with TLS on Deno. */
export async function listenDenoTls(
  runtime: DenoServe,
  options: ListenOptions,
  tls: ServerTlsOptions,
): Promise<Listener> {
  const abort = new AbortController();
  /** Who is behind a socket of the relay, by its local port. */
  const remotes = new Map<number, Remote>();
  const inner = runtime.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen: () => {},
  }, (request, info) => {
    const remoteAddr = remotes.get(info.remoteAddr.port);
    if (remoteAddr === undefined) return new Response(null, { status: 403 });
    return options.fetch(request, { ...info, remoteAddr: { ...remoteAddr, transport: "tcp" } });
  });

  const sockets = new Set<{ destroy(): unknown }>();
  const relayed = (outside: TLSSocket) => {
    const remote = { hostname: outside.remoteAddress ?? "", port: outside.remotePort ?? 0 };
    outside.on("error", () => {});
    const inside = connect(inner.addr.port, "127.0.0.1");
    sockets.add(inside);
    outside.setNoDelay(true);
    inside.setNoDelay(true);
    inside.on("error", () => {});
    let port = 0;
    inside.once("connect", () => {
      port = inside.localPort ?? 0;
      remotes.set(port, remote);
      outside.pipe(inside);
      inside.pipe(outside);
    });
    inside.on("close", () => {
      remotes.delete(port);
      sockets.delete(inside);
      outside.destroy();
    });
    outside.on("close", () => inside.destroy());
  };

  let current = tls.certificates?.() ?? tls;
  const server = createServer({
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...credentialsOf(current),
    ...(tls.requestClientCert && { requestCert: true, rejectUnauthorized: true }),
  }, relayed);
  server.on("tlsClientError", (error: Error) => tls.onHandshakeFailed?.(error));
  server.prependListener(
    "connection",
    (socket: { destroy(): void; on(e: string, f: () => void): void }) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      const next = tls.certificates?.() ?? current;
      if (next === current) return;
      current = next;
      server.setSecureContext(credentialsOf(next));
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.hostname ?? "127.0.0.1", port: options.port ?? 0 }, resolve);
  }).catch(async (error) => {
    abort.abort();
    await inner.finished;
    throw error;
  });
  const { address, port } = server.address() as AddressInfo;

  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      options.signal?.removeEventListener("abort", close);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      abort.abort();
      await Promise.all([closed, inner.finished]);
    })();
    return closing;
  };
  options.signal?.addEventListener("abort", close, { once: true });
  if (options.signal?.aborted) await close();
  return {
    addr: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
    port,
    close,
    [Symbol.asyncDispose]: close,
  };
}
