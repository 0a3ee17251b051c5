import type { Prng } from "../gossip/strategy.ts";

/**
 * Uniform numbers in `[0, 1)` with 32 random bits each: sfc32 (Doty-Humphrey's small fast counting generator, PractRand), four words
 * of state, period at least 2³². Equal seeds give equal numbers on every runtime.
 */
export function sfc32(seed: readonly [number, number, number, number]): Prng {
  let [a, b, c, counter] = seed;
  return () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4_294_967_296;
  };
}

/** Numbers drawn and thrown away, until all words depend on the whole seed. */
const WARM_UP = 15;

/**
 * One seed, many streams of random numbers, each by its name: one more draw in one of them does not shift the others.
 *
 * @example Usage
 * ```ts ignore
 * const streams = new Streams(42);
 * const network = streams.named("network");
 * const core = streams.named("core:3:1");
 * ```
 */
export class Streams {
  /** The seed. */
  readonly seed: number;

  /** @param seed A non-negative safe integer. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(
        `Cannot seed the streams as 'seed' must be an integer of at least 0: current value is ${seed}`,
      );
    }
    this.seed = seed;
  }

  /** The stream of a name, from its beginning. */
  named(name: string): Prng {
    let [a, b] = [0x9e37_79b9 ^ (this.seed | 0), 0x85eb_ca6b ^ Math.floor(this.seed / 2 ** 32)];
    for (let i = 0; i < name.length; i++) {
      a = Math.imul(a ^ name.charCodeAt(i), 0x0100_0193);
      b = Math.imul(b ^ name.charCodeAt(i), 0x5bd1_e995) ^ (b >>> 15);
    }
    const random = sfc32([a, b, this.seed | 0, name.length]);
    for (let i = 0; i < WARM_UP; i++) random();
    return random;
  }
}
