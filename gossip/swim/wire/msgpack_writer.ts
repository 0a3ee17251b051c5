import { encodeUtf8 } from "./utf8.ts";

/**
 * Writes msgpack as go-msgpack does with its zero settings: the old format, without str8 and bin; texts and bytes share the raw family.
 *
 * Appends to one growing array. Fields of Go's `int` go through {@link int}, unsigned ones through {@link uint}: they differ above 127.
 */
export class MsgpackWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** Creates a writer with room for `capacityBytes`; it grows by itself. */
  constructor(capacityBytes = 128) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  /** Bytes written. */
  get length(): number {
    return this.#length;
  }

  /** What was written, and nothing can be after it: where the capacity was exact it is handed over, else copied. */
  finish(): Uint8Array {
    const bytes = this.#bytes;
    if (this.#length < bytes.length) return bytes.slice(0, this.#length);
    this.#bytes = FINISHED;
    this.#length = 0;
    return bytes;
  }

  /** One byte as it is. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** Bytes as they are, without a header. */
  verbatim(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Nil: a nil slice in Go. */
  nil(): void {
    this.byte(0xc0);
  }

  /** True or false. */
  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** The start of a map with `size` entries. */
  mapHeader(size: number): void {
    if (size <= 15) this.byte(0x80 | size);
    else if (size <= 0xffff) this.#head(0xde, size, 2);
    else this.#head(0xdf, size, 4);
  }

  /** The start of an array with `size` items. */
  arrayHeader(size: number): void {
    if (size <= 15) this.byte(0x90 | size);
    else if (size <= 0xffff) this.#head(0xdc, size, 2);
    else this.#head(0xdd, size, 4);
  }

  /**
   * An unsigned integer, in the smallest form.
   *
   * @throws {RangeError} Unless an integer from 0 to 2⁵³−1; discard the writer.
   */
  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw outside("an unsigned integer", value);
    if (value <= 0x7f) this.byte(value);
    else if (value <= 0xff) this.#head(0xcc, value, 1);
    else if (value <= 0xffff) this.#head(0xcd, value, 2);
    else if (value <= 0xffff_ffff) this.#head(0xce, value, 4);
    else this.#head64(0xcf, BigInt(value));
  }

  /**
   * An unsigned 64-bit integer, in the smallest form.
   *
   * @throws {RangeError} Unless from 0 to 2⁶⁴−1; discard the writer.
   */
  uint64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw outside("a uint64", value);
    if (value <= 0xffff_ffffn) this.uint(Number(value));
    else this.#head64(0xcf, value);
  }

  /**
   * A signed integer, in the smallest form that go-msgpack picks: never an unsigned one.
   *
   * @throws {RangeError} Unless an integer that a double holds exactly; discard the writer.
   */
  int(value: number): void {
    if (!Number.isSafeInteger(value)) throw outside("an integer", value);
    if (value >= -32 && value <= 127) this.byte(value & 0xff);
    else if (value >= -128 && value < 0) this.#head(0xd0, value & 0xff, 1);
    else if (value >= -0x8000 && value <= 0x7fff) this.#head(0xd1, value & 0xffff, 2);
    else if (value >= -0x8000_0000 && value <= 0x7fff_ffff) this.#head(0xd2, value >>> 0, 4);
    else this.#head64(0xd3, BigInt.asUintN(64, BigInt(value)));
  }

  /** Bytes, in the raw family. */
  raw(bytes: Uint8Array): void {
    this.rawHeader(bytes.length);
    this.verbatim(bytes);
  }

  /** The start of `size` raw bytes. */
  rawHeader(size: number): void {
    if (size <= 31) this.byte(0xa0 | size);
    else if (size <= 0xffff) this.#head(0xda, size, 2);
    else this.#head(0xdb, size, 4);
  }

  /** Text, as UTF-8 in the raw family. */
  string(text: string): void {
    const size = text.length;
    for (let i = 0; i < size; i++) {
      if (text.charCodeAt(i) > 0x7f) {
        this.raw(encodeUtf8(text));
        return;
      }
    }
    this.rawHeader(size);
    if (this.#length + size > this.#bytes.length) this.#grow(size);
    for (let i = 0; i < size; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  /** Bytes, or nil when there are none: what Go writes for a slice that was never set. */
  rawOrNil(bytes: Uint8Array): void {
    if (bytes.length === 0) this.nil();
    else this.raw(bytes);
  }

  #head(tag: number, value: number, width: 1 | 2 | 4): void {
    if (this.#length + 1 + width > this.#bytes.length) this.#grow(1 + width);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = tag;
    if (width === 4) {
      bytes[at++] = value >>> 24;
      bytes[at++] = value >>> 16;
    }
    if (width !== 1) bytes[at++] = value >>> 8;
    bytes[at++] = value;
    this.#length = at;
  }

  #head64(tag: number, value: bigint): void {
    const bytes = new Uint8Array(9);
    bytes[0] = tag;
    new DataView(bytes.buffer).setBigUint64(1, value);
    this.verbatim(bytes);
  }

  #grow(extraBytes: number): void {
    const grown = new Uint8Array(Math.max(this.#length + extraBytes, this.#bytes.length * 2, 64));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

const FINISHED: Uint8Array = new Uint8Array(0);

/** Bytes that {@link MsgpackWriter.uint} takes for a number below 2³². */
export function uintBytes(value: number): number {
  return value <= 0x7f ? 1 : value <= 0xff ? 2 : value <= 0xffff ? 3 : 5;
}

/** Bytes that {@link MsgpackWriter.raw}, or {@link MsgpackWriter.string} of ASCII, takes for so many. */
export function rawBytes(size: number): number {
  return size + (size <= 31 ? 1 : size <= 0xffff ? 3 : 5);
}

/** A map key with its header, made once. */
export function msgpackKey(name: string): Uint8Array {
  const writer = new MsgpackWriter(name.length + 1);
  writer.string(name);
  return writer.finish();
}

function outside(what: string, value: number | bigint): RangeError {
  return new RangeError(
    `Cannot encode a field as it must be ${what} in range: current value is ${value}`,
  );
}
