import { misuse, settle } from "./_options.ts";
import { type Engine, engine } from "./hash/_engine.ts";
import type { HashFamily } from "./hash/family.ts";
import { xxh64 } from "./hash/xxh64.ts";
import { NotEnoughNodesError } from "./errors.ts";
import type { Key } from "./key.ts";

/** Turns keys, texts and names into pairs of words with one hash family. The low word lies in `engine.words[0]`. */
export class KeySpace {
  readonly engine: Engine = engine();
  readonly family: HashFamily;
  /** Whether hashing stays inside the engine. */
  readonly native: boolean;
  /** Whether hashes have 32 bits only. */
  readonly short: boolean;
  readonly #encoder = new TextEncoder();

  constructor(family: HashFamily) {
    if (typeof family?.hash !== "function" || ![undefined, 32, 64].includes(family.bits)) {
      throw new TypeError(
        misuse("place keys", "'hash' must be a hash family of 32 or 64 bits", family),
      );
    }
    this.family = family;
    this.native = family === xxh64;
    this.short = family.bits === 32;
  }

  /** High word of a key, or of the hash of a text. */
  high(key: Key | string): number {
    if (typeof key === "string") {
      return this.native ? this.engine.hashText(key) : this.split(this.hash(key));
    }
    if (typeof key !== "bigint") {
      throw new TypeError(
        misuse("look up owners", "'key' must be a bigint or a text", key),
      );
    }
    const high = Number(key >> 32n);
    if (!(high >= 0 && high <= 0xffff_ffff)) {
      throw new RangeError(
        misuse("look up owners", "'key' must be an unsigned 64-bit integer", key),
      );
    }
    this.engine.words[0] = Number(key & 0xffff_ffffn);
    return high;
  }

  /**
   * The same, stretched over the whole 64 bits: for algorithms in which the size of a key matters. A family of 32 bits fills the
   * high word.
   */
  stretched(key: Key | string): number {
    const high = this.high(key);
    if (!this.short) return high;
    const low = this.engine.words[0]!;
    this.engine.words[0] = 0;
    return low;
  }

  /** Hash of a text, cut to the bits of the family. */
  hash(text: string): bigint {
    return this.cut(this.family.hash(this.#encoder.encode(text)));
  }

  cut(hash: bigint): bigint {
    return BigInt.asUintN(this.short ? 32 : 64, hash);
  }

  split(value: bigint): number {
    this.engine.words[0] = Number(value & 0xffff_ffffn);
    return Number(value >> 32n);
  }

  /** Pairs of words, low first, of the hashes of names. */
  hashNames(names: readonly string[]): Uint32Array {
    const words = new Uint32Array(names.length * 2);
    for (const [i, name] of names.entries()) {
      const high = this.high(name);
      words[2 * i] = this.engine.words[0]!;
      words[2 * i + 1] = high;
    }
    return words;
  }
}

/** The key space of an algorithm that has a hash family for its only setting. */
export function hashOption(
  action: string,
  options: { readonly hash?: HashFamily },
): KeySpace {
  return new KeySpace(settle(action, options, { hash: xxh64 }).hash);
}

/** Throws unless `count` owners can be found among `have` nodes. */
export function assertCount(count: number, have: number): void {
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(
      misuse("look up owners", "'count' must be a non-negative integer", count),
    );
  }
  if (count > have) throw new NotEnoughNodesError(count, have);
}
