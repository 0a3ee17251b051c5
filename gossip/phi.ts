/**
 * The φ accrual failure detector (Hayashibara, Défago, Yared, Katayama 2004) for one peer, with exponentially distributed gaps.
 *
 * With a mean gap of `μ` the chance that a heartbeat comes later than `t` is `e^(−t/μ)`, so that
 * `φ(t) = −log₁₀ e^(−t/μ) = t / (μ · ln 10)`: at φ = 1 one in ten suspicions is wrong, at φ = 8 one in a hundred million.
 *
 * What is compared with a threshold is the **score** `t/μ`: how many mean gaps the silence has lasted. Kite and chitchat do the same, and
 * call it phi, without the ln 10:
 *
 * | | compared | default | as true φ |
 * | --- | --- | --- | --- |
 * | here, as in Kite | `t/μ > 20` | 20 | 8.7 |
 * | chitchat | `t/μ > 8` | 8 | 3.5 |
 * | Cassandra (as documented) | `φ > 8` | 8 | 8 |
 *
 * So a threshold taken over from Kite or chitchat means here what it means there; one that was meant as a true φ is to be multiplied by
 * ln 10 ≈ 2.303.
 *
 * @module
 */

/** Options of {@link PhiEstimator}. */
export interface PhiOptions {
  /** The gap that is expected before any was seen, in milliseconds. Above 0. */
  readonly priorMs: number;
  /** How many gaps the prior counts for. Above 0. @default {5} */
  readonly priorWeight?: number;
  /** How many gaps are remembered. 1 or more. @default {100} */
  readonly windowSize?: number;
  /** Longer gaps count as this long: one long pause must not blind the detector. @default {Infinity} */
  readonly maxGapMs?: number;
  /** The mean is at least this: many heartbeats at once must not make it 0. Above 0. @default {priorMs / 4} */
  readonly minMeanMs?: number;
}

/**
 * How suspicious the silence of one peer is. `now` is any clock in milliseconds that the owner keeps; one that went back stands still.
 *
 * Gaps are whole microseconds with an exact running sum, so nothing drifts however long it runs, and no score is ever NaN or infinite.
 *
 * @example Usage
 * ```ts
 * import { PhiEstimator } from "@ck/cluster/gossip";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const peer = new PhiEstimator({ priorMs: 1_000 }, 0);
 * for (let now = 500; now <= 50_000; now += 500) peer.heard(now);
 *
 * assertEquals(Math.round(peer.meanMs), 524); // (100 × 500 + 5 × 1000) / 105
 * assert(!peer.exceeds(20, 60_476));
 * assert(peer.exceeds(20, 60_477));
 * ```
 */
export class PhiEstimator {
  readonly #priorMicros: number;
  readonly #weight: number;
  readonly #windowSize: number;
  readonly #maxMicros: number;
  #minMeanMicros: number;
  readonly #gaps: number[] = [];
  #oldest = 0;
  #sum = 0;
  #last: number;
  #fresh = true;

  /**
   * Begins at `now`: a peer that is never heard is judged by the prior from then on.
   *
   * @throws {RangeError} When an option is outside its range.
   */
  constructor(options: PhiOptions, now: number) {
    const {
      priorMs,
      priorWeight = 5,
      windowSize = 100,
      maxGapMs = Infinity,
      minMeanMs = priorMs / 4,
    } = options;
    for (
      const [name, value] of Object.entries({
        priorMs,
        priorWeight,
        windowSize,
        maxGapMs,
        minMeanMs,
      })
    ) {
      checkPositive(name, value);
    }
    this.#priorMicros = priorMs * 1000;
    this.#weight = priorWeight;
    this.#windowSize = Math.max(1, Math.floor(windowSize));
    this.#maxMicros = maxGapMs * 1000;
    this.#minMeanMicros = minMeanMs * 1000;
    this.#last = now;
  }

  /** Gaps remembered. */
  get gaps(): number {
    return this.#gaps.length;
  }

  /** `μ = (Σ gaps + weight · prior) / (n + weight)`, in milliseconds, and at least `minMeanMs`. */
  get meanMs(): number {
    return this.#meanMicros() / 1000;
  }

  /** The least mean, for the time from now on: gaps may be known to become longer than any that was seen. Above 0. */
  get minMeanMs(): number {
    return this.#minMeanMicros / 1000;
  }
  set minMeanMs(minMeanMs: number) {
    checkPositive("minMeanMs", minMeanMs);
    this.#minMeanMicros = minMeanMs * 1000;
  }

  /** A heartbeat came. The first one after a {@link restart} ends no gap. */
  heard(now: number): void {
    const gapMicros = Math.round(Math.max(0, now - this.#last) * 1000);
    this.#last = Math.max(this.#last, now);
    if (!this.#fresh) {
      this.#fresh = true;
      return;
    }
    const gap = Math.min(gapMicros, this.#maxMicros);
    if (this.#gaps.length < this.#windowSize) this.#gaps.push(gap);
    else {
      this.#sum -= this.#gaps[this.#oldest]!;
      this.#gaps[this.#oldest] = gap;
      this.#oldest = (this.#oldest + 1) % this.#windowSize;
    }
    this.#sum += gap;
  }

  /** Forgets all gaps: the peer was silent for so long that the next gap would say nothing. */
  restart(): void {
    this.#gaps.length = 0;
    this.#oldest = 0;
    this.#sum = 0;
    this.#fresh = false;
  }

  /** The score `t/μ`: the silence in mean gaps. */
  suspicion(now: number): number {
    return this.#silentMicros(now) / this.#meanMicros();
  }

  /** The true `φ = t / (μ · ln 10)`. */
  phi(now: number): number {
    return this.suspicion(now) / Math.LN10;
  }

  /** Whether the score is above `threshold`; at the threshold it is not. No division, so that it is exact at the edge. */
  exceeds(threshold: number, now: number): boolean {
    const weight = this.#gaps.length + this.#weight;
    const total = Math.max(
      this.#sum + this.#weight * this.#priorMicros,
      this.#minMeanMicros * weight,
    );
    return this.#silentMicros(now) * weight > threshold * total;
  }

  #silentMicros(now: number): number {
    return Math.max(0, Math.round((now - this.#last) * 1000));
  }

  #meanMicros(): number {
    const weight = this.#gaps.length + this.#weight;
    return Math.max(this.#minMeanMicros, (this.#sum + this.#weight * this.#priorMicros) / weight);
  }
}

function checkPositive(name: string, value: number): void {
  if (value > 0) return;
  throw new RangeError(
    `Cannot estimate suspicion as '${name}' must be above 0: current value is ${value}`,
  );
}
