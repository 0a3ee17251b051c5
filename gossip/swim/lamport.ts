/** Times this close to 2⁶⁴ are never observed: they would wrap a clock that counts on. */
const GUARD = 1n << 32n;
const LIMIT = (1n << 64n) - GUARD;
/**
 * How far one message may be ahead. Declarations and push/pulls advance a cluster's clock by some dozens a second at the very most:
 * no cluster lives the thousand years that two honest clocks would take to be so far apart.
 */
const MAX_JUMP = 1n << 40n;

/** A Lamport clock: orders what causes what, without a wall clock. uint64, starts at 0. */
export class LamportClock {
  #now: bigint;

  /** Starts at an instant of 0 or later. */
  constructor(now = 0n) {
    this.#now = now;
  }

  /** The current time. */
  get now(): bigint {
    return this.#now;
  }

  /** Whether {@link observe} takes a time as it is. */
  isSane(time: bigint): boolean {
    return time >= 0n && time <= this.#now + MAX_JUMP && time < LIMIT;
  }

  /** Advances by one and returns the new time. */
  tick(): bigint {
    this.#now += 1n;
    return this.#now;
  }

  /**
   * Moves past `time` unless it is in the past; the equal time advances too.
   *
   * A time more than 2⁴⁰ ahead is not taken, but moves the clock by 2⁴⁰: a liar needs 16 million messages to use a clock up, and a
   * clock that a liar moved is caught up with, after a few messages, by all who hear of it. Within 2³² of 2⁶⁴ nothing moves.
   *
   * @returns Whether the time was taken as it is.
   */
  observe(time: bigint): boolean {
    const sane = this.isSane(time);
    if (sane) {
      if (time >= this.#now) this.#now = time + 1n;
    } else if (time > this.#now && this.#now + MAX_JUMP < LIMIT) this.#now += MAX_JUMP;
    return sane;
  }
}
