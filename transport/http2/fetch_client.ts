/**
 * Links over Deno's `fetch`: one `Deno.HttpClient` each, which speaks nothing but HTTP/2 and keeps one connection.
 *
 * `node:http2` is no choice on Deno: a GOAWAY from the peer corrupts its memory and ends the process (denoland/deno#36788). What `fetch`
 * does not show (SETTINGS, GOAWAY, PING) is made up for: it reconnects by itself after a GOAWAY, and a small request is the PING.
 *
 * @module
 */
import { type Conn, UnreachableError } from "../transport.ts";
import {
  type Answer,
  type Called,
  type CalledConnOptions,
  type Client,
  LINGER_MS,
  type Link,
  type LinkEvents,
  MAX_SKIPPED_BYTES,
  type Posted,
} from "./client.ts";
import { FetchConn } from "./fetch_conn.ts";
import type { ResolvedHttp2Options, TlsCredentials } from "./options.ts";
import { ANSWER_HEADER, CONTENT_TYPE, PING_PATH, TORN_FRAME } from "./protocol.ts";
import { type Tunnel, tunnel } from "./tunnel.ts";

/** A little less than the 100 that RFC 9113 §6.5.2 asks every peer to take: `fetch` does not show the true number. */
const MAX_STREAMS = 96;

/** Ports above 1023 that `fetch` refuses in a URL (https://fetch.spec.whatwg.org/#port-blocking). Of those below, none is ever named but 80 and 443. */
const BLOCKED_PORTS: ReadonlySet<number> = new Set(
  [1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566]
    .concat([6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080]),
);

/** What h2 says of REFUSED_STREAM, of a stream above the last that a GOAWAY without error names, and of one that was never sent. */
const REFUSED =
  /refused stream|connection error received: not a result of an error|operation was canceled/;

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

interface HttpClient {
  close(): void;
}

interface DenoRuntime {
  createHttpClient(options: Record<string, unknown>): HttpClient;
  readonly env: { get(name: string): string | undefined };
  readonly permissions: {
    querySync(descriptor: { name: "env"; variable: string }): { state: string };
  };
}

/** Headers that `fetch` adds by itself, as short as they can be made. */
const HEADERS = {
  "accept": "",
  "accept-encoding": "identity",
  "accept-language": "",
  "user-agent": "",
  "content-type": CONTENT_TYPE,
};

/** Makes links without connecting: the first request does. */
export class FetchClient implements Client {
  readonly #options: ResolvedHttp2Options;

  constructor(options: ResolvedHttp2Options) {
    this.#options = options;
  }

  async connect(address: string, credentials: TlsCredentials | undefined): Promise<Link> {
    const target = targetOf(address);
    if (target === undefined) throw new UnreachableError(address, `Cannot dial ${address}`);
    const { tls } = this.#options;
    const blocked = BLOCKED_PORTS.has(target.port) ||
      target.port < 1_024 && target.port !== 80 && target.port !== 443;
    const direct = !blocked && !proxied();
    let through: Tunnel | undefined;
    try {
      const options: Record<string, unknown> = {
        http1: false,
        http2: true,
        poolIdleTimeout: false,
      };
      if (tls !== undefined) {
        if (credentials?.ca !== undefined) options.caCerts = [credentials.ca];
        if (credentials?.cert !== undefined) options.cert = credentials.cert;
        if (credentials?.key !== undefined) options.key = credentials.key;
        if (tls.serverName !== undefined || !direct) {
          through = await tunnel(target);
          options.proxy = { url: through.url, basicAuth: through.basicAuth };
        }
      } else if (!direct) {
        options.proxy = { transport: "tcp", hostname: target.hostname, port: target.port };
      }
      const host = tls?.serverName ?? target.host;
      const port = blocked ? "" : `:${target.port}`;
      const { Deno } = globalThis as unknown as { Deno: DenoRuntime };
      return new FetchLink(Deno.createHttpClient(options), {
        address,
        origin: `${tls === undefined ? "http" : "https"}://${host}${port}`,
        through,
      });
    } catch (cause) {
      through?.close();
      throw new UnreachableError(address, `Cannot dial ${address}`, { cause });
    }
  }

  close(): void {}
}

interface FetchLinkOptions {
  readonly address: string;
  readonly origin: string;
  readonly through: Tunnel | undefined;
}

class FetchLink implements Link {
  readonly lazy = true;
  readonly maxStreams: number = MAX_STREAMS;
  readonly #client: HttpClient;
  readonly #options: FetchLinkOptions;
  readonly #open = new Set<AbortController>();
  #events: LinkEvents | undefined;
  #ended = false;
  #closed = false;

  constructor(client: HttpClient, options: FetchLinkOptions) {
    this.#client = client;
    this.#options = options;
  }

