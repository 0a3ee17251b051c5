import type { GossipCounter, GossipEffect, Prng } from "../strategy.ts";
import type { ScuttlebuttEvent } from "./model.ts";

/** Refusals that one step reports. */
const MAX_REFUSALS = 256;

/** What the parts of one core share: the instant, the clock of silence, the round, randomness, and the effects of the step under way. */
export class Turn {
  /** The instant of the step under way. */
  now: number;
  /**
   * Milliseconds for failure detection and expiry: a step that comes late adds two intervals at most, so that nobody else is held to
   * be silent for the time in which this process slept.
   */
  clock = 0;
  /** Rounds begun. */
  round = 0;
  /** Changes of records so far. */
  changes = 0;
  /** Randomness. */
  readonly random: Prng;
  readonly #maxStepMs: number;
  #effects: GossipEffect[] = [];
  #refusals = 0;

  /** Begins at an instant. */
  constructor(options: { now: number; random: Prng; gossipIntervalMs: number }) {
    this.now = options.now;
    this.random = options.random;
    this.#maxStepMs = 2 * options.gossipIntervalMs;
  }

  /** A step begins at `now`; an instant before the last one counts as that one. Returns what {@link clock} leaves out of the time since. */
  advance(now: number): number {
    // The difference of the two clocks would be below zero now and then, by rounding.
    const stalledMs = Math.max(0, now - this.now - this.#maxStepMs);
    this.clock = this.clockAt(now);
    this.now = Math.max(this.now, now);
    return stalledMs;
  }

  /** What the clock would show at `now` without a step before. */
  clockAt(now: number): number {
    return this.clock + Math.min(Math.max(0, now - this.now), this.#maxStepMs);
  }

  /** A whole random number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  /** Adds an effect to the step. */
  emit(effect: GossipEffect): void {
    this.#effects.push(effect);
  }

  /** Tells the watchers. */
  event(event: ScuttlebuttEvent): void {
    this.#effects.push({ type: "event", event: Object.freeze(event) });
  }

  /** Counts one thing. */
  count(counter: GossipCounter): void {
    this.#effects.push({ type: "counted", counter, by: 1 });
  }

  /** Reports something that had no effect; within one step only so often, as one message may hold many such things. */
  refuse(reason: string, detail: string): void {
    if (this.#refusals++ >= MAX_REFUSALS) return;
    this.#effects.push({ type: "refused", refusal: { reason, detail } });
  }

  /** The effects so far, in order; the next ones start anew. */
  flush(): readonly GossipEffect[] {
    if (this.#effects.length === 0) return NOTHING;
    const effects = this.#effects;
    this.#effects = [];
    this.#refusals = 0;
    return effects;
  }
}

const NOTHING: readonly GossipEffect[] = Object.freeze([]);
