const encoder = new TextEncoder();

/** Writes numbers (lowest byte first) and texts into bytes that grow as needed. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #at: number;

  /** Begins with room for `capacity` bytes, of which the first `skipped` are left for a header. */
  constructor(capacity = 128, skipped = 0) {
    this.#bytes = new Uint8Array(capacity);
    this.#at = skipped;
  }

  /** Bytes written, the skipped ones included. */
  get length(): number {
    return this.#at;
  }

  /** What was written. The writer is not to be used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  /** One byte. */
  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** Four bytes. */
  u32(value: number): void {
    this.#reserve(4);
    writeU32(this.#bytes, this.#at, value);
    this.#at += 4;
  }

  /** Eight bytes: a number from 0 to 2^53 − 1. */
  u64(value: number): void {
    this.#reserve(8);
    writeU64(this.#bytes, this.#at, value);
    this.#at += 8;
  }

  /** A text after its length in bytes, of at most 65535 bytes. */
  string(text: string): void {
    const bytes = encoder.encode(text);
    if (bytes.length > 0xffff) {
      throw new RangeError(
        `Cannot encode a text as it must have at most 65535 bytes: current value is ${bytes.length}`,
      );
    }
    this.#reserve(2 + bytes.length);
    this.#bytes[this.#at++] = bytes.length;
    this.#bytes[this.#at++] = bytes.length >>> 8;
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}

/** Writes four bytes, the lowest first. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Writes a safe integer as eight bytes, the lowest first. */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value >>> 0);
  writeU32(bytes, at + 4, value / 0x1_0000_0000);
}

/** Reads four bytes, the lowest first. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
}
