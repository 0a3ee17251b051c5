/**
 * Linearizable reads, and checks of leadership: all that are asked for in one turn of the event loop share one question to the group. With
 * leases, those that want a round of their own do not wait with the others.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { RaftInput } from "../contract.ts";
import type { Index } from "../entry.ts";
import type { ReadError } from "../errors.ts";
import { Deadlines } from "./pending.ts";

/** A read under way. */
export interface PendingRead {
  /** Whether it waits until the state machine holds the index. */
  readonly untilApplied: boolean;
  /** Whether a round of the group has to confirm it, whatever lease the leader holds. */
  readonly byRound: boolean;
  /** Whether it may be asked for again when leadership moves. */
  readonly retries: boolean;
  readonly doneBy: number;
  readonly done: (index: Index) => void;
  readonly failed: (reason: ReadError["reason"]) => void;
  settled: boolean;
}

/** Options of {@link Reads}. */
export interface ReadsOptions {
  readonly clock: Clock;
  readonly defer: (callback: () => void) => void;
  readonly feed: (input: RaftInput) => void;
  readonly token: () => number;
  /** A round that was not answered for this long is asked for again: a question to the leader may get lost. */
  readonly retryMs: number;
  readonly maxPending: number;
}

interface Round {
  readonly reads: readonly PendingRead[];
  readonly retryAt: number;
}

/** The reads of one node. */
export class Reads {
  readonly #options: ReadsOptions;
  readonly #deadlines: Deadlines;
  /** To be asked for in this turn. */
  #joining: PendingRead[] = [];
  #deferred = false;
  readonly #rounds = new Map<number, Round>();
  /** To be asked for again later. */
  #again: PendingRead[] = [];
  #againAt = Infinity;
  /** Confirmed, and waiting for the state machine. */
  #confirmed: { readonly index: Index; readonly reads: readonly PendingRead[] }[] = [];
  #appliedIndex: Index = 0;
  #pending = 0;
  #closed: ReadError["reason"] | undefined;

  constructor(options: ReadsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (now) => this.#expire(now));
  }

  /** Reads under way. */
  get pending(): number {
    return this.#pending;
  }

  /** Takes a read. */
  add(read: PendingRead): void {
    if (this.#closed !== undefined) return read.failed(this.#closed);
    if (this.#pending >= this.#options.maxPending) return read.failed("overloaded");
    this.#pending++;
    this.#deadlines.add(read.doneBy);
    this.#join([read]);
  }

  /** Takes one back: its caller is gone. */
  forget(read: PendingRead): void {
    if (read.settled) return;
    read.settled = true;
    this.#pending--;
  }

  /** The group confirmed a round. */
  ready(token: number, index: Index): void {
    const round = this.#rounds.get(token);
    if (round === undefined) return;
    this.#rounds.delete(token);
    const waiting: PendingRead[] = [];
    for (const read of round.reads) {
      if (index <= this.#appliedIndex || !read.untilApplied) this.#done(read, index);
      else waiting.push(read);
    }
    if (waiting.length > 0) this.#confirmed.push({ index, reads: waiting });
  }

  /** It did not. */
  refused(token: number, reason: "noLeader" | "lostLeadership" | "overloaded"): void {
    const round = this.#rounds.get(token);
    if (round === undefined) return;
    this.#rounds.delete(token);
    const again: PendingRead[] = [];
    for (const read of round.reads) {
      if (read.retries) again.push(read);
      else this.#fail(read, reason === "lostLeadership" ? "notLeader" : reason);
    }
    if (again.length === 0) return;
    this.#again.push(...again);
    this.#againAt = Math.min(this.#againAt, this.#options.clock.now() + this.#options.retryMs / 4);
    this.#deadlines.add(this.#againAt);
  }

  /** Somebody leads now: what waits for that is asked for at once. */
  leaderKnown(): void {
    this.#askAgain();
  }

  /** The state machine holds everything up to `index`. */
  applied(index: Index): void {
    this.#appliedIndex = index;
    if (this.#confirmed.length === 0) return;
    const left = [];
    for (const one of this.#confirmed) {
      if (one.index > index) left.push(one);
      else for (const read of one.reads) this.#done(read, one.index);
    }
    this.#confirmed = left;
  }

  /** Ends everything. */
  close(reason: ReadError["reason"]): void {
    this.#closed ??= reason;
    this.#deadlines.stop();
    for (const read of this.#all()) this.#fail(read, reason);
    this.#joining = [];
    this.#rounds.clear();
    this.#again = [];
    this.#confirmed = [];
  }

  #join(reads: readonly PendingRead[]): void {
    for (const read of reads) this.#joining.push(read);
    if (this.#deferred) return;
    this.#deferred = true;
    this.#options.defer(() => {
      this.#deferred = false;
      const asked = this.#joining.filter(({ settled }) => !settled);
      this.#joining = [];
      if (this.#closed !== undefined) return;
      this.#ask(asked.filter((read) => read.byRound), true);
      this.#ask(asked.filter((read) => !read.byRound), false);
    });
  }

  #ask(reads: readonly PendingRead[], byRound: boolean): void {
    if (reads.length === 0) return;
    const { clock, retryMs, token, feed } = this.#options;
    const read = token();
    const retryAt = clock.now() + retryMs;
    this.#rounds.set(read, { reads, retryAt });
    this.#deadlines.add(retryAt);
    feed({ type: "readIndex", read, byRound });
  }

  #askAgain(): void {
    this.#againAt = Infinity;
    if (this.#again.length === 0) return;
    const again = this.#again;
    this.#again = [];
    this.#join(again);
  }

  #done(read: PendingRead, index: Index): void {
    if (read.settled) return;
    read.settled = true;
    this.#pending--;
    read.done(index);
  }

  #fail(read: PendingRead, reason: ReadError["reason"]): void {
    if (read.settled) return;
    read.settled = true;
    this.#pending--;
    read.failed(reason);
  }

  #expire(now: number): number {
    for (const read of this.#all()) if (read.doneBy <= now) this.#fail(read, "timeout");
    for (const [token, { reads, retryAt }] of this.#rounds) {
      if (retryAt > now) continue;
      this.#rounds.delete(token);
      this.#again.push(...reads.filter(({ settled }) => !settled));
      if (this.#again.length > 0) this.#againAt = now;
    }
    if (this.#againAt <= now) this.#askAgain();
    let next = this.#againAt;
    for (const { retryAt } of this.#rounds.values()) next = Math.min(next, retryAt);
    for (const { settled, doneBy } of this.#all()) if (!settled) next = Math.min(next, doneBy);
    return next;
  }

  *#all(): Generator<PendingRead> {
    yield* this.#joining;
    for (const { reads } of this.#rounds.values()) yield* reads;
    yield* this.#again;
    for (const { reads } of this.#confirmed) yield* reads;
  }
}
