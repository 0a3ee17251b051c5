const encoder = new TextEncoder();

/** Writes numbers and texts into bytes that grow as needed. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  /** Begins with room for `capacity` bytes. */
  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written. */
  get length(): number {
    return this.#at;
  }

  /** What was written. The writer is not to be used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.length === this.#at ? this.#bytes : this.#bytes.slice(0, this.#at);
  }

  /** The buffer, for what is filled in later. Valid until the next write. */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  /** One byte. */
  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** Four bytes, the highest first. */
  u32(value: number): void {
    this.#reserve(4);
    for (let shift = 24; shift >= 0; shift -= 8) this.#bytes[this.#at++] = value >>> shift;
  }

  /** A number from 0 to 2^53 − 1: seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
      this.#bytes[this.#at++] = 0x80 | (rest % 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  /** A text after its length in bytes. */
  string(text: string): void {
    // Names are short and ASCII: a loop beats the native encoder's call there.
    if (text.length < 64) {
      this.#reserve(text.length + 1);
      const begin = this.#at;
      this.#bytes[this.#at++] = text.length;
      let i = 0;
      for (; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) break;
        this.#bytes[this.#at++] = unit;
      }
      if (i === text.length) return;
      this.#at = begin;
    }
    this.bytes(encoder.encode(text));
  }

  /** Bytes after their number. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
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
