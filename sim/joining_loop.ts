import type { Address, Prng } from "../gossip/strategy.ts";
import type { Clock } from "../membership/clock.ts";
import { roundPauseMs, shuffled, someMissing } from "../membership/rejoin.ts";

/** Options of {@link JoiningLoop}. */
export interface JoiningLoopOptions {
  readonly clock: Clock;
  readonly random: Prng;
  /** Time between rounds, ± 10 %; `Infinity`: none. */
  readonly intervalMs: number;
  /** Addresses joined at a time. */
  readonly maxJoinPeers: number;
  /** Where the cluster may be, right now. */
  readonly discover: () => readonly Address[];
  /** Addresses believed alive, the own one included. */
  readonly known: () => ReadonlySet<Address>;
  /** Joins; `ended` hears whether anybody answered. */
  readonly join: (addresses: readonly Address[], ended: (joined: boolean) => void) => void;
}

/** How a node joins at its start, and goes on looking for missing members: the decisions of `membership/`, without its promises. */
export class JoiningLoop {
  readonly #options: JoiningLoopOptions;
  #aloneRounds = 0;
  #started = false;
  #closed = false;

  /** Creates a loop at rest. */
  constructor(options: JoiningLoopOptions) {
    this.#options = options;
  }

  /** Whether the first join is under way. */
  joining = false;

  /** Joins through addresses and what is discovered, some at a time until one answers; then goes on in the background. */
  start(given: readonly Address[]): void {
    const { discover, random, maxJoinPeers, join } = this.#options;
    const order = shuffled([...new Set([...given, ...discover()])], random);
    this.joining = true;
    const next = (at: number): void => {
      if (this.#closed) return;
      if (at >= order.length) return this.#keepOn();
      join(order.slice(at, at + maxJoinPeers), (joined) => {
        if (joined) this.#keepOn();
        else next(at + maxJoinPeers);
      });
    };
    next(0);
  }

  /** Ends all rounds. */
  close(): void {
    this.#closed = true;
  }

  #keepOn(): void {
    this.joining = false;
    if (this.#started || this.#options.intervalMs === Infinity) return;
    this.#started = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    const { clock, random, intervalMs, known } = this.#options;
    this.#aloneRounds = known().size > 1 ? 0 : this.#aloneRounds + 1;
    const pauseMs = roundPauseMs(this.#aloneRounds, { intervalMs, random });
    clock.setTimer(pauseMs, () => this.#round());
  }

  #round(): void {
    if (this.#closed) return;
    const { discover, known, join, random, maxJoinPeers } = this.#options;
    const missing = someMissing(discover(), { alive: known(), maxJoinPeers, random });
    if (missing.length === 0) return this.#schedule();
    join(missing, () => this.#schedule());
  }
}
