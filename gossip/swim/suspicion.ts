import { confirmationsWanted, remainingSuspicionMs, suspicionTimeoutMs } from "./formulas.ts";
import type { Timer } from "./timers.ts";

/** How often one verdict, of a probe or a suspicion, waits for a process that stalled. */
export const MAX_POSTPONED = 8;

/** What a {@link Suspicion} is begun with. */
export interface SuspicionOptions {
  /** Records held, see `formulas.ts`. */
  readonly n: number;
  readonly suspicionMult: number;
  readonly suspicionMaxTimeoutMult: number;
  readonly probeIntervalMs: number;
  /** The instant. */
  readonly now: number;
}

/** One running suspicion: who confirmed it, and when it becomes a death (Lifeguard §IV.B). */
export class Suspicion {
  /** Set and moved by the owner; fires at {@link deadline}. */
  timer: Timer | undefined;
  #start: number;
  #deadline: number;
  /** No earlier, whoever confirms: what waited for this process has to be read first. */
  #readUntil = -Infinity;
  #postponed = 0;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #wanted: number;
  readonly #accusers: Set<string>;

  /** Begins with its first accuser, who does not count as a confirmation. */
  constructor(accuser: string, options: SuspicionOptions) {
    this.#wanted = confirmationsWanted(options.n, options.suspicionMult);
    this.#minMs = suspicionTimeoutMs(options.n, options);
    this.#maxMs = this.#minMs * options.suspicionMaxTimeoutMult;
    this.#start = options.now;
    this.#deadline = options.now + (this.#wanted === 0 ? this.#minMs : this.#maxMs);
    this.#accusers = new Set([accuser]);
  }

  /** The instant of death unless refuted or confirmed before. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Confirmations so far. */
  get confirmations(): number {
    return this.#accusers.size - 1;
  }

  /** Another accuser. `false` when it is no news: known, or enough already. News moves {@link deadline}, perhaps into the past. */
  confirm(accuser: string, now: number): boolean {
    if (this.confirmations >= this.#wanted || this.#accusers.has(accuser)) return false;
    this.#accusers.add(accuser);
    const due = now + remainingSuspicionMs({
      confirmations: this.confirmations,
      wanted: this.#wanted,
      elapsedMs: now - this.#start,
      minMs: this.#minMs,
      maxMs: this.#maxMs,
    });
    this.#deadline = Math.max(due, this.#readUntil);
    return true;
  }

  /**
   * Takes time out of the account that this process slept through, and leaves it time to read what waited: a refutation may be
   * among it. Only {@link MAX_POSTPONED} times, so that a process which is always late still finds the dead.
   */
  postpone(
    stall: { readonly now: number; readonly lateMs: number; readonly graceMs: number },
  ): void {
    if (this.#postponed++ >= MAX_POSTPONED) return;
    this.#start += stall.lateMs;
    this.#readUntil = stall.now + stall.graceMs;
    this.#deadline = Math.max(this.#deadline + stall.lateMs, this.#readUntil);
  }
}
