/**
 * The seam between sessions and what carries them: `node:http2` on Node and Bun, `fetch` on Deno.
 *
 * @module
 */
import type { Conn } from "../transport.ts";
import type { ResolvedHttp2Options, TlsCredentials } from "./options.ts";

/** How long a peer may take to end its direction of a connection after we ended ours. */
export const LINGER_MS = 1_000;

/** A peer that answers 200 with a body is not ckit; this much of it is skipped, then the stream is reset. */
export const MAX_SKIPPED_BYTES: number = 64 * 1024;

/** MB a session may hold; Node's default of 10 is less than one large state exchange beside a few connections. */
export const SESSION_MEMORY_MB = 256;

/** What became of a request. */
export interface Answer {
  /** HTTP status; 0 when the stream ended without one. */
  readonly status: number;
  /** Without a status: the peer, or nobody yet, looked at the request, so another attempt cannot do it twice. */
  readonly refused: boolean;
  /** Without a status: it ended because the own side cancelled it. */
  readonly cancelled: boolean;
  /** Without a status: the link itself is of no more use. */
  readonly lost: boolean;
  /** Without a status: not even a connection came about. Only of lazy links; others say so before there is a link. */
  readonly unconnected?: boolean;
  /** Why there is no status. */
  readonly cause?: unknown;
}

/** One POST of packets. */
export interface Posted {
  /** Settles when the stream is closed. Never rejects. */
  readonly answer: Promise<Answer>;
  /** Resets the stream. */
  cancel(): void;
}

/** One POST that becomes a connection. */
export interface Called {
  /** Settles with the status. Never rejects. */
  readonly answer: Promise<Answer>;
  /** Settles when the stream is closed. Never rejects. */
  readonly closed: Promise<void>;
  /** Resets the stream. */
  cancel(): void;
  /** The body of both directions. Once, after a status of 200. */
  conn(options: CalledConnOptions): Conn;
}

/** Options of {@link Called.conn}. */
export interface CalledConnOptions {
  /** Called whenever something arrives. */
  readonly onHeard: () => void;
  /** Called once, when the stream is gone. */
  readonly onGone: () => void;
}

/** What a link tells its session. */
export interface LinkEvents {
  /** The peer said something. */
  readonly onHeard: () => void;
  /** The peer takes no more requests (GOAWAY). */
  readonly onRetired: () => void;
  /** The link is gone. Once. */
  readonly onClosed: () => void;
}

/** One HTTP/2 connection to a peer, or what behaves like one. */
export interface Link {
  /** Whether the connection is only made by the first request. */
  readonly lazy: boolean;
  /** Whether it is closing or closed. */
  readonly ended: boolean;
  /** Streams that the peer takes at a time. */
  readonly maxStreams: number;
  /** Names who is told. Once, in the turn in which the link was had. */
  listen(events: LinkEvents): void;
  /**
   * Sends a body.
   *
   * @throws {Error} When the link ended; nothing was sent.
   */
  post(path: string, body: Uint8Array): Posted;
  /**
   * Opens a stream.
   *
   * @throws {Error} When the link ended; nothing was sent.
   */
  call(path: string): Called;
  /** Whether the peer gave a sign of life. May stay pending for ever. Never rejects. */
  ping(): Promise<boolean>;
  /** Closes once the streams that are open are done. */
  close(): void;
  /** Resets what is open and closes. */
  destroy(): void;
}

/** Makes links. */
export interface Client {
  /**
   * Connects.
   *
   * @throws {UnreachableError} When nobody is there, or not in time.
   */
  connect(address: string, credentials: TlsCredentials | undefined): Promise<Link>;
  /** Gives up what is being connected. Links live on. */
  close(): void;
}

/** The client for the runtime at hand. */
export async function clientFor(options: ResolvedHttp2Options): Promise<Client> {
  // node:http2 on Deno ends the process when a peer sends GOAWAY (denoland/deno#36788). Only fetch cannot be told to trust anybody.
  if ("Deno" in globalThis && options.tls?.rejectUnauthorized !== false) {
    return new (await import("./fetch_client.ts")).FetchClient(options);
  }
  return new (await import("./node_client.ts")).NodeClient(options);
}
