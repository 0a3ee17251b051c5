/**
 * A server over `node:http2` and `@hono/node-server` that speaks HTTP/1.1 and HTTP/2 on one port, with or without TLS.
 *
 * @module
 */
import { createServer as createHttp1Server, type Server as Http1Server } from "node:http";
import {
  createSecureServer,
  createServer as createHttp2Server,
  type Http2SecureServer,
  type Http2Server,
} from "node:http2";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Listener, ListenOptions, ServerTlsOptions } from "../listen.ts";
import type { TlsCredentials } from "./options.ts";

/** The first bytes of the HTTP/2 connection preface, `PRI * HTTP/2.0` (RFC 9113 §3.4). No HTTP/1 method begins with them. */
const PREFACE_START = "PRI ";

/**
 * MB a session may hold before Node resets new streams with ENHANCE_YOUR_CALM. Its default of 10 is less than one large state exchange
 * beside a few connections.
 */
const SESSION_MEMORY_MB = 256;

/**
 * Bun has begun the handshake when it tells of a connection, so what is renewed then serves the next one only (1.4.5). Looking now and
 * then besides bounds how long a former certificate can still be shown.
 */
const BUN_RENEWAL_MS = 1_000;

/** How long a client may take to send its first bytes. */
const SNIFF_TIMEOUT_MS = 10_000;

/** Listens with `node:http2`. Not on Deno, where it does not survive clients that say GOAWAY (denoland/deno#36788). */
export async function listenNode(options: ListenOptions): Promise<Listener> {
  options.signal?.throwIfAborted();
  const answer = getRequestListener(
    options.fetch as Parameters<typeof getRequestListener>[0],
    { overrideGlobalObjects: false },
  );
  const sockets = new Set<Socket>();
  const server = options.tls === undefined ? cleartext(answer) : secure(answer, options.tls);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.hostname ?? "127.0.0.1", port: options.port ?? 0 }, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  const isIpv6 = family === "IPv6" || (family as unknown) === 6;

  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise<void>((resolve) => {
      options.signal?.removeEventListener("abort", close);
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
    return closing;
  };
  options.signal?.addEventListener("abort", close, { once: true });
  if (options.signal?.aborted) await close();
  return {
    addr: isIpv6 ? `[${address}]:${port}` : `${address}:${port}`,
    port,
    close,
    [Symbol.asyncDispose]: close,
  };
}

type RequestListener = ReturnType<typeof getRequestListener>;

/** `node:http2` hangs up on HTTP/1 without TLS, so the first bytes decide which of two servers gets the socket. */
function cleartext(answer: RequestListener): Server {
  const http2: Http2Server = createHttp2Server({ maxSessionMemory: SESSION_MEMORY_MB }, answer);
  const http1: Http1Server = createHttp1Server(answer);
  http2.on("sessionError", () => {});
  return createTcpServer((socket) => {
    const timer = setTimeout(() => socket.destroy(), SNIFF_TIMEOUT_MS);
    const fail = () => socket.destroy();
    const forget = () => {
      clearTimeout(timer);
      socket.off("readable", sniff);
      socket.off("error", fail);
      socket.off("close", forget);
    };
    const sniff = () => {
      const bytes = socket.read(PREFACE_START.length) as Uint8Array | null;
      if (bytes === null) return;
      const start = String.fromCharCode(...bytes);
      forget();
      socket.unshift(bytes);
      (start === PREFACE_START ? http2 : http1).emit("connection", socket);
    };
    socket.on("readable", sniff);
    socket.on("error", fail);
    socket.on("close", forget);
  });
}

/** What of them is there, for `node:tls`. */
export function credentialsOf({ ca, cert, key }: TlsCredentials): Partial<TlsCredentials> {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function secure(answer: RequestListener, tls: ServerTlsOptions): Http2SecureServer {
  let current = tls.certificates?.() ?? tls;
  const server = createSecureServer({
    allowHTTP1: true,
    maxSessionMemory: SESSION_MEMORY_MB,
    ...credentialsOf(current),
    ...(tls.requestClientCert && { requestCert: true, rejectUnauthorized: true }),
  }, answer);
  server.on("sessionError", () => {});
  server.on("tlsClientError", (error: Error) => tls.onHandshakeFailed?.(error));
  if (tls.certificates !== undefined) {
    const renew = () => {
      const next = tls.certificates!();
      if (next === current) return;
      current = next;
      server.setSecureContext(credentialsOf(next));
    };
    server.prependListener("connection", renew);
    if ("Bun" in globalThis) {
      const timer = setInterval(renew, BUN_RENEWAL_MS).unref();
      server.once("close", () => clearInterval(timer));
    }
  }
  return server;
}
