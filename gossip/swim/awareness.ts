/**
 * Lifeguard's local health: how much this node should distrust its own observations.
 */
export class Awareness {
  #score = 0;
  readonly #max: number;

  /** @param maxMultiplier Upper bound of the multiplier `score + 1`, ≥ 1. */
  constructor(maxMultiplier: number) {
    this.#max = maxMultiplier - 1;
  }

  /** 0 is healthy; at most `maxMultiplier − 1`. */
  get score(): number {
    return this.#score;
  }

  /** Moves the score, within its bounds. */
  apply(delta: number): void {
    this.#score = Math.min(this.#max, Math.max(0, this.#score + delta));
  }

  /** A duration, the longer the worse the health: `ms × (score + 1)`. */
  scaleMs(ms: number): number {
    return ms * (this.#score + 1);
  }
}
