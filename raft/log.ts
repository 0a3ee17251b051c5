import type { Entry, Index, Term } from "./entry.ts";

/** A write of the log that the disk has not acknowledged. */
interface Write {
  readonly token: number;
  readonly sync: boolean;
  /** The last index that it makes durable. Falls when a later write overwrites what it wrote. */
  last: Index;
}

/** A position with its term. */
export interface EntryId {
  readonly index: Index;
  /** 0 when compacted away: unknown. */
  readonly term: Term;
}

/**
 * The log since the last compaction, in memory, and how much of it is durable.
 *
 * An index is durable only when the *latest* write that covers it is acknowledged (L9): cutting the log also shortens what the
 * writes under way can still prove. Say an entry is written, overwritten, and written again, equal to the first: the first
 * acknowledgement proves nothing about the third.
 */
export class RaftLog {
  #entries: Entry[];
  /** The index before the first entry. */
  #offset: Index;
  /** Its term. */
  #offsetTerm: Term;
  #durable: Index;
  #writes: Write[] = [];
  #token = 0;
  // The last slice: a leader sends the same one to each follower.
  #slice: readonly Entry[] = [];
  #sliceBytes = 0;

  /** A log after `offset` whose `entries`, contiguous, are durable. The array is the log's from then on. */
  constructor(offset: EntryId, entries: Entry[]) {
    this.#offset = offset.index;
    this.#offsetTerm = offset.term;
    this.#entries = entries;
    this.#durable = offset.index + entries.length;
  }

  /** The index before the first entry that is held. */
  get offset(): Index {
    return this.#offset;
  }

  /** The index of the last entry. */
  get last(): Index {
    return this.#offset + this.#entries.length;
  }

  /** The term of the last entry. */
  get lastTerm(): Term {
    const { length } = this.#entries;
    return length === 0 ? this.#offsetTerm : this.#entries[length - 1]!.term;
  }

  /** All up to this index is on the disk, and equal to this log. */
  get durable(): Index {
    return this.#durable;
  }

  /** The token of the latest write. */
  get token(): number {
    return this.#token;
  }

  /** Whether a write is under way whose durability was asked for. */
  get isWriting(): boolean {
    return this.#writes.some((write) => write.sync);
  }

  /** The term at an index; `undefined` when it is compacted away or beyond the end. */
  term(index: Index): Term | undefined {
    const at = index - this.#offset;
    if (at === 0) return this.#offsetTerm;
    return at < 0 ? undefined : this.#entries[at - 1]?.term;
  }

  /** The entry at an index. */
  entry(index: Index): Entry | undefined {
    return this.#entries[index - this.#offset - 1];
  }

  /** Appends an entry that stands at `last + 1`. */
  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Drops the entries from an index on. */
  truncate(from: Index): void {
    this.#entries.length = Math.max(0, from - this.#offset - 1);
    this.#forget(from - 1);
    this.#slice = [];
  }

  /** Replaces the whole log by a snapshot. What was durable below it stays known, up to `kept`. */
  reset(snapshot: EntryId, kept: Index): void {
    this.#entries = [];
    this.#offset = snapshot.index;
    this.#offsetTerm = snapshot.term;
    this.#forget(kept);
    this.#slice = [];
  }

  /** Drops the entries up to and including an index that is held. */
  compact(through: Index): void {
    const term = this.term(through);
    if (through <= this.#offset || term === undefined) return;
    this.#entries = this.#entries.slice(through - this.#offset);
    this.#offset = through;
    this.#offsetTerm = term;
    this.#slice = [];
  }

  /** Entries from an index on, up to `maxBytes` of data and `maxCount`, but one at least. Not to be changed. */
  slice(from: Index, maxBytes: number, maxCount: number): readonly Entry[] {
    const begin = from - this.#offset - 1;
    const { length } = this.#entries;
    if (begin < 0 || begin >= length) return [];
    let bytes = 0;
    let end = begin;
    const limit = Math.min(length, begin + maxCount);
    for (; end < limit; end++) {
      bytes += this.#entries[end]!.data.length;
      if (bytes > maxBytes && end > begin) {
        bytes -= this.#entries[end]!.data.length;
        break;
      }
    }
    const count = end - begin;
    if (this.#slice.length !== count || this.#slice[0] !== this.#entries[begin]) {
      this.#slice = this.#entries.slice(begin, end);
    }
    this.#sliceBytes = bytes;
    return this.#slice;
  }

  /** Bytes of data of the latest {@link slice}. */
  get sliceBytes(): number {
    return this.#sliceBytes;
  }

  /** Entries from `from` to `to`, both included. */
  range(from: Index, to: Index): readonly Entry[] {
    return this.#entries.slice(from - this.#offset - 1, to - this.#offset);
  }

  /**
   * The largest index at or below `index` whose term is at or below `term` (L6). With it a follower and a leader skip a term with each
   * probe. Terms do not fall along a log, so this is a binary search. Below what is held the term is unknown, given as 0: it may match.
   */
  lastAtOrBelow(index: Index, term: Term): EntryId {
    if (index < this.#offset) return { index, term: 0 };
    let high = Math.min(index, this.last);
    if (this.#offsetTerm > term) return { index: Math.max(0, this.#offset - 1), term: 0 };
    let low = this.#offset;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.term(middle)! <= term) low = middle;
      else high = middle - 1;
    }
    return { index: low, term: this.term(low)! };
  }

  /** Whether a log that ends there is at least as up to date as this one (§5.4.1). */
  isUpToDate(lastIndex: Index, lastTerm: Term): boolean {
    const own = this.lastTerm;
    return lastTerm > own || (lastTerm === own && lastIndex >= this.last);
  }

  /** Begins a write of all that is not yet written. @returns Its token. */
  write(sync: boolean): number {
    this.#writes.push({ token: ++this.#token, sync, last: this.last });
    return this.#token;
  }

  /** Notes that the write with this token and all before it are durable. */
  acknowledge(token: number): void {
    let count = 0;
    for (; count < this.#writes.length; count++) {
      const write = this.#writes[count]!;
      if (write.token > token) break;
      if (write.last > this.#durable) this.#durable = write.last;
    }
    if (count === 1) this.#writes.shift();
    else if (count > 0) this.#writes.splice(0, count);
  }

  #forget(kept: Index): void {
    if (this.#durable > kept) this.#durable = kept;
    for (const write of this.#writes) {
      if (write.last > kept) write.last = kept;
    }
  }
}
