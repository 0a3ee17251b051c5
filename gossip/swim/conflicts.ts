import type { Address } from "../strategy.ts";
import type { Turn } from "./turn.ts";

const REPORT_EVERY_MS = 30_000;
const MAX_NAMES = 1024;

/** Reports names that two nodes claim: each claim is counted, but told at most once a name and 30 s. */
export class ConflictReports {
  readonly #turn: Turn;
  readonly #told = new Map<string, number>();

  /** Reports through a turn. */
  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** `claimed` was heard for a name known at `known`. */
  report(name: string, known: Address, claimed: Address): void {
    const { now } = this.#turn;
    this.#turn.count("eventNodeConflict");
    const told = this.#told.get(name);
    if (told !== undefined && now - told < REPORT_EVERY_MS) return;
    this.#told.delete(name);
    this.#told.set(name, now);
    const oldest = this.#told.keys().next().value;
    if (this.#told.size > MAX_NAMES && oldest !== undefined) this.#told.delete(oldest);
    this.#turn.emit({ type: "conflict", name, known, claimed });
  }
}
