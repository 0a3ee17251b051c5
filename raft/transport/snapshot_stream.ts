/**
 * A snapshot on its way, both ends.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { NodeId } from "../entry.ts";
import type { SnapshotSink, SnapshotSource } from "../log_store.ts";
import type { SnapshotMessage } from "../message.ts";
import { EMPTY_BODY } from "../wire/frame.ts";
import {
  decodeSnapshotBegin,
  decodeSnapshotPart,
  decodeSnapshotReply,
  encodeSnapshotBegin,
  encodeSnapshotChunk,
  encodeSnapshotEnd,
  encodeSnapshotReply,
  type SnapshotReply,
} from "../wire/snapshot_codec.ts";
import { Watchdog, writesOf } from "./frames.ts";
import type { OpenStream } from "./open_stream.ts";

/** Longest chunk on the wire. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Bytes that the receiver has not said to have written. An HTTP/2 session has one window for all its streams, 1 MiB on the smallest; a
 * receiver with a slow disk must not use it up, or heartbeats would wait.
 */
const WINDOW_BYTES = 512 * 1024;

/** How often the receiver says how far it is. */
const ACKNOWLEDGED_BYTES = 128 * 1024;

/** Times that both ends keep to. */
export interface SnapshotTimes {
  readonly clock: Clock;
  /** How long the other end may be silent, or take nothing. */
  readonly silenceTimeoutMs: number;
  /** How long the receiver may take to make the whole durable. */
  readonly installTimeoutMs: number;
}

/** Options of {@link sendSnapshot}. */
export interface SendSnapshotOptions extends SnapshotTimes {
  readonly message: SnapshotMessage;
  /** Reads the state from an offset. */
  readonly read: (offset: number) => Promise<SnapshotSource>;
  /** Most bytes a second; `Infinity`: no limit. */
  readonly maxBytesPerSecond: number;
  /** Told of bytes of state written. */
  readonly onSent?: (bytes: number) => void;
}

/**
 * Sends a snapshot on an open stream and ends the stream. Resolves once the receiver holds all of it durably.
 *
 * @throws {Error} When it does not. What was sent may serve another try.
 */
export async function sendSnapshot(
  stream: OpenStream,
  options: SendSnapshotOptions,
): Promise<void> {
  const { conn, version } = stream;
  const { clock, message, silenceTimeoutMs, installTimeoutMs, onSent } = options;
  const watchdog = new Watchdog(
    clock,
    silenceTimeoutMs,
    () => conn.abort(new Error(`The receiver was silent for ${silenceTimeoutMs} ms`)),
  );
  const receiver = new Receiver(stream, () => watchdog.feed());
  let source: SnapshotSource | undefined;
  try {
    source = await options.read(0);
    const { digest } = source;
    await conn.write(encodeSnapshotBegin({ message, ...digest }, version));
    let sent = await receiver.offset();
    if (sent === undefined) return; // it holds it already
    if (sent > 0) {
      await source.close();
      source = await options.read(Math.min(sent, digest.sizeBytes));
    }
    const pace = new Pace(clock, options.maxBytesPerSecond);
    for await (const whole of source) {
      for (let at = 0; at < whole.length; at += CHUNK_BYTES) {
        const bytes = whole.subarray(at, at + CHUNK_BYTES);
        await receiver.room(sent + bytes.length);
        for (const write of writesOf([encodeSnapshotChunk(bytes, version)])) {
          await conn.write(write);
        }
        watchdog.feed();
        sent += bytes.length;
        onSent?.(bytes.length);
        await pace.spend(bytes.length);
        watchdog.feed();
      }
    }
    watchdog.stop();
    await conn.write(encodeSnapshotEnd(version));
    const patience = new Watchdog(
      clock,
      installTimeoutMs,
      () => conn.abort(new Error(`The receiver was not done within ${installTimeoutMs} ms`)),
    );
    await receiver.installed.finally(() => patience.stop());
  } catch (error) {
    // A receiver that refuses stops reading: its answer says more than the write that failed.
    throw receiver.refusal ?? error;
  } finally {
    watchdog.stop();
    await source?.close();
    conn.abort();
  }
}

/** What the other end says while a snapshot is sent to it. */
class Receiver {
  /** Resolves once it holds all of it durably; rejects when it will not. */
  readonly installed: Promise<void>;
  /** Why it will not. */
  refusal: Error | undefined;
  readonly #begun = Promise.withResolvers<number | undefined>();
  #acknowledged = 0;
  #wake: PromiseWithResolvers<void> | undefined;