  get ended(): boolean {
    return this.#ended;
  }

  listen(events: LinkEvents): void {
    this.#events = events;
  }

  post(path: string, body: Uint8Array): Posted {
    const stream = this.#begin();
    const exchange = async (): Promise<Answer> => {
      try {
        const response = await this.#fetch(path, { body: body as BodyInit, signal: stream.signal });
        await skip(response);
        return answered(response.status);
      } catch (cause) {
        return this.#unanswered(cause, stream);
      } finally {
        this.#done(stream);
      }
    };
    return { answer: exchange(), cancel: () => stream.abort() };
  }

  call(path: string): Called {
    const stream = this.#begin();
    const closed = Promise.withResolvers<void>();
    let told: CalledConnOptions | undefined;
    let isGone = false;
    const gone = () => {
      isGone = true;
      this.#done(stream);
      closed.resolve();
      told?.onGone();
    };
    const conn = new FetchConn(undefined, {
      remoteAddr: this.#options.address,
      lingerMs: LINGER_MS,
      torn: TORN_FRAME,
      onHeard: () => told?.onHeard(),
      onGone: gone,
      reset: () => stream.abort(),
    });
    let response: Response | undefined;
    const exchange = async (): Promise<Answer> => {
      try {
        response = await this.#fetch(path, {
          headers: { ...HEADERS, [ANSWER_HEADER]: "1" },
          body: conn.response,
          signal: stream.signal,
        });
        return answered(response.status);
      } catch (cause) {
        gone();
        return this.#unanswered(cause, stream);
      }
    };
    return {
      answer: exchange(),
      closed: closed.promise,
      cancel: () => {
        stream.abort();
        response?.body?.cancel().catch(() => {});
        gone();
      },
      conn: (options: CalledConnOptions): Conn => {
        if (isGone) setTimeout(options.onGone, 0); // Reset right after the status.
        else told = options;
        conn.receive(response?.body ?? null);
        return conn;
      },
    };
  }

  async ping(): Promise<boolean> {
    if (this.#ended) return false;
    const stream = this.#begin();
    try {
      await skip(await this.#fetch(PING_PATH, { signal: stream.signal }));
      return true;
    } catch {
      return false;
    } finally {
      this.#done(stream);
    }
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#client.close(); // Says GOAWAY; what is open goes on.
    this.#settle();
  }

  destroy(): void {
    this.close();
    for (const stream of [...this.#open]) {
      stream.abort();
      this.#open.delete(stream);
    }
    this.#settle();
  }

  #begin(): AbortController {
    if (this.#ended) throw new Error(`${this.#options.address} hung up`);
    const stream = new AbortController();
    this.#open.add(stream);
    return stream;
  }

  #done(stream: AbortController): void {
    this.#open.delete(stream);
    this.#settle();
  }

  #settle(): void {
    if (!this.#ended || this.#closed || this.#open.size > 0) return;
    this.#closed = true;
    this.#options.through?.close();
    queueMicrotask(() => this.#events?.onClosed());
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(this.#options.origin + path, {
      method: "POST",
      headers: HEADERS,
      redirect: "manual",
      client: this.#client,
      duplex: "half",
      ...init,
    } as RequestInit);
    this.#events?.onHeard();
    return response;
  }

  #unanswered(cause: unknown, stream: AbortController): Answer {
    const cancelled = stream.signal.aborted;
    const reason = String((cause as Error).cause ?? "");
    // RST_STREAM and GOAWAY are signs of life.
    if (reason.includes("error received")) this.#events?.onHeard();
    return {
      status: 0,
      refused: REFUSED.test(reason),
      cancelled,
      // Only RST_STREAM leaves the connection whole.
      lost: !cancelled && !reason.includes("stream error"),
      unconnected: reason.includes("client error (Connect)"),
      cause,
    };
  }
}

function answered(status: number): Answer {
  return { status, refused: false, cancelled: false, lost: false };
}

/** Takes a body to its end, or to where it gets too long. */
async function skip(response: Response): Promise<void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let skippedBytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      skippedBytes += value.length;
      if (skippedBytes > MAX_SKIPPED_BYTES) return await reader.cancel();
    }
  } catch {
    // The status is what counts.
  }
}

function targetOf(address: string) {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at);
  const port = Number(address.slice(at + 1));
  if (at < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  if (!URL.canParse(`http://${host}`) || /[/?#@\\\s]/.test(host)) return undefined;
  return { host, hostname: host.replace(/^\[|\]$/g, ""), port };
}

/** Whether `fetch` would send peers' traffic to a proxy. It reads the environment with or without permission. */
function proxied(): boolean {
  const { Deno } = globalThis as unknown as { Deno: DenoRuntime };
  return PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()]).some((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted" &&
    Deno.env.get(variable)
  );
}
