/**
 * What the simulator draws from a stream of random numbers. Only additions and multiplications: no logarithm and no power, whose last
 * bits differ between engines.
 *
 * @module
 */
import type { Prng } from "../gossip/strategy.ts";

/** An integer in `[least, most]`. */
export function between(random: Prng, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** `true` with a probability. */
export function chance(random: Prng, probability: number): boolean {
  return random() < probability;
}

/** One of several. */
export function oneOf<T>(random: Prng, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

/** Some of several, each at most once, in random order. */
export function some<T>(random: Prng, items: readonly T[], count: number): T[] {
  const left = [...items];
  const taken: T[] = [];
  while (taken.length < count && left.length > 0) {
    taken.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return taken;
}

/** A number with a heavy tail: it doubles as long as a coin of `probability` falls well, up to `most`. */
export function heavyTailed(
  random: Prng,
  options: { readonly least: number; readonly most: number; readonly probability: number },
): number {
  let value = options.least * (1 + random());
  while (value < options.most && random() < options.probability) value *= 2;
  return Math.min(options.most, Math.floor(value));
}
