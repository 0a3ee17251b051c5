/**
 * Whether a write and its sync are done in line, on the event loop, or handed to the thread pool.
 *
 * Two calls through the pool cost a batch more processor time than a fast disk takes for it, in wake-ups and switches of threads. In line
 * there are none, but nothing else runs meanwhile: so only what is small goes that way, only while the disk was measured to be fast, and
 * not for a while after it stalled once.
 *
 * @module
 */

/** Larger writes go to the pool: they take their time, and the cost of the hand-over hardly shows. */
export const MAX_INLINE_BYTES: number = 32 * 1024;

/** How much a measurement moves the mean. */
const WEIGHT = 1 / 8;
/** A sync in line that takes this many times the limit is a stall. Less only moves the mean: heartbeats bear a hiccup. */
const STALL_FACTOR = 32;
/** How long a stall keeps all to the pool; twice as long each time that one follows soon. */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** Decides by what it was told of earlier writes. Knows no clock. */
export class InlineSync {
  readonly #belowMs: number;
  /** Unknown at first: the first write is measured in the pool. */
  #meanMs = Infinity;
  #pausedUntil = -Infinity;
  #pauseMs = 0;

  /** @param belowMs The mean time of a write and sync below which they are done in line. 0 for never. */
  constructor(belowMs: number) {
    this.#belowMs = belowMs;
  }

  /** Whether a write of so many bytes is to be done in line at this instant. */
  allows(bytes: number, now: number): boolean {
    return this.#meanMs < this.#belowMs && bytes <= MAX_INLINE_BYTES && now >= this.#pausedUntil;
  }

  /** A write and sync took `ms` and ended at `now`; through the pool, the way there and back included. */
  took(ms: number, inline: boolean, now: number): void {
    this.#meanMs = this.#meanMs === Infinity ? ms : this.#meanMs + (ms - this.#meanMs) * WEIGHT;
    if (!inline || ms <= this.#belowMs * STALL_FACTOR) return;
    const isSoon = now - this.#pausedUntil < this.#pauseMs;
    this.#pauseMs = isSoon ? Math.min(this.#pauseMs * 2, MAX_PAUSE_MS) : MIN_PAUSE_MS;
    this.#pausedUntil = now + this.#pauseMs;
  }
}
