import type { Persist } from "../log_store.ts";
import type { Entry, HardState, Index, SnapshotMeta, Term } from "../entry.ts";

/** What the log says of a snapshot that is durable in the snapshot store. */
export type SnapshotMark = Omit<SnapshotMeta, "config">;

/** A fresh node's hard state. */
export const initialHardState: HardState = { term: 0, votedFor: undefined, commit: 0 };

/** Marks remembered: the newest, and those to fall back on when its file does not verify. */
const MARKS = 4;

/**
 * What a log means once some batches were read: the last writer of an index wins, and everything after it is gone.
 *
 * The memory store keeps one; recovery replays into one; tests compare with one.
 */
export class LogImage {
  /** Contiguous, from {@link LogImage.firstIndex}. */
  readonly entries: Entry[] = [];
  /** The last one set. */
  hardState: HardState = initialHardState;
  /** Newest last. */
  marks: readonly SnapshotMark[] = [];
  #firstIndex: Index;

  /** @param firstIndex Where the first entry will stand. */
  constructor(firstIndex: Index = 1) {
    this.#firstIndex = firstIndex;
  }

  /** Where the first entry stands, or would. */
  get firstIndex(): Index {
    return this.#firstIndex;
  }

  /** Where the next entry goes. */
  get nextIndex(): Index {
    return this.#firstIndex + this.entries.length;
  }

  /** The term of an entry that is held. */
  termAt(index: Index): Term | undefined {
    return this.entries[index - this.#firstIndex]?.term;
  }

  /** Drops the log at and after `fromIndex`. */
  truncate(fromIndex: Index): void {
    if (fromIndex >= this.nextIndex) return;
    if (fromIndex <= this.#firstIndex) this.#reset(fromIndex);
    else this.entries.length = fromIndex - this.#firstIndex;
  }

  /** Sets the last writer of an index. @returns Whether it connects to what is before it. */
  append(entry: Entry): boolean {
    if (entry.index > this.nextIndex) return false;
    this.truncate(entry.index);
    this.entries.push(entry);
    return true;
  }

  /** Names a snapshot. One that lies beyond the log, or contradicts it, begins the log anew after itself; so does one with `reset`. */
  mark(mark: SnapshotMark, reset = false): void {
    const term = this.termAt(mark.index);
    if (
      reset || mark.index >= this.nextIndex || (term !== undefined && term !== mark.term)
    ) {
      this.#reset(mark.index + 1);
    }
    this.marks = withMark(this.marks, mark);
  }

  /** Performs a whole effect. */
  persist(effect: Persist): void {
    if (effect.truncateFrom !== undefined) this.truncate(effect.truncateFrom);
    if (effect.resetLog && effect.snapshot !== undefined) this.mark(effect.snapshot, true);
    for (const entry of effect.entries) this.append(entry);
    if (effect.hardState !== undefined) this.hardState = effect.hardState;
    if (effect.snapshot !== undefined && !effect.resetLog) this.mark(effect.snapshot);
  }

  /** Forgets entries up to `through`. */
  compact(through: Index): void {
    const count = Math.min(through + 1 - this.#firstIndex, this.entries.length);
    if (count <= 0) return;
    this.entries.splice(0, count);
    this.#firstIndex += count;
  }

  /** The newest of `snapshots` that this log goes on from. `"lost"` when there must be one and is none. */
  snapshotAmong(snapshots: readonly SnapshotMeta[]): SnapshotMeta | undefined | "lost" {
    const newestFirst = [...snapshots].sort((a, b) => b.index - a.index || b.term - a.term);
    for (const snapshot of newestFirst) {
      if (snapshot.index + 1 < this.#firstIndex || snapshot.index >= this.nextIndex) continue;
      if (this.termAt(snapshot.index) === snapshot.term || this.#marked(snapshot)) return snapshot;
    }
    return this.#firstIndex === 1 ? undefined : "lost";
  }

  #marked(snapshot: SnapshotMeta): boolean {
    return this.marks.some(({ index, term }) => index === snapshot.index && term === snapshot.term);
  }

  #reset(firstIndex: Index): void {
    this.entries.length = 0;
    this.#firstIndex = firstIndex;
  }
}

/** `marks` with one more, newest last, the oldest forgotten. */
export function withMark(
  marks: readonly SnapshotMark[],
  { index, term, configIndex, id }: SnapshotMark,
): readonly SnapshotMark[] {
  const others = marks.filter((mark) => mark.id !== id).slice(1 - MARKS);
  return [...others, { index, term, configIndex, id }];
}

/**
 * Refuses an effect that would leave a hole, before anything changes.
 *
 * @throws {RangeError} It does not connect to a log whose next entry goes to `nextIndex`.
 * @returns Where the next entry would go.
 */
export function nextIndexAfter(effect: Persist, nextIndex: Index): Index {
  let next = Math.min(nextIndex, effect.truncateFrom ?? nextIndex);
  if (effect.resetLog) {
    if (effect.snapshot === undefined) {
      throw new RangeError("Cannot reset the log as a snapshot must be given with it");
    }
    next = effect.snapshot.index + 1;
  }
  const first = effect.entries[0]?.index ?? next;
  if (first > next || first < 1) {
    throw new RangeError(
      `Cannot append as the first index must be 1 to ${next}: current value is ${first}`,
    );
  }
  for (let i = 0; i < effect.entries.length; i++) {
    const { index } = effect.entries[i]!;
    if (index !== first + i) {
      throw new RangeError(
        `Cannot append as index ${first + i} must follow: current value is ${index}`,
      );
    }
  }
  next = first + effect.entries.length;
  if (effect.snapshot !== undefined) next = Math.max(next, effect.snapshot.index + 1);
  return next;
}
