import type { GossipCounter, GossipEffect, Prng } from "../strategy.ts";
import { TimerQueue } from "./timers.ts";

/** Refusals that one step reports. */
const MAX_REFUSALS = 256;

interface Counted {
  readonly type: "counted";
  readonly counter: GossipCounter;
  by: number;
}

/** What the parts of one core share: the instant, the randomness, the timers, and the effects of the step under way. */
export class Turn {
  /** The instant of the step under way. */
  now: number;
  /** Randomness. */
  readonly random: Prng;
  /** Pending calls of all parts. */
  readonly timers: TimerQueue = new TimerQueue();
  #effects: GossipEffect[] = [];
  /** The one effect of each counter in this step. */
  readonly #counted = new Map<GossipCounter, Counted>();
  #refusals = 0;

  /** Begins at an instant. */
  constructor(now: number, random: Prng) {
    this.now = now;
    this.random = random;
  }

  /** Adds an effect to the step. */
  emit(effect: GossipEffect): void {
    this.#effects.push(effect);
  }

  /** Counts one event; a step has one effect for all of a kind, as one message may hold a million. */
  count(counter: GossipCounter): void {
    const counted = this.#counted.get(counter);
    if (counted !== undefined) {
      counted.by++;
      return;
    }
    const effect: Counted = { type: "counted", counter, by: 1 };
    this.#counted.set(counter, effect);
    this.#effects.push(effect);
  }

  /** Reports something that had no effect; within one step only so often, as one message may hold a million such things. */
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
    // Clearing a map costs, also an empty one.
    if (this.#counted.size > 0) this.#counted.clear();
    return effects;
  }
}

const NOTHING: readonly GossipEffect[] = Object.freeze([]);
