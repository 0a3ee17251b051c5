import type { Index } from "../entry.ts";

/** A segment that holds batches. */
export interface WalSegment {
  /** Its file. */
  readonly name: string;
  /** Counts segments from 1. */
  readonly seq: number;
  /** Bytes of its file. */
  readonly capacity: number;
  /** Where the batches begin that are not restated. */
  readonly start: number;
  /** The highest index among its entries, overwritten ones included; 0 when it has none. */
  readonly maxIndex: Index;
  /** How many entries it has, overwritten ones included. */
  readonly entries: number;
}

/** A file of a segment's size, ready to become the next. */
export const SPARE_FILE = "spare.log";

/** The same in the making. */
export const SPARE_TEMPORARY_FILE = "spare.tmp";

/**
 * The oldest segments that hold nothing after `through`. Never the last, which batches go to.
 *
 * @param segments Oldest first.
 * @param through Entries up to here are covered by a snapshot that the log durably names.
 */
export function deadSegments(
  segments: readonly WalSegment[],
  through: Index,
): readonly WalSegment[] {
  const closed = segments.slice(0, -1);
  const alive = closed.findIndex(({ maxIndex }) => maxIndex > through);
  return alive < 0 ? closed : closed.slice(0, alive);
}
