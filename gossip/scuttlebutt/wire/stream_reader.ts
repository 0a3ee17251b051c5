import type { MessageReader } from "../../strategy.ts";
import { ByteReader } from "./byte_reader.ts";
import { MAX_FRAME_BYTES, MAX_LABEL_BYTES } from "./codec.ts";
import { DecodeError } from "./decode_error.ts";
import { MAGIC, MessageType, SCUTTLEBUTT, WIRE_VERSION } from "./frame.ts";
import { HEADER_BYTES } from "./lengths.ts";
import { readPrefix } from "./body.ts";

/** Bytes of the longest length before a frame. */
const MAX_LENGTH_BYTES = 3;

/** Options of {@link StreamReader}. */
export interface StreamReaderOptions {
  /** Bytes that a peer may make this node hold. */
  readonly maxStreamBytes: number;
}

/**
 * Finds the end of a request or reply while its bytes arrive. Every byte is copied at most twice and every frame looked at once, however
 * the stream is cut. What can never become a message ends at once, for the decoder to say why.
 */
export class StreamReader implements MessageReader {
  readonly #options: StreamReaderOptions;
  #buffer = new Uint8Array(1024);
  #length = 0;
  #frameAt = 0;
  #done = false;

  /** Creates a reader for one stream. */
  constructor(options: StreamReaderOptions) {
    this.#options = options;
  }

  /** See {@link MessageReader.bytes}. */
  get bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#done ? this.#frameAt : this.#length);
  }

  /** See {@link MessageReader.push}. */
  push(chunk: Uint8Array): boolean {
    if (this.#done) return true;
    this.#append(chunk);
    while (!this.#done) {
      const end = this.#frameEnd();
      if (end === undefined || end > this.#length) break;
    }
    if (!this.#done && this.#length > this.#options.maxStreamBytes) {
      throw new RangeError(
        `Cannot read a stream as a message must have at most ${this.#options.maxStreamBytes} bytes`,
      );
    }
    return this.#done;
  }

  /** Moves over the frame under way when it is complete; where it ends, as far as that is known. */
  #frameEnd(): number | undefined {
    let length = 0;
    let at = this.#frameAt;
    for (let shift = 0;; shift += 7, at++) {
      if (at >= this.#length) return undefined;
      if (at - this.#frameAt >= MAX_LENGTH_BYTES) return this.#refuse();
      length |= (this.#buffer[at]! & 0x7f) << shift;
      if (this.#buffer[at]! < 0x80) break;
    }
    at++;
    if (length < HEADER_BYTES || length > MAX_FRAME_BYTES) return this.#refuse();
    const end = at + length;
    const seen = this.#buffer.subarray(at, Math.min(end, this.#length));
    if (!isOurs(seen)) return this.#refuse();
    if (end > this.#length) return end;
    this.#frameAt = end;
    this.#done = isLast(seen);
    return end;
  }

  /** Ends with all that arrived. */
  #refuse(): undefined {
    this.#frameAt = this.#length;
    this.#done = true;
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }
}

/** Whether what was seen of a frame may be one of ours. */
function isOurs(seen: Uint8Array): boolean {
  const header = [MAGIC, WIRE_VERSION, SCUTTLEBUTT];
  return header.every((byte, i) => i >= seen.length || seen[i] === byte);
}

function isLast(frame: Uint8Array): boolean {
  const type = frame[3];
  const goesOn = type === MessageType.join || type === MessageType.joinReply ||
    type === MessageType.leave;
  if (!goesOn) return true;
  try {
    const reader = new ByteReader(frame, HEADER_BYTES);
    readPrefix(reader);
    reader.string(MAX_LABEL_BYTES);
    return (reader.u8() & 1) === 1;
  } catch (error) {
    if (error instanceof DecodeError) return true;
    throw error;
  }
}
