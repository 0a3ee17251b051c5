import type { Roster } from "./_roster.ts";

const LN2_HIGH = 6.93147180369123816490e-1;
const LN2_LOW = 1.90821492927058770002e-10;

/**
 * −ln(1 − score / 2^64) for the two words of a score, within a few units of the last place. Only + − × ÷, which IEEE 754 fixes to the
 * last bit: Math.log may differ between engines, and two members must never disagree.
 */
export function exponential(high: number, low: number): number {
  // The upper 52 bits, centred between neighbours: exact, and never 0 or 1.
  const x = (high * 0x10_0000 + (low >>> 12) + 0.5) / 0x10_0000_0000_0000;
  let mantissa = 1 - x;
  let exponent = 0;
  while (mantissa < 0.75) {
    mantissa *= 2;
    exponent--;
  }
  // Exact: for exponent 0 the distance from 1 is x itself, otherwise mantissa and 1 are within a factor of two.
  const distance = exponent === 0 ? -x : mantissa - 1;
  const s = distance / (2 + distance);
  const z = s * s;
  // ln m = 2 atanh(s), |s| <= 0.2: eleven terms leave an error below 2^-56.
  let series = 0;
  for (let k = 23; k >= 3; k -= 2) series = (series + 1 / k) * z;
  const logarithm = 2 * s + 2 * s * series + exponent * LN2_LOW + exponent * LN2_HIGH;
  return -logarithm;
}

interface Scores {
  /** Index of the first score's low word. */
  readonly at: number;
  readonly count: number;
  readonly roster: Roster;
}

/** Numbers of the `count` best nodes by weighted score; ties by unweighted score, then by name. */
export function rankWeighted(memory: Uint32Array, { at, count, roster }: Scores): number[] {
  const best: number[] = [];
  const values: number[] = [];
  const before = (i: number, value: number, j: number, other: number): boolean => {
    if (value !== other) return value < other;
    const a = at + 2 * i;
    const b = at + 2 * j;
    if (memory[a + 1] !== memory[b + 1]) return memory[a + 1]! < memory[b + 1]!;
    return memory[a]! < memory[b]!;
  };
  for (let i = 0; i < roster.names.length; i++) {
    const weight = roster.specs.get(roster.names[i]!)!.weight ?? 1;
    const value = exponential(memory[at + 2 * i + 1]!, memory[at + 2 * i]!) / weight;
    let place = best.length;
    while (place > 0 && before(i, value, best[place - 1]!, values[place - 1]!)) place--;
    if (place >= count) continue;
    best.splice(place, 0, i);
    values.splice(place, 0, value);
    if (best.length > count) {
      best.pop();
      values.pop();
    }
  }
  return best;
}
