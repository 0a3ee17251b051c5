/**
 * What goes to one member on one stream.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { Prng } from "../../gossip/strategy.ts";
import { MAX_VERSION } from "../wire/frame.ts";
import type { OutgoingFrame } from "../wire/messages_codec.ts";
import { writesOf } from "./frames.ts";
import type { OpenStream } from "./open_stream.ts";

/** Counts of all lanes of a transport. */
export interface LaneCounts {
  framesSent: number;
  bytesSent: number;
  /** Frames that were dropped: queue full, no stream, or lost with one. */
  framesDropped: number;
  streamsOpened: number;
  streamsFailed: number;
}

/** Options of {@link Lane}. */
export interface LaneOptions {
  readonly clock: Clock;
  readonly random: Prng;
  readonly counts: LaneCounts;
  /** Opens the stream. */
  readonly open: (signal: AbortSignal) => Promise<OpenStream>;
  /** The stream could not be opened, broke, or its queue is full. */
  readonly failed: (error: unknown) => void;
  readonly maxQueuedBytes: number;
  /** How long one write may wait for room before the stream is given up. */
  readonly writeTimeoutMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

/**
 * A queue with a stream behind it. Bounded by bytes: what does not fit, or finds the member unreachable, is dropped, as Raft tolerates
 * loss but not exhausted memory. The newest is dropped, not the oldest: appends that follow a hole would be refused.
 */
export class Lane {
  readonly #options: LaneOptions;
  #queue: OutgoingFrame[] = [];
  #queuedBytes = 0;
  #stream: OpenStream | undefined;
  #state: "idle" | "opening" | "open" | "writing" | "closed" = "idle";
  #flushing = false;
  #writingSince = 0;
  #retryAt = -Infinity;
  #failures = 0;
  #life = new AbortController();
  /** When something was last handed to this lane. */
  usedAt: number;

  /** Creates a lane without a stream: the first frame, or {@link warm}, opens it. */
  constructor(options: LaneOptions) {
    this.#options = options;
    this.usedAt = options.clock.now();
  }

  /** The wire version that frames for this lane are encoded in. */
  get version(): number {
    return this.#stream?.version ?? MAX_VERSION;
  }

  /** Bytes that wait. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Whether a stream is open. */
  get isOpen(): boolean {
    return this.#state === "open" || this.#state === "writing";
  }

  /** Opens the stream if there is none and it is not too early to try again. */
  warm(): void {
    if (this.#state === "idle" && this.#options.clock.now() >= this.#retryAt) void this.#open();
  }

  /** Sends a frame, some time, perhaps. */
  send(frame: OutgoingFrame): void {
    if (this.#state === "closed") return;
    const { clock, counts, maxQueuedBytes, writeTimeoutMs } = this.#options;
    const now = this.usedAt = clock.now();
    if (this.#state === "idle" && now < this.#retryAt) {
      counts.framesDropped++;
      return;
    }
    const bytes = frame.head.length + frame.body.bytes.length;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > maxQueuedBytes) {
      counts.framesDropped++;
      if (this.#state === "writing" && now - this.#writingSince > writeTimeoutMs) {
        this.#lost(new Error(`The stream took nothing for ${writeTimeoutMs} ms`));
      } else this.#options.failed(new Error("The queue of the stream is full"));
      return;
    }
    this.#queue.push(frame);
    this.#queuedBytes += bytes;
    if (this.#state === "writing") {
      if (now - this.#writingSince > writeTimeoutMs) {
        this.#lost(new Error(`The stream took nothing for ${writeTimeoutMs} ms`));
      }
    } else if (this.#state === "idle") void this.#open();
    else if (this.#state === "open" && !this.#flushing) {
      this.#flushing = true;
      // What the same turn of the driver still sends travels along.
      queueMicrotask(() => {
        this.#flushing = false;
        if (this.#state === "open") void this.#write();
      });
    }
  }

  /** Drops what waits and resets the stream. */
  close(): void {
    if (this.#state === "closed") return;
    this.#drop();
    this.#state = "closed";
    this.#life.abort(new Error("The transport is closed"));
    this.#stream?.conn.abort(new Error("The transport is closed"));
  }

  async #open(): Promise<void> {
    this.#state = "opening";
    const life = this.#life;
    let stream: OpenStream;
    try {
      stream = await this.#options.open(life.signal);
    } catch (error) {
      if (this.#life === life) this.#lost(error);
      return;
    }
    if (life.signal.aborted) {
      stream.conn.abort(life.signal.reason);
      return;
    }
    this.#options.counts.streamsOpened++;
    if (stream.version !== MAX_VERSION) this.#drop(); // encoded in a version that the member does not speak
    this.#stream = stream;
    this.#state = "open";
    void this.#listen(stream);
    void this.#write();
  }

  /** Nothing is ever said on it: whatever comes is the end of the stream. */
  async #listen(stream: OpenStream): Promise<void> {
    let cause: unknown = new Error("The member ended the stream");
    try {
      if (await stream.reader.next() !== undefined) cause = new Error("The member spoke");
    } catch (error) {
      cause = error;
    }
    if (this.#stream === stream) this.#lost(cause);
  }

  async #write(): Promise<void> {
    const stream = this.#stream!;
    const { clock, counts } = this.#options;
    this.#state = "writing";
    try {
      while (this.#queue.length > 0) {
        const frames = this.#queue;
        const bytes = this.#queuedBytes;
        this.#queue = [];
        for (const write of writesOf(frames)) {
          this.#writingSince = clock.now();
          await stream.conn.write(write);
          if (this.#stream !== stream) return;
        }
        this.#queuedBytes -= bytes;
        counts.framesSent += frames.length;
        counts.bytesSent += bytes;
        this.#failures = 0;
      }
      this.#state = "open";
    } catch (error) {
      if (this.#stream === stream) this.#lost(error);
    }
  }

  #lost(error: unknown): void {
    if (this.#state === "closed") return;
    const { clock, random, counts, minBackoffMs, maxBackoffMs } = this.#options;
    this.#stream?.conn.abort(error);
    this.#stream = undefined;
    this.#life.abort(error); // ends an attempt to dial, too
    this.#life = new AbortController();
    this.#drop();
    this.#state = "idle";
    const pauseMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** this.#failures);
    this.#retryAt = clock.now() + pauseMs * (0.5 + random() / 2);
    this.#failures = Math.min(this.#failures + 1, 16);
    counts.streamsFailed++;
    this.#options.failed(error);
  }

  #drop(): void {
    this.#options.counts.framesDropped += this.#queue.length;
    this.#queue = [];
    this.#queuedBytes = 0;
  }
}
