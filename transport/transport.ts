/**
 * What moves bytes between nodes. Two services: best-effort **packets** (may be lost, may be late, never block the sender) and reliable
 * **connections** (ordered bytes both ways, with back-pressure). HTTP/2 and memory implement it; `faulty` wraps either.
 *
 * @module
 */

/** A duplex byte stream. Chunk boundaries mean nothing. */
export interface Conn extends AsyncDisposable {
  /** The other end, for messages only: over HTTP it is an ephemeral client port. */
  readonly remoteAddr: string;
  /**
   * The next bytes, or `undefined` at the end of the stream. One read at a time.
   *
   * @throws {DOMException} `TimeoutError` once the read deadline passed.
   * @throws {ConnResetError} When the other end reset the stream.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Writes bytes; resolves once there is room for more (back-pressure). The bytes must not change until then.
   *
   * @throws {ConnResetError} When either end closed the stream.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Sets the instant (milliseconds from now; `undefined`: never) after which reads fail with a `TimeoutError`, also a read under way. */
  setReadDeadline(afterMs: number | undefined): void;
  /** Ends the own direction cleanly after all that was written, and releases the stream once the other end is done. Idempotent. */
  close(): Promise<void>;
  /** Resets the stream at once, both directions. Idempotent; after {@link close}, drops what was not yet sent. */
  abort(reason?: unknown): void;
}

/** The stream was reset or closed while it was in use. */
export class ConnResetError extends Error {
  /** For `switch` across realms. */
  override readonly name = "ConnResetError";
}

/** The address did not answer, refused, or timed out while dialling. */
export class UnreachableError extends Error {
  /** For `switch` across realms. */
  override readonly name = "UnreachableError";
  /** The address that was dialled. */
  readonly address: string;
  /** Creates the error for one address. */
  constructor(address: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.address = address;
  }
}

/** What a transport calls for what arrives. Neither may throw or block. */
export interface TransportHandlers {
  /** One packet. `bytes` is the receiver's from now on. */
  packet(bytes: Uint8Array, from: string): void;
  /** A peer opened a connection. The handler owns it and must close or abort it. What it throws, also later as a promise, resets it. */
  connection(conn: Conn): void;
}

/** Options of {@link Transport.send}. */
export interface SendOptions {
  /** A queued, unsent packet to the same address with the same key is replaced, in its place, by this one. */
  readonly replaces?: string;
}

/** Options of {@link Transport.dial}. */
export interface DialOptions {
  /** Ends the dialling and, later, the connection. */
  readonly signal?: AbortSignal;
  /** How long the connection may live in all, dialling included. Default: no limit. */
  readonly timeoutMs?: number;
}

/** Counts since creation; all only grow, but for the gauges `openConnections` and `queuedPackets`. */
export interface TransportStats {
  /** Packets that the other end took. */
  readonly packetsSent: number;
  /** Packets that arrived and were handed over. */
  readonly packetsReceived: number;
  /** Payload bytes of the packets sent. */
  readonly bytesSent: number;
  /** Payload bytes of the packets received. */
  readonly bytesReceived: number;
  /** Packets that were not delivered: refused, timed out, unreachable. */
  readonly packetsFailed: number;
  /** Packets dropped because a queue was full. */
  readonly packetsDropped: number;
  /** Packets that a newer one replaced while they waited. */
  readonly packetsReplaced: number;
  /** Incoming requests refused before any packet came of them (protocol, content type, frame). */
  readonly requestsRefused: number;
  /** Packets that wait to be sent, now. */
  readonly queuedPackets: number;
  /** Connections dialled and opened. */
  readonly connectionsOpened: number;
  /** Connections that peers opened. */
  readonly connectionsAccepted: number;
  /** Connections open now, both kinds. */
  readonly openConnections: number;
  /** Payload bytes written to connections. */
  readonly connectionBytesSent: number;
  /** Payload bytes read from connections. */
  readonly connectionBytesReceived: number;
}

/** Moves bytes between nodes. Addresses are `host:port`, IPv6 in brackets. */
export interface Transport extends AsyncDisposable {
  /** Starts to hand over what arrives. Called once, before anything is expected to arrive; without it everything is refused. */
  serve(handlers: TransportHandlers): void;
  /** Sends a packet, some time, perhaps. Never throws, never blocks; loss is visible only in {@link stats}. */
  send(to: string, packet: Uint8Array, options?: SendOptions): void;
  /**
   * Opens a connection.
   *
   * @throws {UnreachableError} When nobody answers there, or not in time.
   */
  dial(to: string, options?: DialOptions): Promise<Conn>;
  /** Counts and gauges. */
  readonly stats: TransportStats;
  /** Stops: refuses what arrives, drops queued packets, resets connections. Idempotent. */
  close(): Promise<void>;
}
