/**
 * What a driver knows of time: a monotonic reading and one-shot timers. Injected, so that tests run on virtual time.
 *
 * @module
 */
import type { Prng } from "../gossip/strategy.ts";

/** Monotonic time. Readings of two clocks have nothing to do with each other. */
export interface Clock {
  /** Milliseconds since some instant; never goes back. */
  now(): number;
  /**
   * Calls `fire` once, not before `afterMs` milliseconds have passed, and never synchronously.
   *
   * @returns Cancels the timer; without effect once it fired.
   */
  setTimer(afterMs: number, fire: () => void): () => void;
}

/** The longest delay that `setTimeout` honours; longer ones fire at once on every runtime. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * The clock of the machine: `performance.now` and `setTimeout`. Its timers keep the process alive.
 *
 * @example Usage
 * ```ts
 * import { systemClock } from "@ck/cluster/membership";
 * import { assertGreaterOrEqual } from "@std/assert";
 *
 * const clock = systemClock();
 * const before = clock.now();
 * await new Promise<void>((resolve) => void clock.setTimer(1, resolve));
 *
 * assertGreaterOrEqual(clock.now() - before, 1);
 * ```
 */
export function systemClock(): Clock {
  return Object.freeze({
    now: () => performance.now(),
    setTimer(afterMs: number, fire: () => void): () => void {
      const due = performance.now() + afterMs;
      let timer: ReturnType<typeof setTimeout> | undefined;
      // Rounded up, and checked on firing: a timeout may fire a fraction of a millisecond before its time.
      const arm = () => {
        const left = Math.max(0, Math.ceil(due - performance.now()));
        timer = setTimeout(
          () => performance.now() < due ? arm() : fire(),
          Math.min(left, longestTimeoutMs),
        );
      };
      arm();
      return () => clearTimeout(timer);
    },
  });
}

/** Uniform numbers in `[0, 1)` with 53 random bits each, from the platform's `crypto`. */
export function cryptoRandom(): Prng {
  const words = new Uint32Array(128); // one call to `crypto` serves 64 numbers
  let next = words.length;
  return () => {
    if (next === words.length) {
      crypto.getRandomValues(words);
      next = 0;
    }
    const high = words[next++]! >>> 5;
    const low = words[next++]! >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };
}
