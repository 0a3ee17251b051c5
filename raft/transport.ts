/**
 * How members of a group reach each other: three kinds of streams over one {@link Transport}.
 *
 * ```txt
 * control   heartbeats, votes, all replies       never waits behind anything large
 * append    entries, commands handed on          bounded by bytes
 * snapshot  one snapshot a stream                 rate limited, resumed where it broke off
 * ```
 *
 * Every stream goes one way, is opened by its sender and begins with a hello: cluster, sender, receiver, versions, storage. One that does
 * not match is refused before anything else is looked at.
 *
 * @module
 */
import type { Prng } from "../gossip/strategy.ts";
import type { Clock } from "../membership/clock.ts";
import type { Transport } from "../transport/transport.ts";
import type { NodeId } from "./entry.ts";
import type { SnapshotSource } from "./log_store.ts";
import type { Message, SnapshotMessage } from "./message.ts";
import { AcceptedStreams, type RaftTransportHandlers } from "./transport/accepted_streams.ts";
import { HeldAppends } from "./transport/held_appends.ts";
import { Lane } from "./transport/lane.ts";
import { HelloRefusedError, openStream } from "./transport/open_stream.ts";
import { sendSnapshot } from "./transport/snapshot_stream.ts";
import { EntriesEncoder } from "./wire/entries_codec.ts";
import type { Lane as LaneName } from "./wire/hello.ts";
import { encodeMessage } from "./wire/messages_codec.ts";
import { encodeForwarded, type Forwarded } from "./wire/proposal_codec.ts";

export type { RaftTransportHandlers } from "./transport/accepted_streams.ts";
export type { SnapshotIntake } from "./transport/snapshot_stream.ts";
export { HelloRefusedError };

/** What can be tuned. All times in milliseconds, all sizes in bytes. */
export interface RaftTransportLimits {
  /** How long opening a stream may take, hellos included. @default {2000} */
  readonly openTimeoutMs?: number;
  /** Bytes that wait for the control stream of one member. @default {4194304} */
  readonly maxControlBytes?: number;
  /** Bytes that wait for the append stream of one member. @default {67108864} */
  readonly maxAppendBytes?: number;
  /** How long a stream may take nothing while something waits, before it is given up. @default {5000} */
  readonly writeTimeoutMs?: number;
  /** Pause after a failure to reach a member; it doubles up to {@link maxBackoffMs}. @default {50} */
  readonly minBackoffMs?: number;
  /** Longest such pause. @default {1000} */
  readonly maxBackoffMs?: number;
  /** Bytes a second that each snapshot is sent with. @default {67108864} */
  readonly maxSnapshotBytesPerSecond?: number;
  /** How long the other end of a snapshot may be silent. @default {10000} */
  readonly snapshotSilenceTimeoutMs?: number;
  /** How long the receiver may take to make a snapshot durable. @default {120000} */
  readonly snapshotInstallTimeoutMs?: number;
  /** Accepted streams open at a time. @default {192} */
  readonly maxStreams?: number;
  /** Longest data of an entry accepted. @default {67108864} */
  readonly maxEntryBytes?: number;
}

/** Options of {@link RaftTransport}. */
export interface RaftTransportOptions {
  /** Moves the bytes. Closed with this. */
  readonly transport: Transport;
  readonly clock: Clock;
  /** Spreads reconnections. */
  readonly random: Prng;
  /** Name of the group; streams of others are refused. */
  readonly cluster: string;
  /** The own node. */
  readonly id: NodeId;
  /** Where it is reached. */
  readonly address: string;
  /** Which storage it has; see {@link RaftTransportHandlers.admit}. @default {""} */
  readonly storage?: string;
  readonly handlers: RaftTransportHandlers;
  /** Calls back in a later turn of the event loop; without it, news of a commit never waits for entries to travel with. */
  readonly defer?: (callback: () => void) => void;
  readonly limits?: RaftTransportLimits;
}

/** Counts since creation, and gauges. */
export interface RaftTransportStats {
  /** Frames written to streams. */
  readonly framesSent: number;
  /** Their bytes. */
  readonly bytesSent: number;
  /** Frames that were dropped: queue full, no stream, or lost with one. */
  readonly framesDropped: number;
  /** Streams opened to members. */
  readonly streamsOpened: number;
  /** Streams that broke, or could not be opened. */
  readonly streamsFailed: number;
  /** Frames received. */
  readonly framesReceived: number;
  /** Appends among them that were dropped, as the own disk had enough to write. */
  readonly appendsDropped: number;
  /** Bytes of snapshots sent. */
  readonly snapshotBytesSent: number;
  /** Bytes of snapshots received. */
  readonly snapshotBytesReceived: number;
  /** Bytes that wait for all members, now. */
  readonly queuedBytes: number;
  /** Accepted streams open now. */
  readonly streamsAccepted: number;
}

