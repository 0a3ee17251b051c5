/**
 * The frames of a stream between two members. Numbers lie lowest byte first.
 *
 * ```txt
 *  0  u8   magic 0xCE
 *  1  u8   wire version
 *  2  u8   type
 *  3  u8   flags of the type; unknown ones are refused
 *  4  u32  length of the head
 *  8  u32  length of the body
 * 12  u32  CRC-32 of the body
 * 16  u32  CRC-32 of bytes 0…16 and of the head
 * 20  head, then body
 * ```
 *
 * The body has a checksum of its own, so that a body which goes to many members is encoded and summed up once.
 *
 * @module
 */
import { readU32, writeU32 } from "./byte_writer.ts";
import { crc32 } from "./crc32.ts";
import { DecodeError } from "./decode_error.ts";

/** First byte of every frame. */
export const MAGIC = 0xce;
/** Bytes before the head. */
export const FRAME_HEADER_BYTES = 20;
/** The oldest wire version understood. */
export const MIN_VERSION = 1;
/** The newest. */
export const MAX_VERSION = 1;

/** Numbers of the frame types. Append-only. */
export const FrameType = {
  append: 1,
  appendReply: 2,
  heartbeat: 3,
  heartbeatReply: 4,
  vote: 5,
  voteReply: 6,
  timeoutNow: 7,
  snapshot: 8,
  readIndex: 9,
  readIndexReply: 10,
  propose: 16,
  proposeReply: 17,
  hello: 32,
  helloReply: 33,
  snapshotBegin: 40,
  snapshotChunk: 41,
  snapshotEnd: 42,
  snapshotReply: 43,
} as const;

/** A body that is encoded once and sent to many. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** No body. */
export const EMPTY_BODY: Body = Object.freeze({ bytes: new Uint8Array(0), crc: 0 });

/** Sums up a body. */
export function bodyOf(bytes: Uint8Array): Body {
  return bytes.length === 0 ? EMPTY_BODY : { bytes, crc: crc32(bytes) };
}

/** What a header says. */
export interface FrameHead {
  readonly version: number;
  readonly type: number;
  readonly flags: number;
}

/** One whole frame whose checksums match. `head` and `body` lie in the memory of the chunk that brought them. */
export interface Frame extends FrameHead {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/** Fills in the header of `bytes`, which hold header and head. The body is sent after them. */
export function sealFrame(
  bytes: Uint8Array,
  { version, type, flags }: FrameHead,
  body: Body,
): void {
  bytes[0] = MAGIC;
  bytes[1] = version;
  bytes[2] = type;
  bytes[3] = flags;
  writeU32(bytes, 4, bytes.length - FRAME_HEADER_BYTES);
  writeU32(bytes, 8, body.bytes.length);
  writeU32(bytes, 12, body.crc);
  writeU32(bytes, 16, headCrc(bytes, FRAME_HEADER_BYTES, bytes.length));
}

/** The CRC of a header and of its head, which lies at `bytes[start, end)`. */
function headCrc(bytes: Uint8Array, start: number, end: number): number {
  const header = crc32(bytes.subarray(0, 16));
  return end === start ? header : crc32(bytes.subarray(start, end), header);
}

/** Options of {@link FrameAssembler}. */
export interface FrameAssemblerOptions {
  /** Longest head accepted. @default {1048576} */
  readonly maxHeadBytes?: number;
  /** Longest body accepted. @default {67108864} */
  readonly maxBodyBytes?: number;
}

/** First allocation for a frame that arrives in pieces: it grows with the bytes that arrive, so what a header announces costs nothing. */
const FIRST_CAPACITY_BYTES = 4096;

/**
 * Cuts a byte stream into frames, whatever the chunk boundaries. Frames that lie in one chunk are not copied: the chunks belong to the
 * assembler. Takes time linear in the bytes.
 */
export class FrameAssembler {
  readonly #maxHeadBytes: number;
  readonly #maxBodyBytes: number;
  /** The beginning of a frame that is not whole. */
  #partial = new Uint8Array(0);
  #filled = 0;

