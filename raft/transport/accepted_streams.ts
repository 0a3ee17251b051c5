/**
 * The streams that members open.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { Conn } from "../../transport/transport.ts";
import type { NodeId } from "../entry.ts";
import type { Message, SnapshotMessage } from "../message.ts";
import {
  answerHello,
  decodeHello,
  encodeHelloReply,
  type Hello,
  type HelloReply,
} from "../wire/hello.ts";
import { decodeMessage } from "../wire/messages_codec.ts";
import { decodeForwarded, type Forwarded, isForwarded } from "../wire/proposal_codec.ts";
import { FrameReader } from "./frames.ts";
import type { OpenStream } from "./open_stream.ts";
import { receiveSnapshot, type SnapshotIntake, type SnapshotTimes } from "./snapshot_stream.ts";

/** What a transport calls for what arrives. None may throw. */
export interface RaftTransportHandlers {
  /** A member said something. */
  message(message: Message): void;
  /** A member's driver hands on a command, or refuses one. */
  forwarded(from: NodeId, forwarded: Forwarded): void;
  /** A member begins to send a snapshot. */
  snapshot(message: SnapshotMessage): Promise<SnapshotIntake>;
  /** All of it is durable. */
  snapshotTaken(message: SnapshotMessage): void;
  /** A member cannot be reached. */
  unreachable(node: NodeId): void;
  /** Something was refused: `hello`, `storage`, `decode`, `stream`, `busy`, or the reason of a peer's refusal. */
  refused(reason: string, detail: string): void;
  /**
   * Says why a member with this storage is not the one that it was; resolves without a word when it is. Nothing of it is taken before.
   *
   * @throws {Error} When that cannot be told now.
   */
  admit?(id: NodeId, storage: string): Promise<string | undefined>;
  /**
   * Whether the node has so much to write that entries are to be dropped. Streams are read on all the same: one that is not would use up
   * the HTTP/2 session's window, and heartbeats would wait behind it.
   */
  full?(): boolean;
}

/** Options of {@link AcceptedStreams}. */
export interface AcceptedStreamsOptions extends SnapshotTimes {
  readonly cluster: string;
  readonly id: NodeId;
  readonly storage: string;
  readonly handlers: RaftTransportHandlers;
  readonly helloTimeoutMs: number;
  readonly maxEntryBytes: number;
  readonly maxStreams: number;
  /** Where a member says it is reached. */
  readonly heard: (from: NodeId, address: string) => void;
  readonly counts: {
    framesReceived: number;
    appendsDropped: number;
    snapshotBytesReceived: number;
  };
  readonly clock: Clock;
}

/** Checks hellos and reads what follows. */
export class AcceptedStreams {
  readonly #options: AcceptedStreamsOptions;
  readonly #open = new Set<Conn>();
  /** By sender and lane: a member that opens a lane again has given up the one before. */
  readonly #lanes = new Map<string, { readonly conn: Conn; readonly hello: Hello }>();
  #closed = false;

  /** Creates an empty set. */
  constructor(options: AcceptedStreamsOptions) {
    this.#options = options;
  }

  /** Streams open now. */
  get size(): number {
    return this.#open.size;
  }

  /** Who has streams open, and with which storage. */
  *storages(): Generator<readonly [NodeId, string]> {
    for (const { hello } of this.#lanes.values()) yield [hello.from, hello.storage];
  }

  /** Takes a connection over. */
  async accept(conn: Conn): Promise<void> {
    if (this.#closed) return conn.abort();
    const { handlers } = this.#options;
    this.#open.add(conn);
    try {
      const begun = await this.#hello(conn);
      if (begun === undefined) return;
      await this.#read(begun.hello, begun.stream);
    } catch (error) {
      conn.abort(error);
      if (!this.#closed && (error as Error)?.name !== "ConnResetError") {
        handlers.refused(
          (error as Error)?.name === "DecodeError" ? "decode" : "stream",
          String((error as Error)?.message ?? error),
        );
      }
    } finally {
      this.#open.delete(conn);
      for (const [lane, one] of this.#lanes) if (one.conn === conn) this.#lanes.delete(lane);
    }
  }

  /** Resets all. */
  close(): void {
    this.#closed = true;
    for (const conn of [...this.#open]) conn.abort(new Error("The transport is closed"));
  }

  async #hello(conn: Conn): Promise<{ hello: Hello; stream: OpenStream } | undefined> {
    const { cluster, id, storage, handlers, maxEntryBytes, maxStreams } = this.#options;
    conn.setReadDeadline(this.#options.helloTimeoutMs);
    const reader = new FrameReader(conn, { maxBodyBytes: maxEntryBytes + 16 * 1024 * 1024 });
    const frame = await reader.next();
    if (frame === undefined) throw new Error("The peer hung up before it said hello");
    const hello = decodeHello(frame);
    let reply: HelloReply = answerHello(hello, { cluster, id, storage });
    if (reply.ok && this.#open.size > maxStreams) {
      reply = { ok: false, reason: "busy", detail: `More than ${maxStreams} streams are open` };
    }
    if (reply.ok) {
      const detail = await handlers.admit?.(hello.from, hello.storage);
      if (detail !== undefined) reply = { ok: false, reason: "storage", detail };
    }
    await conn.write(encodeHelloReply(reply));
    conn.setReadDeadline(undefined);
    if (!reply.ok) {
      handlers.refused(
        reply.reason === "storage" ? "storage" : "hello",
        `${hello.from} at ${hello.address}: ${reply.detail}`,
      );
      await conn.close();
      return undefined;
    }
    this.#options.heard(hello.from, hello.address);
    return { hello, stream: { conn, reader, version: reply.version } };
  }

  async #read(hello: Hello, stream: OpenStream): Promise<void> {
    const { from, lane } = hello;
    const { id, handlers, maxEntryBytes, counts } = this.#options;
    const { conn, reader, version } = stream;
    const key = `${lane} ${from}`;
    this.#lanes.get(key)?.conn.abort(new Error("The member opened another stream"));
    this.#lanes.set(key, { conn, hello });
    if (lane === "snapshot") {
      const failure = await receiveSnapshot(stream, {
        ...this.#options,
        from,
        to: id,
        begin: (message) => handlers.snapshot(message),
        taken: (message) => handlers.snapshotTaken(message),
        onReceived: (bytes) => counts.snapshotBytesReceived += bytes,
      });
      if (failure !== undefined && !this.#closed) handlers.refused("snapshot", failure.message);
      return;
    }
    const options = { from, to: id, version, maxEntryBytes };
    for (;;) {
      const frames = await reader.batch();
      if (frames === undefined) break;
      for (const frame of frames) {
        if (this.#closed) return;
        counts.framesReceived++;
        if (isForwarded(frame)) handlers.forwarded(from, decodeForwarded(frame, version));
        else {
          const message = decodeMessage(frame, options);
          if (message.type === "snapshot") throw new Error("A snapshot has a stream of its own");
          if (message.type === "append" && message.entries.length > 0 && handlers.full?.()) {
            counts.appendsDropped++;
          } else handlers.message(message);
        }
      }
    }
    await conn.close();
  }
}
