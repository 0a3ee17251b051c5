/**
 * The figures that every node of a SWIM cluster has to compute alike, as pure functions. Durations in milliseconds, `n` the number
 * of records a node holds: itself, alive, suspected, and dead or left ones that were not collected yet.
 *
 * @module
 */

/** What {@link suspicionTimeoutMs} scales. */
export interface SuspicionScale {
  /** Multiplier, ≥ 1; ckit: 4. */
  readonly suspicionMult: number;
  /** Probe interval; ckit: 5000. */
  readonly probeIntervalMs: number;
}

/**
 * The shortest time from suspicion to death in a cluster of `n`:
 * `suspicionMult × max(1, log₁₀ max(1, n)) × probeInterval`, the logarithm cut to three decimals.
 */
export function suspicionTimeoutMs(n: number, scale: SuspicionScale): number {
  const thousandths = Math.trunc(Math.max(1, Math.log10(Math.max(1, n))) * 1000);
  return scale.suspicionMult * thousandths * scale.probeIntervalMs / 1000;
}

/**
 * How many independent confirmations shorten a suspicion to its minimum: `suspicionMult − 2`, but none in a cluster too small to
 * supply them.
 */
export function confirmationsWanted(n: number, suspicionMult: number): number {
  const wanted = suspicionMult - 2;
  return n - 2 < wanted ? 0 : Math.max(0, wanted);
}

/** Bounds and progress of one suspicion, as {@link remainingSuspicionMs} needs them. */
export interface SuspicionProgress {
  /** Confirmations so far, without the first accuser. */
  readonly confirmations: number;
  /** Confirmations wanted, ≥ 1. */
  readonly wanted: number;
  readonly elapsedMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * What is left of a suspicion (Lifeguard §IV.B): it starts at `max` and falls towards `min` with the logarithm of the confirmations,
 * `max(min, ⌊max − (max − min) × ln(c + 1) / ln(k + 1)⌋) − elapsed`. Zero or less: fire now.
 */
export function remainingSuspicionMs(progress: SuspicionProgress): number {
  const { confirmations, wanted, elapsedMs, minMs, maxMs } = progress;
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1);
  const timeout = Math.floor(maxMs - share * (maxMs - minMs));
  return Math.max(minMs, timeout) - elapsedMs;
}

/** How many packets in all carry one broadcast: `retransmitMult × ⌈log₁₀(n + 1)⌉`. */
export function retransmitLimit(n: number, retransmitMult: number): number {
  return retransmitMult * Math.ceil(Math.log10(n + 1));
}

/**
 * Pause between two push/pulls: the interval up to 32 records, and one interval more each time the cluster doubles beyond, so that
 * the cluster-wide rate of whole-state exchanges grows slower than its size.
 */
export function pushPullIntervalMs(n: number, intervalMs: number): number {
  if (n <= 32) return intervalMs;
  return (Math.ceil(Math.log2(n) - 5) + 1) * intervalMs;
}