/** Lanes that nothing was sent on for this long, to who is no member any more, are closed. */
const FORGET_AFTER_MS = 30_000;

/**
 * Not on Deno: `fetch` writes frames of 1 KiB and more in two pieces, and Nagle's algorithm keeps the second until the first is
 * acknowledged, which takes the other kernel up to 40 ms unless an answer to something else goes back. News of commits see to that.
 */
const HOLDS_NEWS = !("Deno" in globalThis);

const DEFAULTS: Required<RaftTransportLimits> = {
  openTimeoutMs: 2_000,
  maxControlBytes: 4 * 1024 * 1024,
  maxAppendBytes: 64 * 1024 * 1024,
  writeTimeoutMs: 5_000,
  minBackoffMs: 50,
  maxBackoffMs: 1_000,
  maxSnapshotBytesPerSecond: 64 * 1024 * 1024,
  snapshotSilenceTimeoutMs: 10_000,
  snapshotInstallTimeoutMs: 120_000,
  maxStreams: 192,
  maxEntryBytes: 64 * 1024 * 1024,
};

interface Peer {
  readonly control: Lane;
  readonly append: Lane;
}

/** Sends and receives for one node. */
export class RaftTransport {
  readonly #options: RaftTransportOptions;
  readonly #limits: Required<RaftTransportLimits>;
  readonly #peers = new Map<NodeId, Peer>();
  /** By the configuration. */
  #addresses: ReadonlyMap<NodeId, string> = new Map();
  /** As they said themselves: a leader that the own log does not know yet must be answered. */
  readonly #heard = new Map<NodeId, string>();
  readonly #entries = new EntriesEncoder();
  readonly #held: HeldAppends | undefined;
  readonly #accepted: AcceptedStreams;
  readonly #life = new AbortController();
  readonly #counts = {
    framesSent: 0,
    bytesSent: 0,
    framesDropped: 0,
    streamsOpened: 0,
    streamsFailed: 0,
    framesReceived: 0,
    appendsDropped: 0,
    snapshotBytesSent: 0,
    snapshotBytesReceived: 0,
  };

  /** Creates a transport that does not take anything yet. */
  constructor(options: RaftTransportOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULTS, ...options.limits };
    const limits = this.#limits;
    if (options.defer !== undefined && HOLDS_NEWS) {
      this.#held = new HeldAppends({
        defer: options.defer,
        send: (message) => this.#send(message),
      });
    }
    this.#accepted = new AcceptedStreams({
      cluster: options.cluster,
      id: options.id,
      storage: options.storage ?? "",
      handlers: options.handlers,
      clock: options.clock,
      counts: this.#counts,
      helloTimeoutMs: limits.openTimeoutMs,
      maxEntryBytes: limits.maxEntryBytes,
      maxStreams: limits.maxStreams,
      silenceTimeoutMs: limits.snapshotSilenceTimeoutMs,
      installTimeoutMs: limits.snapshotInstallTimeoutMs,
      heard: (from, address) => {
        // Bounded: whoever may open streams could make names up.
        if (this.#heard.size >= 1_024) this.#heard.delete(this.#heard.keys().next().value!);
        this.#heard.delete(from);
        this.#heard.set(from, address);
      },
    });
  }

  /** Counts and gauges. */
  get stats(): RaftTransportStats {
    let queuedBytes = 0;
    for (const { control, append } of this.#peers.values()) {
      queuedBytes += control.queuedBytes + append.queuedBytes;
    }
    return Object.freeze({ ...this.#counts, queuedBytes, streamsAccepted: this.#accepted.size });
  }

  /** Begins to take what arrives. @throws {Error} When the transport below cannot serve. */
  serve(): void {
    this.#options.transport.serve({
      packet: () => {},
      connection: (conn) => this.#accepted.accept(conn),
    });
  }

  /** Says where the members are reached, and opens streams to new ones. Others are forgotten after a while of silence. */
  members(addresses: ReadonlyMap<NodeId, string>): void {
    const now = this.#options.clock.now();
    for (const [id, { control, append }] of this.#peers) {
      const moved = addresses.has(id) && addresses.get(id) !== this.#address(id);
      const usedAt = Math.max(control.usedAt, append.usedAt);
      if (!moved && (addresses.has(id) || now - usedAt < FORGET_AFTER_MS)) continue;
      control.close();
      append.close();
      this.#peers.delete(id);
    }
    this.#addresses = addresses;
    for (const id of addresses.keys()) {
      if (id === this.#options.id) continue;
      const { control, append } = this.#peer(id);
      control.warm();
      append.warm();
    }
  }

  /** Members and others whose streams are open, each with its storage. */
  storages(): Iterable<readonly [NodeId, string]> {
    return this.#accepted.storages();
  }

  /** Sends a message, some time, perhaps. */
  send(message: Message): void {
    if (this.#life.signal.aborted) return;
    if (message.type === "append" && this.#held !== undefined) this.#held.push(message);
    else this.#send(message);
  }

  #send(message: Message): void {
    const peer = this.#peer(message.to);
    const lane = message.type === "append" ? peer.append : peer.control;
    lane.send(encodeMessage(message, { version: lane.version, entries: this.#entries }));
  }

  /** Hands a command on, or refuses one, some time, perhaps. */
  forward(to: NodeId, forwarded: Forwarded): void {
    if (this.#life.signal.aborted) return;
    const peer = this.#peer(to);
    const lane = forwarded.type === "propose" ? peer.append : peer.control;
    lane.send(encodeForwarded(forwarded, lane.version));
  }

  /**
   * Sends a snapshot on a stream of its own. Resolves once the receiver holds it durably.
   *
   * @throws {Error} When it does not.
   */
  async sendSnapshot(
    message: SnapshotMessage,
    read: (offset: number) => Promise<SnapshotSource>,
  ): Promise<void> {
    const stream = await this.#open(message.to, "snapshot", this.#life.signal);
    const stop = () => stream.conn.abort(this.#life.signal.reason);
    this.#life.signal.addEventListener("abort", stop, { once: true });
    try {
      await sendSnapshot(stream, {
        clock: this.#options.clock,
        message,
        read,
        silenceTimeoutMs: this.#limits.snapshotSilenceTimeoutMs,
        installTimeoutMs: this.#limits.snapshotInstallTimeoutMs,
        maxBytesPerSecond: this.#limits.maxSnapshotBytesPerSecond,
        onSent: (bytes) => this.#counts.snapshotBytesSent += bytes,
      });
    } finally {
      this.#life.signal.removeEventListener("abort", stop);
    }
  }

  /** Stops: resets every stream and closes the transport below. Idempotent. */
  async close(): Promise<void> {
    if (!this.#life.signal.aborted) {
      this.#life.abort(new Error("The transport is closed"));
      for (const { control, append } of this.#peers.values()) {
        control.close();
        append.close();
      }
      this.#held?.clear();
      this.#entries.clear();
      this.#accepted.close();
    }
    await this.#options.transport.close();
  }

  #address(id: NodeId): string | undefined {
    return this.#addresses.get(id) || this.#heard.get(id);
  }

  #peer(id: NodeId): Peer {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = {
        control: this.#lane(id, "control", this.#limits.maxControlBytes),
        append: this.#lane(id, "append", this.#limits.maxAppendBytes),
      };
      this.#peers.set(id, peer);
    }
    return peer;
  }

  #lane(id: NodeId, lane: LaneName, maxQueuedBytes: number): Lane {
    const { clock, random, handlers } = this.#options;
    return new Lane({
      clock,
      random,
      counts: this.#counts,
      maxQueuedBytes,
      writeTimeoutMs: this.#limits.writeTimeoutMs,
      minBackoffMs: this.#limits.minBackoffMs,
      maxBackoffMs: this.#limits.maxBackoffMs,
      open: (signal) => this.#open(id, lane, signal),
      failed: (error) => {
        if (this.#life.signal.aborted) return;
        if (error instanceof HelloRefusedError) handlers.refused(error.reason, error.message);
        handlers.unreachable(id);
      },
    });
  }

  async #open(to: NodeId, lane: LaneName, signal: AbortSignal) {
    const { transport, clock, cluster, id, address, storage = "", handlers } = this.#options;
    const known = this.#address(to);
    if (known === undefined) throw new Error(`Nobody knows where ${to} is reached`);
    return await openStream({
      transport,
      clock,
      cluster,
      from: id,
      ownAddress: address,
      to,
      address: known,
      lane,
      storage,
      admit: (peer, found) => handlers.admit?.(peer, found) ?? Promise.resolve(undefined),
      timeoutMs: this.#limits.openTimeoutMs,
      signal,
    });
  }
}
