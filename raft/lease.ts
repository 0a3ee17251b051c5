import { leaseMs, type RaftSettings } from "./options.ts";

/**
 * For how long a leader may answer reads without asking anybody (thesis §6.4.1). Rule R5.
 *
 * A voter that answers a heartbeat promises to vote for nobody for T by its own clock, and keeps that through restarts. A round that a
 * quorum answered began before any of these promises, so nobody else leads for T after it began. Clocks that run apart by a share of
 * `maxClockDrift` at most leave of that, on the slowest leader beside the fastest voter, `T × (1 − drift)`.
 *
 * A pause is harmless: the instant that the lease is compared with is read after the question came, and what was true then is an answer.
 */
export class Lease {
  readonly #isUsed: boolean;
  readonly #lastsMs: number;
  /** When the rounds from `#firstRound` on began. */
  #beganAt: number[] = [];
  #firstRound = 1;
  /** When the latest round began that a quorum answered. */
  #from = -Infinity;
  #isEnded = false;

  /** Begins with none. */
  constructor(settings: RaftSettings) {
    this.#isUsed = settings.leaseReads;
    this.#lastsMs = leaseMs(settings);
  }

  /** Whether there may be leases, so that every heartbeat has a round of its own. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** A reign begins. @param round The latest round of those before. */
  beginReign(round: number): void {
    this.#from = -Infinity;
    this.#isEnded = false;
    this.#beganAt = [];
    this.#firstRound = round + 1;
  }

  /** The next round begins. */
  began(now: number): void {
    if (this.#isUsed) this.#beganAt.push(now);
  }

  /** A quorum answered this round. */
  confirmed(round: number): void {
    if (!this.#isUsed || round < this.#firstRound) return;
    this.#from = this.#beganAt[round - this.#firstRound]!;
    this.#beganAt.splice(0, round - this.#firstRound + 1);
    this.#firstRound = round + 1;
  }

  /** Another quorum decides: what the former one gave is over. */
  drop(): void {
    this.#from = -Infinity;
  }

  /** A successor was told to campaign, and nobody refuses it: there are no more in this reign. */
  end(): void {
    this.#isEnded = true;
  }

  /** Whether one holds. */
  holds(now: number): boolean {
    return this.#isUsed && !this.#isEnded && now < this.#from + this.#lastsMs;
  }
}
