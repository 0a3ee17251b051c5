/**
 * What the log asks of a disk, as data: a driver performs it with files, a simulator with a disk of its own.
 *
 * Files are named within the store's one directory.
 *
 * @module
 */

/** One act on files. */
export type DiskStep =
  /** Puts bytes into a file, which grows as needed. The bytes are the log's again once the job is done. */
  | {
    readonly type: "write";
    readonly file: string;
    readonly offset: number;
    readonly bytes: Uint8Array;
  }
  /** Makes a file's bytes and size durable (`fdatasync`). */
  | { readonly type: "sync"; readonly file: string }
  /** Makes a file of that many zeros, really written, in place of any of that name. */
  | { readonly type: "create"; readonly file: string; readonly sizeBytes: number }
  /** Gives a file another name, atomically; whatever had that name is gone. */
  | { readonly type: "rename"; readonly from: string; readonly to: string }
  /** Takes a file's name away. No error when there is none. */
  | { readonly type: "remove"; readonly file: string }
  /** Makes names durable. */
  | { readonly type: "syncDirectory" };

/** Steps to be performed one after the other, each only once the one before has succeeded. */
export interface DiskJob {
  /** To be named when it is done, or has failed. */
  readonly operation: number;
  /** `log`: somebody waits. `background`: nobody does; it may take long, beside a `log` job. At most one of each at a time. */
  readonly lane: "log" | "background";
  /** In order. */
  readonly steps: readonly DiskStep[];
}
