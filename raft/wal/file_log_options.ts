import { nodeProcesses, type ProcessTable } from "./directory_lock.ts";
import type { FileSystem } from "./file_system.ts";
import { nodeFileSystem } from "./node_file_system.ts";

/** Options of `FileLogStore`. */
export interface FileLogStoreOptions {
  /** Where: a directory of this node alone. Made if missing. */
  readonly directory: string;
  /** The cluster's name; a directory of another is refused. */
  readonly cluster: string;
  /** The member; a directory of another is refused. */
  readonly nodeId: string;
  /** Bytes of one file of the log, 4 KiB to 1 GiB. What is compacted is freed file by file. @default {16777216} */
  readonly segmentBytes?: number;
  /**
   * Bytes of a file that is deleted when the disk is full, so that there is room to stop in order. 0 for none.
   *
   * @default {1048576}
   */
  readonly reserveBytes?: number;
  /** Pause after which the log says on disk that all of it is durable, which lets damage be told from a torn write. @default {1000} */
  readonly idleMs?: number;
  /**
   * Mean time of a write and sync, in milliseconds, below which small ones are done on the event loop instead of by the thread pool: half
   * the time and less of the processor for who waits for each command. While one runs, nothing else of the process does; a disk that
   * stalls therefore stops the process once, for as long as that write takes, before the pool is used again for a while. 0 for never.
   *
   * @default {1}
   */
  readonly inlineSyncBelowMs?: number;
  /** Told of each write and sync: how long, and what it made durable. */
  readonly onSync?: (ms: number, batches: number) => void;
  /** Milliseconds of a monotonic clock, by which the disk is measured. @default {performance.now} */
  readonly now?: () => number;
  /** The files. @default {the machine's own, through `node:fs`} */
  readonly files?: FileSystem;
  /** Whom a lock may belong to. @default {the machine's own} */
  readonly processes?: ProcessTable;
}

/** Options with their defaults. */
export type ResolvedFileLogStoreOptions =
  & Required<Omit<FileLogStoreOptions, "onSync">>
  & Pick<FileLogStoreOptions, "onSync">;

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} An option is out of range.
 */
export function resolveFileLogStoreOptions(
  options: FileLogStoreOptions,
): ResolvedFileLogStoreOptions {
  const resolved: ResolvedFileLogStoreOptions = {
    files: nodeFileSystem,
    processes: nodeProcesses,
    now: () => performance.now(),
    ...options,
    segmentBytes: options.segmentBytes ?? 16 * 2 ** 20,
    reserveBytes: options.reserveBytes ?? 2 ** 20,
    idleMs: options.idleMs ?? 1000,
    inlineSyncBelowMs: options.inlineSyncBelowMs ?? 1,
  };
  const { segmentBytes, inlineSyncBelowMs } = resolved;
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < 4096 || segmentBytes > 2 ** 30) {
    throw new RangeError(
      `Cannot open a log as 'segmentBytes' must be 4096 to ${
        2 ** 30
      }: current value is ${segmentBytes}`,
    );
  }
  if (!(inlineSyncBelowMs >= 0)) {
    throw new RangeError(
      `Cannot open a log as 'inlineSyncBelowMs' must not be negative: current value is ${inlineSyncBelowMs}`,
    );
  }
  return resolved;
}
