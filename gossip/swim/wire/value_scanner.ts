import { DecodeError } from "./decode_error.ts";

/** Deepest nesting accepted, as go-msgpack's. */
export const MAX_DEPTH = 1024;

/**
 * Finds the end of one msgpack value, without recursion and without decoding it. Can stop at any byte and go on when more arrived, so
 * a value of n bytes costs O(n) however it is cut.
 */
export class ValueScanner {
  /** Items still to come in the innermost open container. */
  #items = 1;
  /** The same for the containers around it. */
  readonly #outer: number[] = [];
  #skipBytes = 0;
  #done = false;

  /** Whether the value is complete. */
  get done(): boolean {
    return this.#done;
  }

  /** Bytes that the raw value under way still needs. */
  get missingBytes(): number {
    return this.#skipBytes;
  }

  /** Makes the scanner ready for another value. */
  reset(): void {
    this.#items = 1;
    this.#outer.length = 0;
    this.#skipBytes = 0;
    this.#done = false;
  }

  /**
   * Scans `bytes[at, end)`.
   *
   * @returns Where it stopped: after the value when {@link done}; otherwise where to go on, with more bytes behind.
   * @throws {DecodeError} For the one byte that is no msgpack, and for deeper nesting than {@link MAX_DEPTH}.
   */
  scan(bytes: Uint8Array, at: number, end: number): number {
    while (true) {
      if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, end - at);
        this.#skipBytes -= skipped;
        at += skipped;
        if (this.#skipBytes > 0) return at;
      }
      while (this.#items === 0) {
        const items = this.#outer.pop();
        if (items === undefined) {
          this.#done = true;
          return at;
        }
        this.#items = items;
      }
      if (at >= end) return at;
      const tag = bytes[at]!;
      const lengthBytes = LENGTH_BYTES[tag]!;
      if (end - at <= lengthBytes) return at;
      let length = 0;
      for (let i = 1; i <= lengthBytes; i++) length = length * 256 + bytes[at + i]!;
      let items = 0;
      if (tag >= 0xa0 && tag <= 0xbf) this.#skipBytes = tag & 0x1f;
      else if (tag >= 0x80 && tag <= 0x8f) items = (tag & 0x0f) * 2;
      else if (tag >= 0x90 && tag <= 0x9f) items = tag & 0x0f;
      else if (tag === 0xde || tag === 0xdf) items = length * 2;
      else if (tag === 0xdc || tag === 0xdd) items = length;
      else if (tag === 0xc1) {
        throw new DecodeError("Cannot decode a value as 0xc1 is no msgpack", { offset: at });
      } else this.#skipBytes = length + FIXED_BYTES[tag]!;
      at += 1 + lengthBytes;
      this.#items -= 1;
      if (items > 0) {
        if (this.#outer.length === MAX_DEPTH) {
          throw new DecodeError(
            `Cannot decode a value as nesting must be at most ${MAX_DEPTH} deep`,
            { offset: at, reason: "limit" },
          );
        }
        this.#outer.push(this.#items);
        this.#items = items;
      }
    }
  }
}

/** Bytes of the length that follows a tag. */
const LENGTH_BYTES = new Uint8Array(256);
/** Bytes that follow a tag and its length whatever they say: numbers, and the type of an extension. */
const FIXED_BYTES = new Uint8Array(256);
for (
  const [tag, lengthBytes, fixedBytes] of [
    [0xc4, 1, 0],
    [0xc5, 2, 0],
    [0xc6, 4, 0],
    [0xc7, 1, 1],
    [0xc8, 2, 1],
    [0xc9, 4, 1],
    [0xca, 0, 4],
    [0xcb, 0, 8],
    [0xcc, 0, 1],
    [0xcd, 0, 2],
    [0xce, 0, 4],
    [0xcf, 0, 8],
    [0xd0, 0, 1],
    [0xd1, 0, 2],
    [0xd2, 0, 4],
    [0xd3, 0, 8],
    [0xd4, 0, 2],
    [0xd5, 0, 3],
    [0xd6, 0, 5],
    [0xd7, 0, 9],
    [0xd8, 0, 17],
    [0xd9, 1, 0],
    [0xda, 2, 0],
    [0xdb, 4, 0],
    [0xdc, 2, 0],
    [0xdd, 4, 0],
    [0xde, 2, 0],
    [0xdf, 4, 0],
  ] as const
) {
  LENGTH_BYTES[tag] = lengthBytes;
  FIXED_BYTES[tag] = fixedBytes;
}
