/**
 * Proposals on their way through the log.
 *
 * ```txt
 * queued ──► handed to the core ──► appended at an index ──► applied there in the same term: committed
 *    │             └► rejected: not-proposed       ├► another's entry applied there: dropped
 *    └► not-proposed                               └► covered by a snapshot, or too late: unknown
 * ```
 *
 * A node that loses leadership keeps what it appended pending: whether the new leader's log holds it shows soon, and "unknown"
 * is the answer that helps a caller least. So it does with what is cut off its log: the entry that takes the place need not be
 * committed, and a later leader may hold what was cut off here, and commit it (Figure 8 of the paper). Only what is applied at
 * an index settles what was proposed for it.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { RaftInput, RejectReason } from "../contract.ts";
import type { Entry, Index, Term } from "../entry.ts";
import type { ProposalFailure, ProposalOutcome } from "../errors.ts";
import { Deadlines, type Pending } from "./pending.ts";

/** Options of {@link Proposals}. */
export interface ProposalsOptions {
  readonly clock: Clock;
  /** Calls back in a later turn of the event loop. */
  readonly defer: (callback: () => void) => void;
  readonly feed: (input: RaftInput) => void;
  /** Gives a number for the core to answer to. */
  readonly token: () => number;
  /** Bytes that may wait to be handed to the core; above it proposals fail as overloaded. */
  readonly maxQueuedBytes: number;
  /** Bytes appended and not applied, above which proposals wait in the queue. */
  readonly maxUnappliedBytes: number;
  readonly maxBatchBytes: number;
  readonly maxBatchCommands: number;
}

interface Batch<Result> {
  readonly items: readonly Pending<Result>[];
  readonly bytes: number;
  firstIndex: Index;
  term: Term;
  /** How many of `items` are done with. */
  next: number;
}

/** What the core says of a batch, beside its number. */
const FAILURES: Readonly<Record<RejectReason, ProposalFailure>> = {
  notLeader: "notLeader",
  transferring: "transferring",
  overloaded: "overloaded",
  tooLarge: "tooLarge",
  configPending: "configPending",
  configIllegal: "configIllegal",
  configChanged: "configChanged",
  halted: "halted",
};

/** The proposals of one node. */
export class Proposals<Result> {
  readonly #options: ProposalsOptions;
  readonly #deadlines: Deadlines;
  #queue: Pending<Result>[] = [];
  /** Where the queue begins. */
  #head = 0;
  #queuedBytes = 0;
  #joining = false;
  readonly #handed = new Map<number, Batch<Result>>();
  /** By rising `firstIndex`. */
  #appended: Batch<Result>[] = [];
  /** Cut off the own log; in no order. */
  #cut: Batch<Result>[] = [];
  #unappliedBytes = 0;
  /** The core had enough: wait until something was applied. */
  #held = false;
  #closed: { readonly reason: ProposalFailure } | undefined;

  constructor(options: ProposalsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (now) => this.#expire(now));
  }

  /** Proposals that wait to be handed to the core. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /** Their bytes. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes handed to the core and not applied yet. */
  get unappliedBytes(): number {
    return this.#unappliedBytes;
  }

  /** Takes a proposal. It joins what else comes in this turn of the event loop. */
  add(pending: Pending<Result>): void {
    if (this.#closed !== undefined) return settle(pending, "not-proposed", this.#closed.reason);
    const bytes = pending.data.length;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.#options.maxQueuedBytes) {
      return settle(pending, "not-proposed", "overloaded");
    }
    this.#queue.push(pending);
    this.#queuedBytes += bytes;
    this.#deadlines.add(Math.min(pending.enqueueBy, pending.doneBy));
    this.#join();
  }

