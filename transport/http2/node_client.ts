/**
 * Links over `node:http2`.
 *
 * @module
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
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
  SESSION_MEMORY_MB,
} from "./client.ts";
import { NodeStreamConn } from "./node_stream_conn.ts";
import type { ClientTlsOptions, ResolvedHttp2Options, TlsCredentials } from "./options.ts";
import { CANCEL, CONTENT_TYPE, REFUSED_STREAM, TORN_FRAME } from "./protocol.ts";

/** Connects with `node:http2`. */
export class NodeClient implements Client {
  readonly #options: ResolvedHttp2Options;
  readonly #connecting = new Set<ClientHttp2Session>();

  constructor(options: ResolvedHttp2Options) {
    this.#options = options;
  }

  connect(address: string, credentials: TlsCredentials | undefined): Promise<Link> {
    const { promise, resolve, reject } = Promise.withResolvers<Link>();
    const { tls, connectTimeoutMs } = this.#options;
    let h2: ClientHttp2Session;
    try {
      h2 = connect(`${tls === undefined ? "http" : "https"}://${address}`, {
        settings: { enablePush: false },
        maxSessionMemory: SESSION_MEMORY_MB,
        ...tlsOptions(tls, credentials),
      });
    } catch (cause) {
      return Promise.reject(new UnreachableError(address, `Cannot dial ${address}`, { cause }));
    }
    this.#connecting.add(h2);
    const timer = setTimeout(() => {
      h2.destroy();
      reject(
        new UnreachableError(address, `${address} did not answer within ${connectTimeoutMs} ms`),
      );
    }, connectTimeoutMs);
    // Stays for the session's life: an error without a listener would end the process.
    h2.on("error", (cause) => {
      reject(new UnreachableError(address, `Cannot connect to ${address}`, { cause }));
    });
    const link = new NodeLink(h2, address);
    h2.once("close", () => reject(new UnreachableError(address, `${address} closed at once`)));
    h2.once("connect", () => resolve(link));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#connecting.delete(h2);
    });
  }

  close(): void {
    for (const h2 of this.#connecting) h2.destroy();
  }
}

class NodeLink implements Link {
  readonly lazy = false;
  readonly #h2: ClientHttp2Session;
  readonly #address: string;
  #heard = false;
  #retired = false;
  #closed = false;
  #events: LinkEvents | undefined;

  constructor(h2: ClientHttp2Session, address: string) {
    this.#h2 = h2;
    this.#address = address;
    // From the beginning: what the first segment brought may be told before the connecting promise has run on.
    h2.once("remoteSettings", () => {
      this.#heard = true;
      this.#events?.onHeard();
    });
    h2.on("goaway", () => {
      this.#retired = true;
      this.#events?.onRetired();
    });
    h2.once("close", () => {
      this.#closed = true;
      this.#events?.onClosed();
    });
  }

  get ended(): boolean {
    return this.#h2.closed || this.#h2.destroyed;
  }

  get maxStreams(): number {
    return this.#h2.remoteSettings?.maxConcurrentStreams ?? Infinity;
  }

  listen(events: LinkEvents): void {
    this.#events = events;
    if (this.#heard) events.onHeard();
    if (this.#retired) events.onRetired();
    if (this.#closed) queueMicrotask(events.onClosed);
  }

  post(path: string, body: Uint8Array): Posted {
    const stream = this.#request(path);
    let status = 0;
    let skippedBytes = 0;
    const answer = new Promise<Answer>((resolve) => {
      let cause: Error | undefined;
      stream.on("response", (headers) => {
        status = headers[":status"] ?? 0;
      });
      stream.on("data", (chunk: Uint8Array) => {
        skippedBytes += chunk.length;
        if (skippedBytes > MAX_SKIPPED_BYTES) stream.close(CANCEL);
      });
      stream.on("error", (error: Error) => cause = error); // "close" follows.
      stream.on("close", () => resolve(answerOf(stream, status, cause)));
    });
    stream.end(body);
    return { answer, cancel: () => stream.close(CANCEL) };
  }

  call(path: string): Called {
    const stream = this.#request(path);
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    const answer = new Promise<Answer>((resolve) => {
      let cause: Error | undefined;
      stream.on("error", (error: Error) => cause = error);
      stream.once("close", () => resolve(answerOf(stream, 0, cause)));
      stream.once(
        "response",
        (headers) => resolve(answerOf(stream, headers[":status"] ?? 0, undefined)),
      );
    });
    return {
      answer,
      closed,
      cancel: () => {
        stream.resume();
        stream.close(CANCEL);
      },
      conn: (options: CalledConnOptions): Conn =>
        new NodeStreamConn(stream, {
          remoteAddr: this.#address,
          lingerCode: CANCEL,
          lingerMs: LINGER_MS,
          torn: TORN_FRAME,
          ...options,
        }),
    };
  }

  ping(): Promise<boolean> {
    return new Promise((resolve) => {
      try {
        this.#h2.ping((error: Error | null) => resolve(error === null));
      } catch {
        resolve(false);
      }
    });
  }

  close(): void {
    if (!this.ended) this.#h2.close();
  }

  destroy(): void {
    if (!this.#h2.destroyed) this.#h2.destroy();
  }

  #request(path: string): ClientHttp2Stream {
    return this.#h2.request({
      ":method": "POST",
      // node:http2 on its own leaves out the brackets of IPv6.
      ":authority": this.#address,
      ":path": path,
      "content-type": CONTENT_TYPE,
    }, { endStream: false });
  }
}

function answerOf(stream: ClientHttp2Stream, status: number, cause: unknown): Answer {
  return {
    status,
    refused: status === 0 && stream.rstCode === REFUSED_STREAM,
    cancelled: status === 0 && stream.rstCode === CANCEL,
    lost: false, // The session tells that by itself.
    ...(cause !== undefined && { cause }),
  };
}

function tlsOptions(
  tls: ClientTlsOptions | undefined,
  credentials: TlsCredentials | undefined,
): Record<string, unknown> {
  if (tls === undefined) return {};
  const options: Record<string, unknown> = { rejectUnauthorized: tls.rejectUnauthorized ?? true };
  if (tls.serverName !== undefined) options.servername = tls.serverName;
  if (credentials?.ca !== undefined) options.ca = credentials.ca;
  if (credentials?.cert !== undefined) options.cert = credentials.cert;
  if (credentials?.key !== undefined) options.key = credentials.key;
  return options;
}
