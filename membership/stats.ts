/**
 * The numbers of a node.
 *
 * @module
 */
import type { GossipCounter, GossipStats } from "../gossip/strategy.ts";
import type { TransportStats } from "../transport/transport.ts";
import type { DriverStats } from "./driver.ts";

/** All numbers of a node, at one instant. Frozen. */
export interface NodeStats {
  /** The protocol's gauges. */
  readonly gossip: GossipStats;
  /** The driver's counts. */
  readonly driver: DriverStats;
  /** The transport's counts and gauges. */
  readonly transport: TransportStats;
  /** What the protocol counted, by counter. */
  readonly counted: Readonly<Partial<Record<GossipCounter, number>>>;
  /** How many times something was refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** How many times an observer threw. */
  readonly observersFailed: number;
}

/** What {@link nodeStats} reads. */
export interface NodeCounts {
  /** The protocol. */
  readonly core: { readonly stats: GossipStats };
  /** What drives it. */
  readonly driver: { readonly stats: DriverStats };
  /** See {@link NodeStats.counted}. */
  readonly counted: Tally;
  /** See {@link NodeStats.refused}. */
  readonly refused: Tally;
  /** See {@link NodeStats.observersFailed}. */
  readonly observersFailed: Tally;
}

/** Reads all numbers, now. */
export function nodeStats(
  { core, driver, counted, refused, observersFailed }: NodeCounts,
  transport: { readonly stats: TransportStats },
): NodeStats {
  return Object.freeze({
    gossip: core.stats,
    driver: driver.stats,
    transport: transport.stats,
    counted: counted.counts,
    refused: refused.counts,
    observersFailed: observersFailed.total,
  });
}

/** Counts by name, of bounded many names: beyond 64, names count as `other`. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Adds to one count. */
  add(name: string, by: number = 1): void {
    const key = this.#counts.has(name) || this.#counts.size < 64 ? name : "other";
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  /** All counts together. */
  get total(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  /** The counts now. */
  get counts(): Readonly<Record<string, number>> {
    return Object.freeze(Object.fromEntries(this.#counts));
  }
}
