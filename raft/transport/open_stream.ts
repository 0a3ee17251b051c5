/**
 * Opening a stream to a member.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import { type Conn, type Transport, UnreachableError } from "../../transport/transport.ts";
import type { NodeId } from "../entry.ts";
import { MAX_VERSION, MIN_VERSION } from "../wire/frame.ts";
import { decodeHelloReply, encodeHello, type HelloRefusal, type Lane } from "../wire/hello.ts";
import { FrameReader } from "./frames.ts";

/** A member refused a stream, or was refused: it is another node, another cluster, another version or another storage than was meant. */
export class HelloRefusedError extends Error {
  /** For `switch` across realms. */
  override readonly name = "HelloRefusedError";
  /** Why. */
  readonly reason: HelloRefusal;
  /** Creates the error from the peer's answer. */
  constructor(reason: HelloRefusal, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** A stream that both ends agreed on. */
export interface OpenStream {
  readonly conn: Conn;
  readonly reader: FrameReader;
  readonly version: number;
}

/** What opening a stream takes. */
export interface OpenOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly cluster: string;
  readonly from: NodeId;
  /** Where the own node is reached. */
  readonly ownAddress: string;
  readonly to: NodeId;
  readonly address: string;
  readonly lane: Lane;
  /** The own storage. */
  readonly storage: string;
  /** Says why a member with this storage is not the one that it was. */
  readonly admit: (id: NodeId, storage: string) => Promise<string | undefined>;
  /** How long dialling and the exchange of hellos may take. */
  readonly timeoutMs: number;
  /** Ends the dialling and, later, the stream. */
  readonly signal: AbortSignal;
}

/**
 * Dials a member and exchanges hellos.
 *
 * @throws {UnreachableError} When nobody answers in time.
 * @throws {HelloRefusedError} When it is not who was meant, or has lost its storage.
 * @throws {DecodeError} When it speaks another protocol.
 */
export async function openStream(options: OpenOptions): Promise<OpenStream> {
  const { transport, clock, address, to, timeoutMs, signal } = options;
  signal.throwIfAborted();
  const life = new AbortController();
  const abort = () => life.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const cancel = clock.setTimer(
    timeoutMs,
    () => life.abort(new UnreachableError(address, `${to} did not answer within ${timeoutMs} ms`)),
  );
  let conn: Conn | undefined;
  try {
    conn = await transport.dial(address, { signal: life.signal });
    await conn.write(encodeHello({
      versions: [MIN_VERSION, MAX_VERSION],
      lane: options.lane,
      cluster: options.cluster,
      from: options.from,
      to,
      address: options.ownAddress,
      storage: options.storage,
    }));
    const reader = new FrameReader(conn, { maxBodyBytes: 64 * 1024 });
    const frame = await reader.next();
    if (frame === undefined) throw new UnreachableError(address, `${to} hung up`);
    const reply = decodeHelloReply(frame);
    if (!reply.ok) throw new HelloRefusedError(reply.reason, reply.detail);
    const fault = await options.admit(to, reply.storage);
    if (fault !== undefined) throw new HelloRefusedError("storage", fault);
    return { conn, reader, version: reply.version };
  } catch (error) {
    conn?.abort(error);
    signal.removeEventListener("abort", abort);
    if (life.signal.aborted && !signal.aborted) throw life.signal.reason;
    throw error;
  } finally {
    cancel();
  }
}