  /** Hands one proposal to the core by itself, in an input of its own: a change of the configuration. */
  handOver(pending: Pending<Result>, input: (proposal: number) => RaftInput): void {
    if (this.#closed !== undefined) return settle(pending, "not-proposed", this.#closed.reason);
    const token = this.#options.token();
    this.#handed.set(token, { items: [pending], bytes: 0, firstIndex: 0, term: 0, next: 0 });
    this.#deadlines.add(pending.doneBy);
    this.#options.feed(input(token));
  }

  /** The core appended a batch. */
  proposed(token: number, firstIndex: Index, term: Term): void {
    const batch = this.#take(token);
    if (batch === undefined) return;
    batch.firstIndex = firstIndex;
    batch.term = term;
    for (const pending of batch.items) pending.appended = true;
    this.#appended.push(batch);
  }

  /** The core did not. */
  rejected(token: number, reason: RejectReason, detail: string): void {
    const batch = this.#take(token);
    if (batch === undefined) return;
    this.#unappliedBytes -= batch.bytes;
    if (reason === "overloaded" && batch.bytes > 0) {
      // Back to the front of the queue, until something was applied or their time is over.
      const waiting = batch.items.filter(({ settled }) => !settled);
      this.#queue = [...waiting, ...this.#queue.slice(this.#head)];
      this.#head = 0;
      for (const { data } of waiting) this.#queuedBytes += data.length;
      this.#held = this.#appended.length > 0 || this.#handed.size > 0;
      if (this.#held) return;
    }
    for (const pending of batch.items) settle(pending, "not-proposed", FAILURES[reason], detail);
    this.#release();
  }

  /** The log was cut at `from`: what stood there and after waits apart for its place to be applied. */
  truncated(from: Index): void {
    while (this.#appended.length > 0) {
      const batch = this.#appended[this.#appended.length - 1]!;
      const kept = Math.max(0, from - batch.firstIndex);
      if (kept >= batch.items.length) break;
      this.#cut.push({ ...batch, bytes: 0, next: Math.max(kept, batch.next) });
      this.#appended.pop();
      // A cut inside a batch leaves its beginning where it is.
      if (kept > batch.next) {
        this.#appended.push({ ...batch, items: batch.items.slice(0, kept) });
        break;
      }
      this.#unappliedBytes -= batch.bytes;
    }
    this.#release();
  }

  /** Entries were applied; `results` are theirs, one for each. */
  applied(entries: readonly Entry[], results: readonly (Result | undefined)[]): void {
    let done = 0;
    while (done < this.#appended.length) {
      const batch = this.#appended[done]!;
      if (!isAnswered(batch, entries, results)) break;
      this.#unappliedBytes -= batch.bytes;
      done++;
    }
    if (done > 0) this.#appended.splice(0, done);
    if (this.#cut.length > 0) {
      this.#cut = this.#cut.filter((batch) => !isAnswered(batch, entries, results));
    }
    this.#release();
  }

  /** A snapshot replaced everything up to `index`. */
  restored(index: Index): void {
    const isLeft = (batch: Batch<Result>) => {
      while (batch.next < batch.items.length && batch.firstIndex + batch.next <= index) {
        settle(batch.items[batch.next++]!, "unknown", "snapshot");
      }
      if (batch.next < batch.items.length) return true;
      this.#unappliedBytes -= batch.bytes;
      return false;
    };
    this.#appended = this.#appended.filter(isLeft);
    this.#cut = this.#cut.filter(isLeft);
    this.#release();
  }

  /** Ends everything. What may be in a log ends as `unknown`. */
  close(reason: ProposalFailure): void {
    this.#closed ??= { reason };
    this.#deadlines.stop();
    for (const pending of this.#all()) {
      settle(pending, pending.appended ? "unknown" : "not-proposed", reason);
    }
    this.#queue = [];
    this.#head = 0;
    this.#queuedBytes = 0;
    this.#handed.clear();
    this.#appended = [];
    this.#cut = [];
  }

  #release(): void {
    this.#held = false;
    if (this.queued > 0) this.#join();
  }

  #take(token: number): Batch<Result> | undefined {
    const batch = this.#handed.get(token);
    this.#handed.delete(token);
    return batch;
  }

