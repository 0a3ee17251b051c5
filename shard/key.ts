import { engine } from "./hash/_engine.ts";
import { xxh64 } from "./hash/xxh64.ts";
import type { HashStream } from "./hash/family.ts";

/**
 * Where a thing lies in the key space: an unsigned 64-bit integer. Wherever a key is asked for, its text may be given
 * instead: that is hashed with the family of the placement.
 */
export type Key = bigint;

/**
 * The key of a text: XXH64 of its UTF-8 bytes, the same as ckit's.
 *
 * @example Usage
 * ```ts
 * import { stringKey } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(stringKey("wphd"), 0x70f1af794e2b8499n);
 * ```
 *
 * @param text The text. A lone surrogate counts as U+FFFD.
 * @returns The key.
 */
export function stringKey(text: string): Key {
  const words = engine();
  const high = words.hashText(text);
  return (BigInt(high) << 32n) | BigInt(words.words[0]!);
}

/** Makes a key of bytes that come in pieces. */
export interface KeyBuilder {
  /** Appends bytes, or the UTF-8 bytes of a text. They may be changed afterwards. Returns the builder itself. */
  write(chunk: Uint8Array | string): KeyBuilder;
  /** The key of everything written since the start or the last reset; does not reset. */
  key(): Key;
  /** Forgets everything written. Returns the builder itself. */
  reset(): KeyBuilder;
}

class Xxh64KeyBuilder implements KeyBuilder {
  #stream: HashStream = xxh64.stream!();
  readonly #encoder = new TextEncoder();

  write(chunk: Uint8Array | string): KeyBuilder {
    this.#stream.write(typeof chunk === "string" ? this.#encoder.encode(chunk) : chunk);
    return this;
  }

  key(): Key {
    return this.#stream.digest();
  }

  reset(): KeyBuilder {
    this.#stream = xxh64.stream!();
    return this;
  }
}

/**
 * Creates a key builder: a streaming XXH64, equal to ckit's for the same bytes.
 *
 * @example Usage
 * ```ts
 * import { keyBuilder, stringKey } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const key = keyBuilder().write("tenant-1/").write("series-9").key();
 *
 * assertEquals(key, stringKey("tenant-1/series-9"));
 * ```
 *
 * @returns A builder with nothing written.
 */
export function keyBuilder(): KeyBuilder {
  return new Xxh64KeyBuilder();
}