  /** Creates an assembler for one stream. */
  constructor(options: FrameAssemblerOptions = {}) {
    this.#maxHeadBytes = options.maxHeadBytes ?? 1024 * 1024;
    this.#maxBodyBytes = options.maxBodyBytes ?? 64 * 1024 * 1024;
  }

  /** Whether the stream may end here. */
  get between(): boolean {
    return this.#filled === 0;
  }

  /**
   * Takes the next bytes and returns the frames that they complete.
   *
   * @throws {DecodeError} When they are no frames; discard the assembler and the stream.
   */
  push(chunk: Uint8Array): readonly Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (this.#filled > 0 && at < chunk.length) {
      const needed = this.#filled < FRAME_HEADER_BYTES
        ? FRAME_HEADER_BYTES
        : this.#frameLength(this.#partial, 0);
      const end = Math.min(chunk.length, at + needed - this.#filled);
      this.#fill(chunk.subarray(at, end), needed);
      at = end;
      if (this.#filled < FRAME_HEADER_BYTES) break;
      if (this.#filled === this.#frameLength(this.#partial, 0)) {
        frames.push(readFrame(this.#partial, 0));
        this.#partial = new Uint8Array(0);
        this.#filled = 0;
      }
    }
    while (at < chunk.length) {
      const left = chunk.length - at;
      if (left < FRAME_HEADER_BYTES || left < this.#frameLength(chunk, at)) {
        if (chunk[at] !== MAGIC) throw new DecodeError("it begins with another magic", 0);
        this.#fill(chunk.subarray(at), left);
        break;
      }
      const frame = readFrame(chunk, at);
      frames.push(frame);
      at += FRAME_HEADER_BYTES + frame.head.length + frame.body.length;
    }
    return frames;
  }

  #frameLength(bytes: Uint8Array, at: number): number {
    if (bytes[at] !== MAGIC) throw new DecodeError("it begins with another magic", 0);
    const head = readU32(bytes, at + 4);
    const body = readU32(bytes, at + 8);
    if (head > this.#maxHeadBytes) {
      throw new DecodeError(
        `its head must have at most ${this.#maxHeadBytes} bytes: current value is ${head}`,
        4,
        "limit",
      );
    }
    if (body > this.#maxBodyBytes) {
      throw new DecodeError(
        `its body must have at most ${this.#maxBodyBytes} bytes: current value is ${body}`,
        8,
        "limit",
      );
    }
    return FRAME_HEADER_BYTES + head + body;
  }

  #fill(bytes: Uint8Array, needed: number): void {
    const filled = this.#filled + bytes.length;
    if (filled > this.#partial.length) {
      const capacity = Math.max(
        filled,
        Math.min(needed, Math.max(this.#partial.length * 2, FIRST_CAPACITY_BYTES)),
      );
      const grown = new Uint8Array(capacity);
      grown.set(this.#partial.subarray(0, this.#filled));
      this.#partial = grown;
    }
    this.#partial.set(bytes, this.#filled);
    this.#filled = filled;
  }
}

/** Checks and cuts one whole frame. */
function readFrame(bytes: Uint8Array, at: number): Frame {
  const start = at + FRAME_HEADER_BYTES;
  const middle = start + readU32(bytes, at + 4);
  const end = middle + readU32(bytes, at + 8);
  const head = bytes.subarray(start, middle);
  const body = bytes.subarray(middle, end);
  const header = crc32(bytes.subarray(at, at + 16));
  const expected = head.length === 0 ? header : crc32(head, header);
  if (readU32(bytes, at + 16) !== expected) {
    throw new DecodeError("the checksum of its head is wrong", 16, "crc");
  }
  if (readU32(bytes, at + 12) !== (body.length === 0 ? 0 : crc32(body))) {
    throw new DecodeError("the checksum of its body is wrong", 12, "crc");
  }
  return { version: bytes[at + 1]!, type: bytes[at + 2]!, flags: bytes[at + 3]!, head, body };
}
