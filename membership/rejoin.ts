/**
 * The background loop that heals splits: look again who should be there, and join some of those that are not.
 *
 * @module
 */
import type { Address, Prng } from "../gossip/strategy.ts";
import type { Clock } from "./clock.ts";

/** Options of {@link Rejoin}. */
export interface RejoinOptions {
  /** Measures the intervals. */
  readonly clock: Clock;
  /** Spreads the rounds and picks the addresses. */
  readonly random: Prng;
  /** Time between two rounds, ± 10 %. While the node is alone, rounds begin a second apart and grow to it. */
  readonly intervalMs: number;
  /** How many addresses a round joins at most. */
  readonly maxJoinPeers: number;
  /** Finds the addresses of the cluster, the own one included or not. Asked anew every round: neither answers nor failures are kept. */
  readonly discover: (signal: AbortSignal) => Promise<readonly Address[]>;
  /** Addresses of the members that are alive, the own one included. */
  readonly known: () => ReadonlySet<Address>;
  /** Joins; resolves with how many answered. */
  readonly join: (addresses: readonly Address[]) => Promise<number>;
  /** Hears of a round that joined somebody. */
  readonly joined: (count: number) => void;
  /** Hears of a failed round. */
  readonly failed: (error: unknown) => void;
}

const firstDelayMs = 1_000;

/**
 * Re-joins in the background. Two halves of a cluster that do not know each other become one as soon as one round of one node finds one
 * address of the other half.
 */
export class Rejoin {
  readonly #options: RejoinOptions;
  readonly #closing = new AbortController();
  #cancel: (() => void) | undefined;
  #round: Promise<void> | undefined;
  #aloneRounds = 0;

  /** Creates a loop at rest. */
  constructor(options: RejoinOptions) {
    this.#options = options;
  }

  /** Begins the rounds. Idempotent. */
  start(): void {
    if (this.#cancel === undefined && this.#round === undefined) this.#schedule();
  }

  /** Runs a round now, or joins the one under way. Never rejects. */
  round(): Promise<void> {
    this.#round ??= this.#runRound().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** Ends the rounds and what one of them is doing. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancel?.();
    await this.#round;
  }

  async #runRound(): Promise<void> {
    const { discover, known, join, joined, maxJoinPeers, random, failed } = this.#options;
    const { signal } = this.#closing;
    try {
      const found = await discover(signal);
      if (signal.aborted) return;
      const missing = someMissing(found, { alive: known(), maxJoinPeers, random });
      if (missing.length > 0) joined(await join(missing));
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  }

  #schedule(): void {
    if (this.#closing.signal.aborted) return;
    const { clock, random, intervalMs, known } = this.#options;
    this.#aloneRounds = known().size > 1 ? 0 : this.#aloneRounds + 1;
    const pauseMs = roundPauseMs(this.#aloneRounds, { intervalMs, random });
    this.#cancel = clock.setTimer(pauseMs, () => {
      void this.round().then(() => this.#schedule());
    });
  }
}

/** Time until the next round, ± 10 %: the interval, but a second after the first round alone, twice as long after each further one. */
export function roundPauseMs(
  aloneRounds: number,
  { intervalMs, random }: Pick<RejoinOptions, "intervalMs" | "random">,
): number {
  const pauseMs = aloneRounds > 0
    ? Math.min(intervalMs, firstDelayMs * 2 ** Math.min(aloneRounds - 1, 16))
    : intervalMs;
  return pauseMs * (0.9 + 0.2 * random());
}

/** Whom a round joins: some of those that were found and are not alive, in random order. */
export function someMissing(
  found: readonly Address[],
  { alive, maxJoinPeers, random }:
    & { readonly alive: ReadonlySet<Address> }
    & Pick<RejoinOptions, "maxJoinPeers" | "random">,
): readonly Address[] {
  const missing = [...new Set(found)].filter((address) => !alive.has(address));
  return shuffled(missing, random).slice(0, maxJoinPeers);
}

/** A copy in random order (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: Prng): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
