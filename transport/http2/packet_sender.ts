/**
 * Sends queued packets: one POST at a time per address, so that order holds and a peer that hangs delays nobody else.
 *
 * @module
 */
import { encodeFrame } from "../frame.ts";
import type { Counters } from "./counters.ts";
import type { ResolvedHttp2Options } from "./options.ts";
import { PacketQueue } from "./packet_queue.ts";
import type { Posted } from "./client.ts";
import { MESSAGE_PATH } from "./protocol.ts";
import type { Session } from "./session.ts";
import type { SessionPool } from "./session_pool.ts";

/** Options of {@link PacketSender}. */
export interface PacketSenderOptions {
  readonly pool: SessionPool;
  readonly counters: Counters;
  readonly options: ResolvedHttp2Options;
}

/** The outgoing half of the packet service. */
export class PacketSender {
  readonly #pool: SessionPool;
  readonly #counters: Counters;
  readonly #options: ResolvedHttp2Options;
  readonly #queue: PacketQueue;
  /** Addresses with a loop under way. */
  readonly #sending = new Set<string>();
  #closed = false;

  constructor({ pool, counters, options }: PacketSenderOptions) {
    this.#pool = pool;
    this.#counters = counters;
    this.#options = options;
    this.#queue = new PacketQueue({
      maxPackets: options.maxQueuedPackets,
      maxBytes: options.maxQueuedBytes,
    });
  }

  /** Packets that wait. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Queues a copy of the packet. */
  send(to: string, packet: Uint8Array, replaces: string | undefined): void {
    if (this.#closed) return;
    const { dropped, replaced } = this.#queue.push(to, encodeFrame(packet), replaces);
    this.#counters.packetsDropped += dropped;
    if (replaced) this.#counters.packetsReplaced++;
    if (this.#sending.has(to) || !this.#queue.has(to)) return;
    this.#sending.add(to);
    // Not at once: packets of one turn for one address then share a request.
    queueMicrotask(() => void this.#drain(to));
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true;
    this.#counters.packetsDropped += this.#queue.clear();
  }

  async #drain(to: string): Promise<void> {
    while (this.#queue.has(to) && !this.#closed) {
      let session: Session;
      try {
        session = await this.#pool.acquire(to, { heedBackoff: true });
      } catch {
        this.#counters.packetsFailed += this.#queue.take(to, Infinity, Infinity).length;
        continue;
      }
      const frames = this.#queue.take(
        to,
        this.#options.maxBatchPackets,
        this.#options.maxBatchBytes,
      );
      if (frames.length > 0) await this.#deliver(to, session, frames);
    }
    this.#sending.delete(to);
  }

  async #deliver(to: string, session: Session, frames: readonly Uint8Array[]): Promise<void> {
    const body = joined(frames);
    let outcome = await this.#post(session, body);
    if (outcome === "refused" && !this.#closed) {
      try {
        outcome = await this.#post(await this.#pool.acquire(to, { heedBackoff: true }), body);
      } catch {
        outcome = "failed";
      }
    }
    if (outcome === "delivered") {
      this.#counters.packetsSent += frames.length;
      for (const frame of frames) this.#counters.bytesSent += payloadBytes(frame);
    } else {
      this.#counters.packetsFailed += frames.length;
    }
  }

  /** One POST. Settles when its stream is closed, or its time is over. Never rejects. */
  async #post(session: Session, body: Uint8Array): Promise<"delivered" | "refused" | "failed"> {
    let posted: Posted;
    try {
      posted = session.post(MESSAGE_PATH, body);
    } catch {
      return session.heard ? "refused" : "failed";
    }
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      posted.cancel();
      session.ping();
      late.resolve(undefined);
    }, this.#options.packetTimeoutMs);
    const answer = await Promise.race([posted.answer, late.promise]);
    clearTimeout(timer);
    if (answer?.status === 200) return "delivered";
    return answer?.refused && session.heard ? "refused" : "failed";
  }
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  if (frames.length === 1) return frames[0]!;
  const body = new Uint8Array(frames.reduce((bytes, frame) => bytes + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    body.set(frame, at);
    at += frame.length;
  }
  return body;
}

function payloadBytes(frame: Uint8Array): number {
  return frame.length - (frame[0] === 0xcc ? 3 : 5);
}