  #join(): void {
    if (this.#joining || this.#held) return;
    this.#joining = true;
    this.#options.defer(() => {
      this.#joining = false;
      this.#hand();
    });
  }

  /** Hands as much of the queue to the core as may be under way at a time. */
  #hand(): void {
    const { maxUnappliedBytes, maxBatchBytes, maxBatchCommands, token, feed } = this.#options;
    while (this.queued > 0 && !this.#held && this.#closed === undefined) {
      const items: Pending<Result>[] = [];
      const commands: Uint8Array[] = [];
      let bytes = 0;
      while (this.#head < this.#queue.length && items.length < maxBatchCommands) {
        const pending = this.#queue[this.#head]!;
        const { length } = pending.data;
        if (!pending.settled) {
          if (bytes > 0 && bytes + length > maxBatchBytes) break;
          const unapplied = this.#unappliedBytes + bytes;
          if (unapplied > 0 && unapplied + length > maxUnappliedBytes) {
            this.#held = true; // `applied` comes, as something is under way
            break;
          }
          items.push(pending);
          commands.push(pending.data);
          bytes += length;
        }
        this.#queuedBytes -= length;
        this.#head++;
      }
      if (this.#head === this.#queue.length) {
        this.#queue = [];
        this.#head = 0;
      } else if (this.#head > 4_096) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      if (items.length === 0) return;
      const proposal = token();
      this.#unappliedBytes += bytes;
      this.#handed.set(proposal, { items, bytes, firstIndex: 0, term: 0, next: 0 });
      feed({ type: "propose", proposal, commands });
    }
  }

  #expire(now: number): number {
    let next = Infinity;
    const look = (pending: Pending<Result>, by: number, reason: ProposalFailure) => {
      if (pending.settled) return;
      if (by > now) next = Math.min(next, by);
      else settle(pending, pending.appended ? "unknown" : "not-proposed", reason);
    };
    for (let i = this.#head; i < this.#queue.length; i++) {
      const pending = this.#queue[i]!;
      if (pending.doneBy <= pending.enqueueBy) look(pending, pending.doneBy, "timeout");
      else look(pending, pending.enqueueBy, "enqueueTimeout");
    }
    for (const { items } of this.#handed.values()) {
      for (const pending of items) look(pending, pending.doneBy, "timeout");
    }
    for (const { items, next: from } of [...this.#appended, ...this.#cut]) {
      for (let i = from; i < items.length; i++) look(items[i]!, items[i]!.doneBy, "timeout");
    }
    // A node that is a member no more may never get there.
    this.#cut = this.#cut.filter(({ items }) => items.some(({ settled }) => !settled));
    return next;
  }

  *#all(): Generator<Pending<Result>> {
    yield* this.#queue.slice(this.#head);
    for (const { items } of this.#handed.values()) yield* items;
    for (const { items, next } of [...this.#appended, ...this.#cut]) yield* items.slice(next);
  }
}

/** Settles what of a batch was applied, by what was. @returns Whether that is all of it. */
function isAnswered<Result>(
  batch: Batch<Result>,
  entries: readonly Entry[],
  results: readonly (Result | undefined)[],
): boolean {
  const { items, firstIndex, term } = batch;
  const first = entries[0]!.index;
  while (batch.next < items.length) {
    const index = firstIndex + batch.next;
    const at = index - first;
    if (at >= entries.length) return false;
    const pending = items[batch.next++]!;
    if (pending.settled) continue;
    if (entries[at]?.term !== term) settle(pending, "dropped", "superseded");
    else {
      pending.settled = true;
      pending.sink.committed(index, results[at] as Result);
    }
  }
  return true;
}

/** Ends a proposal without success, once. */
export function settle<Result>(
  pending: Pending<Result>,
  outcome: ProposalOutcome,
  reason: ProposalFailure,
  detail = "",
): void {
  if (pending.settled) return;
  pending.settled = true;
  pending.sink.failed(outcome, reason, detail);
}
