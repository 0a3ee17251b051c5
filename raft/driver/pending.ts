/**
 * A call that waits for the group.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { Index } from "../entry.ts";
import { type ProposalFailure, type ProposalOutcome } from "../errors.ts";

/** A committed and applied command. */
export interface Committed<Result> {
  /** Where it stands in the log. */
  readonly index: Index;
  /** What the state machine said. */
  readonly result: Result;
}

/** What a pending proposal is told. Exactly one of the two, once. */
export interface ProposalSink<Result> {
  /** It was committed and applied here. */
  committed(index: Index, result: Result): void;
  /** It was not, or nobody knows. */
  failed(outcome: ProposalOutcome, reason: ProposalFailure, detail: string): void;
}

/** A proposal under way. */
export interface Pending<Result> {
  data: Uint8Array;
  readonly sink: ProposalSink<Result>;
  /** Instant until which it must have been handed to the core. */
  readonly enqueueBy: number;
  /** Instant until which it must be done. */
  readonly doneBy: number;
  /** Whether `sink` was told. */
  settled: boolean;
  /** Whether it may be in a log. */
  appended: boolean;
}

/** One timer for many deadlines: they are looked through when the earliest has passed. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #expire: (now: number) => number;
  #at = Infinity;
  #cancel: () => void = () => {};

  /** @param expire Ends what is due and returns the next deadline. */
  constructor(clock: Clock, expire: (now: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Takes one more deadline into account. */
  add(at: number): void {
    if (at >= this.#at) return;
    this.#cancel();
    this.#at = at;
    if (at === Infinity) return;
    this.#cancel = this.#clock.setTimer(Math.max(0, at - this.#clock.now()), () => {
      this.#at = Infinity;
      this.add(this.#expire(this.#clock.now()));
    });
  }

  /** Ends the timer. */
  stop(): void {
    this.#cancel();
    this.#at = Infinity;
  }
}
