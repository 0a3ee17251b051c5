import { DecodeError, type DecodeReason } from "./decode_error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads numbers and texts out of bytes. Every method throws a {@link DecodeError} when they are not there. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #end: number;
  #at: number;

  /** Begins at `start`. */
  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = bytes.length;
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
  fail(message: string, reason: DecodeReason = "decode", offset = this.#at): never {
    throw new DecodeError(`Cannot decode a frame as ${message}`, { offset, reason });
  }

  /** One byte. */
  u8(): number {
    if (this.#at >= this.#end) this.fail("it is truncated");
    return this.#bytes[this.#at++]!;
  }

  /** Bits of which only those in `known` may be set. */
  flags(known: number): number {
    const flags = this.u8();
    if ((flags & ~known) !== 0) {
      this.fail(`a flag is unknown: current value is ${flags}`, "decode", this.#at - 1);
    }
    return flags;
  }

  /** A number from 0 to 2^53 − 1 in its shortest form. */
  varint(): number {
    const begin = this.#at;
    let value = 0;
    let factor = 1;
    for (let length = 1; length <= 8; length++) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
      if (byte >= 0x80) continue;
      if (byte === 0 && length > 1) this.fail("a number is overlong", "decode", begin);
      if (value > Number.MAX_SAFE_INTEGER) this.fail("a number is too large", "decode", begin);
      return value;
    }
    return this.fail("a number is too long", "decode", begin);
  }

  /** A text of at most `maxBytes` bytes of UTF-8. */
  string(maxBytes: number): string {
    const begin = this.#at;
    const length = this.varint();
    if (length > this.left) this.fail("a text is truncated", "decode", begin);
    if (length > maxBytes) {
      this.fail(
        `a text must have at most ${maxBytes} bytes: current value is ${length}`,
        "limit",
        begin,
      );
    }
    const start = this.#at;
    this.#at += length;
    if (length < 64) {
      let text = "";
      let i = start;
      for (; i < this.#at; i++) {
        const byte = this.#bytes[i]!;
        if (byte > 0x7f) break;
        text += String.fromCharCode(byte);
      }
      if (i === this.#at) return text;
    }
    try {
      return decoder.decode(this.#bytes.subarray(start, this.#at));
    } catch {
      return this.fail("a text is not UTF-8", "decode", begin);
    }
  }

  /** A text that names something: not empty, at most 255 bytes, no NUL. */
  name(): string {
    const begin = this.#at;
    const text = this.string(255);
    if (text === "" || text.includes("\0")) {
      this.fail("a name is empty or holds NUL", "decode", begin);
    }
    return text;
  }

  /** The next `length` bytes. */
  raw(length: number): Uint8Array {
    if (length > this.left) this.fail("it is truncated");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Reads a section of `length` bytes with `read`, which must use it up. */
  section<T>(length: number, read: () => T): T {
    if (length > this.left) this.fail("a section is truncated");
    const end = this.#end;
    this.#end = this.#at + length;
    const value = read();
    if (this.left > 0) this.fail("a section is longer than what it holds");
    this.#end = end;
    return value;
  }
}
