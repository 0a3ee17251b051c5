/**
 * What can be set on the HTTP/2 transport.
 *
 * @module
 */

/** Keys and certificates as PEM text. Replace the object, never change it: its identity tells old from new. */
export interface TlsCredentials {
  /** Authorities that peers are checked against, PEM, one or many. Default: those of the runtime; clients on Deno trust those as well. */
  readonly ca?: string;
  /** Own certificate chain, PEM. A client needs it for mutual TLS only, a server always. */
  readonly cert?: string;
  /** Private key of {@link cert}, PEM. */
  readonly key?: string;
}

/** How to speak TLS to peers. */
export interface ClientTlsOptions extends TlsCredentials {
  /**
   * Asked at every use; a new object makes new sessions with it, while the sessions with the old one finish what they carry and close.
   * Must be cheap; `certificateFiles()` gives such a function for files. When set, `ca`, `cert` and `key` beside it are not used.
   */
  readonly certificates?: () => TlsCredentials;
  /** The name to expect in every peer's certificate. Default: the dialled host, so certificates need IP addresses among their names. */
  readonly serverName?: string;
  /**
   * Whether a certificate that does not verify ends the connection. `false` makes the client on Deno `node:http2`, which does not survive
   * a peer's GOAWAY (denoland/deno#36788).
   *
   * @default {true}
   */
  readonly rejectUnauthorized?: boolean;
}

/** Options of {@link http2}. All times in milliseconds, all sizes in bytes. */
export interface Http2Options {
  /** TLS towards peers. Default: cleartext HTTP/2 with prior knowledge, as ckit without TLS. */
  readonly tls?: ClientTlsOptions;
  /**
   * How long opening a session may take, TLS included. On Deno, where the first request opens it, see `docs/transport.md`.
   *
   * @default {2000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How long one POST of packets may take once its session is open. Not retried.
   *
   * @default {5000}
   */
  readonly packetTimeoutMs?: number;
  /**
   * Packets waiting, over all addresses; above it the oldest is dropped. 1 or more.
   *
   * @default {1000}
   */
  readonly maxQueuedPackets?: number;
  /**
   * Bytes waiting, over all addresses; above it the oldest packets are dropped.
   *
   * @default {67108864}
   */
  readonly maxQueuedBytes?: number;
  /**
   * Most packets in one POST. Those that wait for the same address share a request, which saves some 250 bytes each; ckit's servers
   * take any number. 1: one frame a POST, as ckit's client does.
   *
   * @default {32}
   */
  readonly maxBatchPackets?: number;
  /**
   * Most bytes of packets in one POST; a single larger packet goes alone.
   *
   * @default {65536}
   */
  readonly maxBatchBytes?: number;
  /**
   * Longest packet accepted. ckit may send 10 MiB and a little.
   *
   * @default {33554432}
   */
  readonly maxPacketBytes?: number;
  /**
   * Longest request body of packets accepted, frame headers included.
   *
   * @default {67108864}
   */
  readonly maxBodyBytes?: number;
  /**
   * Bytes of all request bodies of packets under way; above it peers get 503.
   *
   * @default {268435456}
   */
  readonly maxReceivingBytes?: number;
  /**
   * Longest frame accepted on a connection.
   *
   * @default {67108864}
   */
  readonly maxFrameBytes?: number;
  /**
   * Accepted connections open at a time; above it dialling peers get 503.
   *
   * @default {256}
   */
  readonly maxConnections?: number;
  /**
   * Requests with packets being received at a time; above it peers get 503.
   *
   * @default {1024}
   */
  readonly maxRequests?: number;
  /**
   * A session that carried nothing for this long is closed. An idle cluster of n nodes uses a session about every n/2 probe intervals;
   * opening one costs about as much as two packets.
   *
   * @default {900000}
   */
  readonly idleTimeoutMs?: number;
  /**
   * A session with an open connection that was silent for this long is asked for a sign of life (PING). After a POST that timed out
   * it is asked at once; idle sessions are never asked, which costs no bytes.
   *
   * @default {60000}
   */
  readonly pingAfterMs?: number;
  /**
   * How long the answer to a PING may take before the session is given up.
   *
   * @default {5000}
   */
  readonly pingTimeoutMs?: number;
  /**
   * After a failed attempt to connect, packets to that address are lost unheard for this long; it doubles with every further failure up
   * to {@link maxBackoffMs}. Dialling always tries.
   *
   * @default {100}
   */
  readonly minBackoffMs?: number;
  /**
   * Longest such pause.
   *
   * @default {1000}
   */
  readonly maxBackoffMs?: number;
  /**
   * Tells the major HTTP version of a request, for servers where it cannot be seen. Default: `env.incoming.httpVersionMajor` under
   * `@hono/node-server`, else the headers (see `docs/transport.md`).
   */
  readonly httpVersion?: (request: Request, env: unknown) => number;
}

/** {@link Http2Options} with every default in place. */
export type ResolvedHttp2Options =
  & Required<Omit<Http2Options, "tls" | "httpVersion">>
  & Pick<Http2Options, "tls" | "httpVersion">;

const DEFAULTS = {
  connectTimeoutMs: 2_000,
  packetTimeoutMs: 5_000,
  maxQueuedPackets: 1_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxBatchPackets: 32,
  maxBatchBytes: 64 * 1024,
  maxPacketBytes: 32 * 1024 * 1024,
  maxBodyBytes: 64 * 1024 * 1024,
  maxReceivingBytes: 256 * 1024 * 1024,
  maxFrameBytes: 64 * 1024 * 1024,
  maxConnections: 256,
  maxRequests: 1_024,
  idleTimeoutMs: 900_000,
  pingAfterMs: 60_000,
  pingTimeoutMs: 5_000,
  minBackoffMs: 100,
  maxBackoffMs: 1_000,
} as const;

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} When a number is not positive, or a count no integer.
 * @throws {TypeError} When there is no option of a name that is given.
 */
export function resolveHttp2Options(options: Http2Options): ResolvedHttp2Options {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(DEFAULTS, name) && name !== "tls" && name !== "httpVersion") {
      throw new TypeError(`Cannot create a transport as there is no option '${name}'`);
    }
  }
  const resolved: Record<string, unknown> = {};
  for (const [name, byDefault] of Object.entries(DEFAULTS)) {
    const value = options[name as keyof typeof DEFAULTS] ?? byDefault;
    if (!(value > 0) || (name.startsWith("max") && !Number.isInteger(value))) {
      throw new RangeError(
        `Cannot create a transport as '${name}' must be a positive ${
          name.startsWith("max") ? "integer" : "number"
        }: current value is ${value}`,
      );
    }
    resolved[name] = value;
  }
  if (options.tls !== undefined) resolved.tls = options.tls;
  if (options.httpVersion !== undefined) resolved.httpVersion = options.httpVersion;
  return Object.freeze(resolved) as unknown as ResolvedHttp2Options;
}
