/**
 * How long the event loop was blocked, as a timer sees it.
 *
 * @module
 */
import { clearTimeout, setTimeout } from "node:timers";
import type { Clock } from "../membership/clock.ts";

/** Options of {@link eventLoopLag}. */
export interface EventLoopLagOptions {
  /**
   * Pause between two samples, milliseconds, 10 to 60000. A block that is at least as long is always seen, and understated by at most
   * this much; a shorter one is seen only if it covers the instant of a sample.
   *
   * @default {100}
   */
  readonly intervalMs?: number;
  /** Told of every sample, milliseconds. Must not throw. */
  readonly onSample?: (lagMs: number) => void;
  /** Time and timers; by default those of the machine, and the timer does not keep the process alive. */
  readonly clock?: Clock;
}

/** A running measurement. */
export interface EventLoopLag extends AsyncDisposable {
  /** The last sample, milliseconds; 0 before the first. */
  readonly lastMs: number;
  /** The largest sample so far, milliseconds. */
  readonly maxMs: number;
  /** Samples so far. */
  readonly count: number;
  /** Stops: no further sample is taken. Idempotent. */
  close(): Promise<void>;
}

const backgroundClock: Clock = Object.freeze<Clock>({
  now: () => performance.now(),
  setTimer(afterMs, fire) {
    const timer = setTimeout(fire, afterMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
});

/**
 * Samples the event loop's lag: a timer is set, and how much later than asked it fires is the lag. This reads the same on Deno, Bun and
 * Node, which the histogram of `node:perf_hooks` does not.
 *
 * One sampler serves all nodes of a process.
 *
 * @throws {RangeError} When `intervalMs` is outside its range.
 *
 * @example Usage
 * ```ts
 * import { eventLoopLag } from "@ck/cluster/metrics";
 * import { assertEquals } from "@std/assert";
 *
 * let now = 0;
 * let fire = () => {};
 * const clock = {
 *   now: () => now,
 *   setTimer: (_afterMs: number, callback: () => void) => {
 *     fire = callback;
 *     return () => {};
 *   },
 * };
 * const lag = eventLoopLag({ intervalMs: 100, clock });
 * now = 350;
 * fire();
 * assertEquals(lag.lastMs, 250);
 * await lag.close();
 * ```
 */
export function eventLoopLag(options: EventLoopLagOptions = {}): EventLoopLag {
  const { intervalMs = 100, onSample, clock = backgroundClock } = options;
  if (!(intervalMs >= 10 && intervalMs <= 60_000)) {
    throw new RangeError(
      `Cannot sample the event loop as intervalMs must be from 10 to 60000: current value is ${intervalMs}`,
    );
  }
  let [lastMs, maxMs, count] = [0, 0, 0];
  let closed = false;
  let cancel: () => void;
  const arm = () => {
    const due = clock.now() + intervalMs;
    cancel = clock.setTimer(intervalMs, () => {
      if (closed) return;
      // A timer may fire a fraction of a millisecond early.
      lastMs = Math.max(0, clock.now() - due);
      maxMs = Math.max(maxMs, lastMs);
      count++;
      arm();
      onSample?.(lastMs);
    });
  };
  arm();
  const close = () => {
    closed = true;
    cancel();
    return Promise.resolve();
  };
  return Object.freeze<EventLoopLag>({
    get lastMs() {
      return lastMs;
    },
    get maxMs() {
      return maxMs;
    },
    get count() {
      return count;
    },
    close,
    [Symbol.asyncDispose]: close,
  });
}