  constructor(stream: OpenStream, heard: () => void) {
    this.installed = this.#listen(stream, heard);
    this.installed.then(() => this.#begun.resolve(undefined), (error) => {
      this.refusal = error;
      this.#begun.reject(error);
      this.#wake?.resolve();
    });
    this.#begun.promise.catch(() => {}); // a failure to write may come first
  }

  /** Where to begin; `undefined` when it holds all of it already. */
  offset(): Promise<number | undefined> {
    return this.#begun.promise;
  }

  /** Waits until so much may be under way. @throws {Error} When it refuses. */
  async room(offset: number): Promise<void> {
    while (this.refusal === undefined && offset - this.#acknowledged > WINDOW_BYTES) {
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
    if (this.refusal !== undefined) throw this.refusal;
  }

  async #listen({ reader, version }: OpenStream, heard: () => void): Promise<void> {
    for (;;) {
      const frame = await reader.next();
      if (frame === undefined) throw new Error("The receiver hung up");
      const reply = decodeSnapshotReply(frame, version);
      heard();
      if (reply.type === "installed") return;
      if (reply.type === "refused") throw new Error(`The receiver refused: ${reply.detail}`);
      this.#acknowledged = reply.offset;
      this.#begun.resolve(reply.offset);
      this.#wake?.resolve();
    }
  }
}

/** Where a received snapshot goes. */
export type SnapshotIntake =
  /** Write it here; `taken` once it is durable. */
  | { readonly type: "sink"; readonly sink: SnapshotSink }
  /** It is not needed: what it holds is here already. */
  | { readonly type: "held" }
  /** Not now. */
  | { readonly type: "refused"; readonly detail: string };

/** Options of {@link receiveSnapshot}. */
export interface ReceiveSnapshotOptions extends SnapshotTimes {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Decides where it goes. */
  readonly begin: (message: SnapshotMessage) => Promise<SnapshotIntake>;
  /** It is durable. */
  readonly taken: (message: SnapshotMessage) => void;
  /** Told of bytes of state received. */
  readonly onReceived?: (bytes: number) => void;
}

/**
 * Takes a snapshot from an accepted stream, and ends the stream.
 *
 * @returns Why it did not arrive as a whole, when it did not; what arrived is kept for another try.
 * @throws {Error} When the sender did not even say what it sends.
 */
export async function receiveSnapshot(
  { conn, reader, version }: OpenStream,
  options: ReceiveSnapshotOptions,
): Promise<Error | undefined> {
  const { from, to, silenceTimeoutMs } = options;
  const reply = async (one: SnapshotReply) => {
    const head = encodeSnapshotReply(one, version);
    for (const write of writesOf([{ head, body: EMPTY_BODY }])) await conn.write(write);
  };
  conn.setReadDeadline(silenceTimeoutMs);
  const frame = await reader.next();
  if (frame === undefined) throw new Error("The sender hung up");
  const { message, sizeBytes, sha256 } = decodeSnapshotBegin(frame, { from, to, version });
  const intake = await options.begin(message);
  if (intake.type !== "sink") {
    if (intake.type === "held") options.taken(message);
    await reply(intake.type === "held" ? { type: "installed" } : intake);
    await conn.close();
    return undefined;
  }
  const { sink } = intake;
  let whole = false;
  let acknowledged = sink.offset;
  try {
    await reply({ type: "goOn", offset: acknowledged });
    while (!whole) {
      conn.setReadDeadline(silenceTimeoutMs);
      const frames = await reader.batch();
      if (frames === undefined) throw new Error("The sender hung up");
      for (const one of frames) {
        const part = decodeSnapshotPart(one, version);
        if (whole) throw new Error("The sender went on after the end");
        if (part.type === "end") {
          whole = true;
          continue;
        }
        if (sink.offset + part.bytes.length > sizeBytes) {
          throw new Error("The sender sent more than it announced");
        }
        await sink.write(part.bytes);
        options.onReceived?.(part.bytes.length);
        if (sink.offset - acknowledged >= ACKNOWLEDGED_BYTES) {
          acknowledged = sink.offset;
          await reply({ type: "goOn", offset: acknowledged });
        }
      }
    }
    conn.setReadDeadline(undefined);
    await sink.commit({ sizeBytes, sha256 });
  } catch (error) {
    if (whole) await sink.abort();
    else await sink.suspend();
    const detail = error instanceof Error ? error.message : String(error);
    await reply({ type: "refused", detail }).catch(() => {});
    await conn.close();
    return error instanceof Error ? error : new Error(detail);
  }
  options.taken(message);
  await reply({ type: "installed" });
  await conn.close();
  return undefined;
}

/** Keeps to a rate, in strides long enough for timers. */
class Pace {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  #from: number;
  #spent = 0;

  constructor(clock: Clock, maxBytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = maxBytesPerSecond / 1_000;
    this.#from = clock.now();
  }

  /** Waits until so many bytes were allowed. */
  async spend(bytes: number): Promise<void> {
    this.#spent += bytes;
    const aheadMs = this.#from + this.#spent / this.#bytesPerMs - this.#clock.now();
    if (aheadMs < 10) {
      // Time that was not used is not saved up for a burst.
      if (aheadMs < -100) {
        this.#from = this.#clock.now();
        this.#spent = 0;
      }
      return;
    }
    await new Promise<void>((resolve) => void this.#clock.setTimer(aheadMs, resolve));
  }
}
