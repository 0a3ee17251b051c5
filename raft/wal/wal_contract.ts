/**
 * What goes into the log's state machine, and what comes out.
 *
 * @module
 */
import type { HardState, Index } from "../entry.ts";
import type { Persist } from "../log_store.ts";
import type { Checksum } from "./checksum.ts";
import type { SnapshotMark } from "./log_image.ts";
import type { WalSegment } from "./segment_list.ts";
import type { DiskJob } from "./step.ts";

/** What the log is told. */
export type WalInput =
  /** Stage one effect, under its token. Followed by `flush` when the caller has no more at hand. */
  | { readonly type: "append"; readonly effect: Persist }
  /** Write what is staged, unless a write is under way: its end does the same. */
  | { readonly type: "flush" }
  /** A job is done. */
  | { readonly type: "done"; readonly operation: number }
  /** A step of a job failed; those after it were not begun. */
  | { readonly type: "failed"; readonly operation: number; readonly error: unknown }
  /** Entries up to `through` are no longer needed. */
  | { readonly type: "compact"; readonly through: Index }
  /** Nothing was appended for a while: a good moment to say on disk that all of it is durable. */
  | { readonly type: "idle" }
  /** Seal, and end. */
  | { readonly type: "close" };

/** What the log asks for, in this order. */
export type WalEffect =
  /** Perform, and answer with `done` or `failed`. */
  | { readonly type: "job"; readonly job: DiskJob }
  /** The effect of this token, and all appended before it, are answered: durable, unless they asked not to be. */
  | { readonly type: "durable"; readonly token: number }
  /** The disk failed. Nothing more will be written or answered. */
  | { readonly type: "poisoned"; readonly error: unknown }
  /** All is written and sealed. */
  | { readonly type: "closed" };

/** Where a log stands: what recovery hands over. */
export interface WalState {
  /** Oldest first; batches go to the last. */
  readonly segments: readonly WalSegment[];
  /** Where the next batch goes in it. */
  readonly tail: number;
  /** The last batch's number. */
  readonly batchSeq: number;
  /** The last batch's checksum. */
  readonly chain: number;
  /** Where the next entry goes. */
  readonly nextIndex: Index;
  /** The last one set. */
  readonly hardState: HardState;
  /** Newest last. */
  readonly marks: readonly SnapshotMark[];
  /** Whether a spare segment lies ready. */
  readonly spare: boolean;
}

/** Settings of the log's core. */
export interface WalOptions {
  /** Names the store, 16 bytes. */
  readonly storageId: Uint8Array;
  /** Bytes of a segment; a larger batch makes its segment larger. */
  readonly segmentBytes: number;
  /** What new segments are written with. */
  readonly checksum: Checksum;
}
