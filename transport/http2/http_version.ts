/**
 * Which HTTP version a request came by. Fetch's `Request` does not say, so this reads the traces each server leaves.
 *
 * @module
 */

/** The part of `@hono/node-server`'s environment that is used here. */
export interface NodeEnv {
  readonly incoming: {
    readonly httpVersionMajor: number;
    readonly socket?: { readonly remoteAddress?: string; readonly remotePort?: number };
  };
  readonly outgoing: unknown;
}

/** Whether a handler's environment is that of `@hono/node-server`. */
export function isNodeEnv(env: unknown): env is NodeEnv {
  return typeof (env as NodeEnv | undefined)?.incoming?.httpVersionMajor === "number";
}

/**
 * The major version.
 *
 * - `@hono/node-server`, on any runtime: what `node:http` and `node:http2` say.
 * - `Deno.serve`: HTTP/1.1 demands a `host` header, HTTP/2 has `:authority` in its place, and Deno shows both as they are.
 * - `Bun.serve`: shows `:authority` as `host`, but after the other well-known headers, while HTTP/1 clients send `host` first
 *   (RFC 9112 §3.2). A request with no other header than that is taken for HTTP/2.
 */
export function httpVersionMajor(request: Request, env: unknown): number {
  if (isNodeEnv(env)) return env.incoming.httpVersionMajor;
  const { headers } = request;
  // RFC 9113 §8.2.2: connection-specific headers make an HTTP/2 request malformed.
  if (headers.has("connection") || headers.has("transfer-encoding") || headers.has("upgrade")) {
    return 1;
  }
  if (!headers.has("host")) return 2;
  const inOrder = (headers as { toJSON?: () => Record<string, unknown> }).toJSON?.();
  if (inOrder === undefined) return 1;
  const names = Object.keys(inOrder);
  return names[0] === "host" && names.length > 1 ? 1 : 2;
}

/** Where a request came from, for messages: `host:port`, or `unknown`. */
export function remoteAddrOf(request: Request, env: unknown): string {
  if (isNodeEnv(env)) {
    const { remoteAddress, remotePort } = env.incoming.socket ?? {};
    return hostPort(remoteAddress, remotePort);
  }
  const remote = (env as DenoInfo | undefined)?.remoteAddr;
  if (remote !== undefined) return hostPort(remote.hostname, remote.port);
  const bun = env as BunServer | undefined;
  if (typeof bun?.requestIP === "function") {
    const from = bun.requestIP(request);
    return hostPort(from?.address, from?.port);
  }
  return "unknown";
}

interface DenoInfo {
  readonly remoteAddr?: { readonly hostname?: string; readonly port?: number };
}

interface BunServer {
  requestIP?(
    request: Request,
  ): { readonly address: string; readonly port: number } | null | undefined;
}

function hostPort(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return "unknown";
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
