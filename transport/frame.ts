/**
 * ckit's frames: how packets and stream bytes lie in an HTTP body. `CC` + uint16 length, or `CD` + uint32 length, then that many bytes;
 * lengths are big-endian.
 *
 * @module
 */

const SMALL = 0xcc;
const LARGE = 0xcd;
const SMALL_HEADER_BYTES = 3;
const LARGE_HEADER_BYTES = 5;
const SMALL_MAX_BYTES = 0xffff;
const LARGE_MAX_BYTES = 0xffff_ffff;

/** First allocation for a frame that arrives in pieces; it doubles as bytes arrive, so an announced length costs nothing. */
const FIRST_CAPACITY_BYTES = 4096;

/**
 * Frames one payload: `CC` form up to 65535 bytes, `CD` form above, as ckit's readers demand.
 *
 * @example Usage
 * ```ts
 * import { encodeFrame } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(encodeFrame(Uint8Array.of(7)), Uint8Array.of(0xcc, 0, 1, 7));
 * ```
 *
 * @param payload Any bytes, also none; copied.
 * @returns Header and payload in one array.
 * @throws {RangeError} When the payload is longer than 2³²−1 bytes.
 */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  const length = payload.length;
  if (length > LARGE_MAX_BYTES) {
    throw new RangeError(
      `Cannot frame a payload as its length must be at most ${LARGE_MAX_BYTES} bytes: current value is ${length}`,
    );
  }
  const small = length <= SMALL_MAX_BYTES;
  const headerBytes = small ? SMALL_HEADER_BYTES : LARGE_HEADER_BYTES;
  const frame = new Uint8Array(headerBytes + length);
  frame[0] = small ? SMALL : LARGE;
  if (!small) {
    frame[1] = length >>> 24;
    frame[2] = length >>> 16;
  }
  frame[headerBytes - 2] = length >>> 8;
  frame[headerBytes - 1] = length;
  frame.set(payload, headerBytes);
  return frame;
}

/** Options of {@link FrameReader}. */
export interface FrameReaderOptions {
  /** Longest payload accepted, bytes, 0…2³²−1. ckit may send packets of 10 MiB and a little; 32 MiB for packets and 64 MiB for streams are safe choices. */
  readonly maxFrameBytes: number;
}

/**
 * Cuts the bytes of one HTTP body into payloads, whatever the chunk boundaries. Takes time linear in the bytes, and memory for the
 * bytes that arrived, never for what a header announces.
 *
 * @example Usage
 * ```ts
 * import { FrameReader } from "@ck/cluster/transport";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const reader = new FrameReader({ maxFrameBytes: 1024 });
 * assertEquals(reader.push(Uint8Array.of(0xcc, 0, 2, 1)), []);
 * assertEquals(reader.push(Uint8Array.of(2, 0xcc, 0, 0)), [Uint8Array.of(1, 2), new Uint8Array()]);
 * assert(reader.end());
 * ```
 */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #header = new Uint8Array(LARGE_HEADER_BYTES);
  #headerFilled = 0;
  /** Length of the payload under way; −1 while the header is incomplete. */
  #length = -1;
  #payload = new Uint8Array(0);
  #payloadFilled = 0;
  #failure: RangeError | SyntaxError | undefined;

  /**
   * Creates a reader for one body.
   *
   * @throws {RangeError} When the cap is no integer from 0 to 2³²−1.
   */
  constructor({ maxFrameBytes }: FrameReaderOptions) {
    if (!Number.isInteger(maxFrameBytes) || maxFrameBytes < 0 || maxFrameBytes > LARGE_MAX_BYTES) {
      throw new RangeError(
        `Cannot read frames as 'maxFrameBytes' must be an integer from 0 to ${LARGE_MAX_BYTES}: current value is ${maxFrameBytes}`,
      );
    }
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Why the body is malformed; `undefined` as long as it is not. Set by {@link push}, for good. */
  get failure(): RangeError | SyntaxError | undefined {
    return this.#failure;
  }

  /**
   * Takes the next bytes of the body.
   *
   * Payloads that were complete before a malformed header still count: they are returned, {@link failure} is set, and the next call throws.
   *
   * @param chunk Any number of bytes; not kept.
   * @returns The payloads completed by this chunk, in order, each in memory of its own.
   * @throws {RangeError} When a frame announces more than the cap; discard the reader.
   * @throws {SyntaxError} When a frame begins with neither `CC` nor `CD`; discard the reader.
   */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    if (this.#failure !== undefined) throw this.#failure;
    const payloads: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#length < 0) {
        at = this.#readHeader(chunk, at);
        if (this.#failure !== undefined) {
          if (payloads.length === 0) throw this.#failure;
          return payloads;
        }
        // An empty payload is complete with its header, even at the end of the chunk.
        if (this.#length === 0) payloads.push(this.#take());
        continue;
      }
      const missing = this.#length - this.#payloadFilled;
      const end = Math.min(chunk.length, at + missing);
      if (this.#payloadFilled === 0 && end - at === missing) {
        this.#payload = chunk.slice(at, end);
        this.#payloadFilled = missing;
      } else {
        this.#append(chunk.subarray(at, end));
      }
      at = end;
      if (this.#payloadFilled === this.#length) payloads.push(this.#take());
    }
    return payloads;
  }

  /**
   * Whether the body may end here: between frames, or where ckit's own reader takes an end for a clean one and drops the rest without
   * a word (a header without any of its payload, and `CD` with exactly two length bytes).
   */
  end(): boolean {
    if (this.#failure !== undefined) return false;
    if (this.#length >= 0) return this.#payloadFilled === 0;
    return this.#headerFilled === 0 || this.#headerFilled === SMALL_HEADER_BYTES;
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    const header = this.#header;
    let at = from;
    while (at < chunk.length) {
      header[this.#headerFilled++] = chunk[at++]!;
      const kind = header[0]!;
      if (kind !== SMALL && kind !== LARGE) {
        this.#failure = new SyntaxError(
          `Cannot read a frame as its first byte must be 0xcc or 0xcd: current value is 0x${
            kind.toString(16).padStart(2, "0")
          }`,
        );
        return at;
      }
      if (kind === SMALL && this.#headerFilled === SMALL_HEADER_BYTES) {
        this.#length = header[1]! << 8 | header[2]!;
        break;
      }
      if (kind === LARGE && this.#headerFilled === LARGE_HEADER_BYTES) {
        this.#length = (header[1]! << 24 | header[2]! << 16 | header[3]! << 8 | header[4]!) >>> 0;
        break;
      }
    }
    if (this.#length > this.#maxFrameBytes) {
      this.#failure = new RangeError(
        `Cannot read a frame as its length must be at most ${this.#maxFrameBytes} bytes: current value is ${this.#length}`,
      );
    }
    return at;
  }

  #append(bytes: Uint8Array): void {
    const filled = this.#payloadFilled + bytes.length;
    if (filled > this.#payload.length) {
      const capacity = Math.min(
        this.#length,
        Math.max(filled, this.#payload.length * 2, FIRST_CAPACITY_BYTES),
      );
      const grown = new Uint8Array(capacity);
      grown.set(this.#payload.subarray(0, this.#payloadFilled));
      this.#payload = grown;
    }
    this.#payload.set(bytes, this.#payloadFilled);
    this.#payloadFilled = filled;
  }

  #take(): Uint8Array {
    const payload = this.#payload;
    this.#payload = new Uint8Array(0);
    this.#payloadFilled = 0;
    this.#length = -1;
    this.#headerFilled = 0;
    return payload;
  }
}
