/**
 * Randomness that a seed repeats.
 *
 * @module
 */
import type { Prng } from "../gossip/strategy.ts";

/** A generator for one seed (a Weyl sequence through a 32-bit finalizer). Not for secrets. */
export function seeded(seed: number): Prng {
  let weyl = seed >>> 0;
  return () => {
    weyl = (weyl + 0x9e3779b9) >>> 0;
    let x = weyl ^ (weyl >>> 16);
    x = Math.imul(x, 0x21f0aaad);
    x ^= x >>> 15;
    x = Math.imul(x, 0x735a2d97);
    x ^= x >>> 15;
    return (x >>> 0) / 2 ** 32;
  };
}

/** One of the items. */
export function pick<T>(random: Prng, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

const alphabet = [
  ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:{}\"', äß→漢😀",
];

/** `count` keys of 0 to 48 characters, a few of them outside ASCII. */
export function randomKeys(random: Prng, count: number): string[] {
  return Array.from({ length: count }, () => {
    const length = Math.floor(random() * 49);
    return Array.from({ length }, () => pick(random, alphabet)).join("");
  });
}
