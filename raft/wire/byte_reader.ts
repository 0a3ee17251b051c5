import { readU32 } from "./byte_writer.ts";
import { DecodeError, type DecodeReason } from "./decode_error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads numbers and texts out of bytes. Every method throws a {@link DecodeError} when they are not there. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** Reads `bytes[start, end)`. */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Where it reads next. */
  get at(): number {
    return this.#at;
  }

  /** Bytes left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Refuses what was read. */
  fail(what: string, reason: DecodeReason = "decode"): never {
    throw new DecodeError(what, this.#at, reason);
  }

  /** Refuses bytes that nobody asked for. */
  done(): void {
    if (this.#at !== this.#end) this.fail("it is longer than what it holds");
  }

  /** One byte. */
  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  /** Four bytes. */
  u32(): number {
    this.#need(4);
    this.#at += 4;
    return readU32(this.#bytes, this.#at - 4);
  }

  /** Eight bytes: a number from 0 to 2^53 − 1. */
  u64(): number {
    this.#need(8);
    const high = readU32(this.#bytes, this.#at + 4);
    if (high > 0x1f_ffff) this.fail("a number exceeds 2^53 - 1", "limit");
    this.#at += 8;
    return high * 0x1_0000_0000 + readU32(this.#bytes, this.#at - 8);
  }

  /** A text of at most `maxBytes` bytes of UTF-8. */
  string(maxBytes: number): string {
    this.#need(2);
    const length = this.#bytes[this.#at]! | this.#bytes[this.#at + 1]! << 8;
    if (length > maxBytes) {
      this.fail(`a text must have at most ${maxBytes} bytes: current value is ${length}`, "limit");
    }
    this.#at += 2;
    const bytes = this.raw(length);
    try {
      return decoder.decode(bytes);
    } catch {
      return this.fail("a text is not UTF-8");
    }
  }

  /** A node's name: 1 to 255 bytes. */
  nodeId(): string {
    const id = this.string(255);
    if (id === "") this.fail("a node id is empty");
    return id;
  }

  /** The next `length` bytes, in the memory of the frame. */
  raw(length: number): Uint8Array {
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #need(count: number): void {
    if (this.#at + count > this.#end) this.fail("it is truncated");
  }
}
