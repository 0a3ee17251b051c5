import { engine, STATE_BYTES } from "./_engine.ts";
import type { HashFamily, HashStream } from "./family.ts";

/** `high:low` as one number; the words are unsigned. */
function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

class Xxh64Stream implements HashStream {
  readonly #state = new Uint8Array(STATE_BYTES);

  constructor() {
    const words = engine();
    words.run.reset();
    words.save(this.#state);
  }

  write(bytes: Uint8Array): void {
    const words = engine();
    words.restore(this.#state);
    words.write(bytes);
    words.save(this.#state);
  }

  digest(): bigint {
    const words = engine();
    words.restore(this.#state);
    const high = words.run.digest() >>> 0;
    return join(high, words.words[0]!);
  }
}

/**
 * XXH64 with seed 0: the default family, and the one that ckit uses.
 *
 * It runs in a small WebAssembly instance that is made on first use and shared; its memory is scratch that no caller can
 * observe, and each stream keeps its own state.
 *
 * @example Usage
 * ```ts
 * import { xxh64 } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(xxh64.hash(new Uint8Array()), 0xef46db3751d8e999n);
 * ```
 */
export const xxh64: HashFamily = Object.freeze({
  name: "xxh64",
  bits: 64,
  hash(bytes: Uint8Array): bigint {
    const words = engine();
    const high = words.hashBytes(bytes);
    return join(high, words.words[0]!);
  },
  stream: (): HashStream => new Xxh64Stream(),
});
