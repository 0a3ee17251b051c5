import type { DigestEntry } from "./messages.ts";

/** How much the last page counts for in the mean. */
const WEIGHT = 1 / 16;

/**
 * Measures how much of the cluster a page of a peer's digest tells of, and from that, how long a healthy node may be silent.
 *
 * Two pages a round come in on average, and half of their news is old. So with whole digests a heartbeat of each node is news about every
 * 1.5 rounds; with pages that list a part `c` of the nodes, every `1/c` rounds to twice that, as half a page is for those that changed
 * lately. A node in that half is heard each round and for `1/c` rounds and more after it left it: its own past gaps are no measure then.
 */
export class Hearing {
  readonly #intervalMs: number;
  #part = 1;

  /** Begins with the belief that pages are whole. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /**
   * A page came. `known`: how many nodes its sender says to know; `others`: how many other nodes are known here, which bounds what a liar
   * can claim.
   */
  page(page: readonly DigestEntry[], known: number, others: number): void {
    let listed = 0;
    for (const { want } of page) if (!want) listed++;
    // Whoever sends a page lists itself.
    const part = Math.min(1, Math.max(1, listed) / Math.max(1, Math.min(known, others)));
    this.#part += (part - this.#part) * WEIGHT;
  }

  /** The part of the cluster that a page lists on average: above 0, and at most 1. */
  get part(): number {
    return this.#part;
  }

  /** A mean gap between heartbeats below this is no measure: half an interval with whole digests, and half an interval short of `1/c`. */
  get leastMeanMs(): number {
    return this.#intervalMs * (1 / this.#part - 0.5);
  }
}
