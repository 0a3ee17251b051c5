import type { Prng } from "../../../gossip/strategy.ts";
import { oneOf } from "../../draw.ts";

/** The clock of a machine: it goes on whatever becomes of the processes, faster or slower than true time. */
export class MachineClock {
  #rate = 1;
  #atUs = 0;
  #localMs: number;

  /** Begins with true time's pace. */
  constructor(localMs: number) {
    this.#localMs = localMs;
  }

  /** Milliseconds that it counts in a true one. */
  get rate(): number {
    return this.#rate;
  }

  /** What it shows, milliseconds. */
  localMs(nowUs: number): number {
    return this.#localMs + (nowUs - this.#atUs) / 1000 * this.#rate;
  }

  /** It goes at another pace from now on. */
  setRate(rate: number, nowUs: number): void {
    this.#localMs += (nowUs - this.#atUs) / 1000 * this.#rate;
    this.#atUs = nowUs;
    this.#rate = rate;
  }

  /** It is set forward. */
  jump(ms: number): void {
    this.#localMs += ms;
  }
}

/**
 * How fast the clocks of a run may go. Where leases are read by, as differently as leases bear; elsewhere a fifth faster or slower.
 *
 * @param leaseDrift By how much clocks may run apart; `undefined` without leases.
 * @returns The rate of a clock, by the share of what is possible, from -1 to 1, that it is off.
 */
export function clockRates(leaseDrift: number | undefined): (share: number) => number {
  // Clocks at 1 + x and 1 - x run apart by a share of d where x is d / (2 - d); nine tenths of that are within it.
  const most = leaseDrift === undefined ? 0.2 : 0.9 * leaseDrift / (2 - leaseDrift);
  return (share) => 1 + share * most;
}

/** Rates of so many clocks that differ as far as leases bear. */
export function drawRates(random: Prng, leaseDrift: number, count: number): readonly number[] {
  const rateOf = clockRates(leaseDrift);
  return Array.from({ length: count }, () => rateOf(oneOf(random, [-1, 0, 1])));
}
