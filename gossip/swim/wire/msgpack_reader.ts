import { DecodeError, type DecodeReason } from "./decode_error.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";
import { ValueScanner } from "./value_scanner.ts";

/** A struct's field names in Go's declaration order. A field is known by its index. */
export type StructFields = readonly Uint8Array[];

/** Names the fields of a struct, in Go's declaration order. */
export function structFields(...names: readonly string[]): StructFields {
  return Object.freeze(names.map(encodeUtf8));
}

/** A shared array without bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

const NIL = 0xc0;
const TWO_32 = 2 ** 32;

/**
 * Reads msgpack as go-msgpack does: any integer form that fits, text and bytes from raw, str or bin, bytes also from an array of small
 * integers, nil as a field's zero value, structs as maps in any order (unknown keys skipped, the last of equal keys wins) or as arrays
 * in declaration order.
 *
 * Every method throws {@link DecodeError} for anything else and for truncated input; discard the reader then. Memory stays within a
 * small multiple of the bytes at hand: announced lengths are checked against them first.
 */
export class MsgpackReader {
  readonly #bytes: Uint8Array;
  #offset: number;

  /** Reads `bytes` from `offset` on. */
  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  /** Where the next value begins. */
  get offset(): number {
    return this.#offset;
  }

  /** Reads a struct: calls `read` with the index of each known field; `read` must take its value. Nil is a struct without fields. */
  struct(fields: StructFields, read: (field: number) => void): void {
    const start = this.#offset;
    const tag = this.#tag();
    if (tag === NIL) return;
    let size: number;
    let isMap = true;
    if (tag >= 0x80 && tag <= 0x8f) size = tag & 0x0f;
    else if (tag === 0xde) size = this.#unsigned(2);
    else if (tag === 0xdf) size = this.#unsigned(4);
    else {
      isMap = false;
      size = this.#arraySize(tag, start, "a struct");
    }
    for (let i = 0; i < size; i++) {
      const field = isMap ? this.#key(fields) : i;
      if (field >= 0 && field < fields.length) read(field);
      else this.skip();
    }
  }

  /** Reads an array: calls `read` for each item; `read` must take it. Nil is an array without items. */
  array(read: (index: number) => void): void {
    const start = this.#offset;
    const tag = this.#tag();
    if (tag === NIL) return;
    const size = this.#arraySize(tag, start, "an array");
    for (let i = 0; i < size; i++) read(i);
  }

  /** Reads an unsigned integer of at most `max` (≤ 2⁵³−1). */
  uint(max: number): number {
    const start = this.#offset;
    const value = this.#integer(start);
    if (value < 0 || value > max) throw this.#refuse(`an integer from 0 to ${max}`, start);
    return value;
  }

