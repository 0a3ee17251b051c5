/**
 * Frames over a connection.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import { type Conn, ConnResetError } from "../../transport/transport.ts";
import { type Frame, FrameAssembler, type FrameAssemblerOptions } from "../wire/frame.ts";
import type { OutgoingFrame } from "../wire/messages_codec.ts";

/** Reads frames. */
export class FrameReader {
  readonly #conn: Conn;
  readonly #assembler: FrameAssembler;
  #waiting: readonly Frame[] = [];
  #next = 0;

  /** Begins to read a connection. */
  constructor(conn: Conn, options: FrameAssemblerOptions = {}) {
    this.#conn = conn;
    this.#assembler = new FrameAssembler(options);
  }

  /**
   * The frames that have arrived, at least one; `undefined` at the end.
   *
   * @throws {DecodeError} When they are no frames.
   * @throws {ConnResetError} When the stream was reset, or ended inside a frame.
   */
  async batch(): Promise<readonly Frame[] | undefined> {
    if (this.#next < this.#waiting.length) {
      const rest = this.#waiting.slice(this.#next);
      this.#waiting = [];
      this.#next = 0;
      return rest;
    }
    for (;;) {
      const chunk = await this.#conn.read();
      if (chunk === undefined) {
        if (this.#assembler.between) return undefined;
        throw new ConnResetError("The stream ended inside a frame");
      }
      const frames = this.#assembler.push(chunk);
      if (frames.length > 0) return frames;
    }
  }

  /** The next frame; `undefined` at the end. Throws as {@link batch}. */
  async next(): Promise<Frame | undefined> {
    if (this.#next === this.#waiting.length) {
      this.#waiting = await this.batch() ?? [];
      this.#next = 0;
    }
    return this.#waiting[this.#next++];
  }
}

/** Longest piece of a frame that is copied to travel with its neighbours, and longest single write. */
const COALESCED_BYTES = 32 * 1024;
const WRITE_BYTES = 256 * 1024;

/**
 * Cuts frames into writes: small ones join, large bodies are neither copied nor written in one piece.
 *
 * @param frames Whole frames, in order.
 */
export function* writesOf(frames: Iterable<OutgoingFrame>): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const joined = (): Uint8Array => {
    if (small.length === 1) return small[0]!;
    const bytes = new Uint8Array(smallBytes);
    let at = 0;
    for (const piece of small) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  };
  for (const { head, body } of frames) {
    for (const piece of [head, body.bytes]) {
      if (piece.length === 0) continue;
      const large = piece.length > COALESCED_BYTES;
      if (smallBytes > 0 && (large || smallBytes + piece.length > WRITE_BYTES)) {
        yield joined();
        small = [];
        smallBytes = 0;
      }
      if (large) {
        for (let at = 0; at < piece.length; at += WRITE_BYTES) {
          yield piece.subarray(at, at + WRITE_BYTES);
        }
      } else {
        small.push(piece);
        smallBytes += piece.length;
      }
    }
  }
  if (smallBytes > 0) yield joined();
}

/** Calls `late` when nothing happened for `afterMs`. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #late: () => void;
  #fedAt: number;
  #cancel: () => void = () => {};

  /** Begins to watch. */
  constructor(clock: Clock, afterMs: number, late: () => void) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#late = late;
    this.#fedAt = clock.now();
    this.#arm(afterMs);
  }

  /** Something happened. */
  feed(): void {
    this.#fedAt = this.#clock.now();
  }

  /** Ends the watch. */
  stop(): void {
    this.#cancel();
  }

  #arm(afterMs: number): void {
    this.#cancel = this.#clock.setTimer(afterMs, () => {
      const left = this.#fedAt + this.#afterMs - this.#clock.now();
      if (left > 0) this.#arm(left);
      else this.#late();
    });
  }
}