  /** Reads an unsigned 64-bit integer. */
  uint64(): bigint {
    const start = this.#offset;
    if (this.#peek() === 0xcf) {
      this.#offset += 1;
      const high = this.#unsigned(4);
      const low = this.#unsigned(4);
      return BigInt(high) << 32n | BigInt(low);
    }
    const value = this.#integer(start);
    if (value < 0) throw this.#refuse("a uint64", start);
    if (Number.isSafeInteger(value)) return BigInt(value);
    // Only an int64 above 2⁵³ comes here: read again without loss.
    this.#offset = start + 1;
    return BigInt(this.#unsigned(4)) << 32n | BigInt(this.#unsigned(4));
  }

  /** Reads a signed 64-bit integer; what a double cannot hold exactly saturates at ±(2⁵³−1). */
  int(): number {
    const start = this.#offset;
    const value = this.#integer(start);
    if (value >= 2 ** 63 && this.#bytes[start] === 0xcf) throw this.#refuse("an int64", start);
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
  }

  /** Reads a boolean, also as 0 or 1. */
  bool(): boolean {
    const start = this.#offset;
    switch (this.#tag()) {
      case 0xc3:
      case 1:
        return true;
      case 0xc2:
      case 0:
      case NIL:
        return false;
      default:
        throw this.#refuse("a boolean", start);
    }
  }

  /** Reads text. What is not UTF-8 survives: see `utf8.ts`. */
  string(): string {
    const start = this.#offset;
    const tag = this.#tag();
    if (tag === NIL) return "";
    const length = this.#rawLength(tag);
    if (length < 0) throw this.#refuse("text", start);
    this.#need(length);
    this.#offset += length;
    return decodeUtf8(this.#bytes, this.#offset - length, this.#offset);
  }

  /** Reads bytes into memory of their own; `undefined` for nil. */
  bytes(): Uint8Array | undefined {
    const start = this.#offset;
    const tag = this.#tag();
    const length = this.#rawLength(tag);
    if (length <= 0) {
      this.#offset = start;
      return this.view();
    }
    this.#need(length);
    this.#offset += length;
    // A view of what was read would keep the whole packet alive.
    return this.#bytes.slice(this.#offset - length, this.#offset);
  }

  /** Reads bytes as a view of the input where they lie in one piece; `undefined` for nil. */
  view(): Uint8Array | undefined {
    const start = this.#offset;
    const tag = this.#tag();
    if (tag === NIL) return undefined;
    const length = this.#rawLength(tag);
    if (length === 0) return NO_BYTES;
    if (length > 0) {
      this.#need(length);
      this.#offset += length;
      return this.#bytes.subarray(this.#offset - length, this.#offset);
    }
    const size = this.#arraySize(tag, start, "bytes");
    this.#need(size);
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = this.uint(0xff);
    return bytes;
  }

  /** Passes over one value of any kind. */
  skip(): void {
    const scanner = new ValueScanner();
    this.#offset = scanner.scan(this.#bytes, this.#offset, this.#bytes.length);
    if (!scanner.done) throw this.#truncated();
  }

  /** An error at the next value, for what a caller finds wrong with the last one. */
  error(message: string, reason: DecodeReason = "decode"): DecodeError {
    return new DecodeError(message, { offset: this.#offset, reason });
  }

  #key(fields: StructFields): number {
    const start = this.#offset;
    const length = this.#rawLength(this.#tag());
    if (length < 0) throw this.#refuse("a key", start);
    this.#need(length);
    const bytes = this.#bytes;
    const at = this.#offset;
    this.#offset = at + length;
    search: for (let field = 0; field < fields.length; field++) {
      const name = fields[field]!;
      if (name.length !== length) continue;
      for (let i = 0; i < length; i++) {
        if (name[i] !== bytes[at + i]) continue search;
      }
      return field;
    }
    return -1;
  }

  #integer(start: number): number {
    const tag = this.#tag();
    if (tag <= 0x7f) return tag;
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case NIL:
        return 0;
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xcf:
        return this.#unsigned(4) * TWO_32 + this.#unsigned(4);
      case 0xd0:
        return this.#unsigned(1) << 24 >> 24;
      case 0xd1:
        return this.#unsigned(2) << 16 >> 16;
      case 0xd2:
        return this.#unsigned(4) | 0;
      case 0xd3:
        return (this.#unsigned(4) | 0) * TWO_32 + this.#unsigned(4);
      default:
        throw this.#refuse("an integer", start);
    }
  }

  #arraySize(tag: number, start: number, what: string): number {
    if (tag >= 0x90 && tag <= 0x9f) return tag & 0x0f;
    if (tag === 0xdc) return this.#unsigned(2);
    if (tag === 0xdd) return this.#unsigned(4);
    throw this.#refuse(what, start);
  }

  /** Length of a raw, str or bin value; −1 for any other. */
  #rawLength(tag: number): number {
    if (tag >= 0xa0 && tag <= 0xbf) return tag & 0x1f;
    switch (tag) {
      case 0xd9:
      case 0xc4:
        return this.#unsigned(1);
      case 0xda:
      case 0xc5:
        return this.#unsigned(2);
      case 0xdb:
      case 0xc6:
        return this.#unsigned(4);
      default:
        return -1;
    }
  }

  #peek(): number {
    this.#need(1);
    return this.#bytes[this.#offset]!;
  }

  #tag(): number {
    this.#need(1);
    return this.#bytes[this.#offset++]!;
  }

  #unsigned(width: 1 | 2 | 4): number {
    this.#need(width);
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + this.#bytes[this.#offset++]!;
    return value;
  }

  #need(count: number): void {
    if (this.#bytes.length - this.#offset < count) throw this.#truncated();
  }

  #truncated(): DecodeError {
    return new DecodeError("Cannot decode a message as it ends too early", {
      offset: this.#bytes.length,
    });
  }

  #refuse(what: string, offset: number): DecodeError {
    const tag = this.#bytes[offset]!.toString(16).padStart(2, "0");
    return new DecodeError(
      `Cannot decode a field as it must be ${what}: current value starts with 0x${tag}`,
      { offset },
    );
  }
}
