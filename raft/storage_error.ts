/**
 * What goes wrong with storage. Every class has a literal `name` to branch on.
 *
 * @module
 */
import type { Index } from "./entry.ts";

/** Where damage was found, and what it touches. */
export interface LogDamage {
  /** The file. */
  readonly file: string;
  /** Where in it. */
  readonly offset: number;
  /** First index that may be lost; 0 when unknown. */
  readonly firstIndex: Index;
  /** Last index that may be lost; 0 when unknown. */
  readonly lastIndex: Index;
  /** What was found. */
  readonly detail: string;
}

/**
 * Something that was acknowledged is lost or damaged. The node must not start: a voter that forgets can elect a leader without committed
 * entries. Nothing on disk was changed.
 */
export class WalCorruptError extends Error implements LogDamage {
  /** Says which class it is. */
  override readonly name = "WalCorruptError";
  /** The file. */
  readonly file: string;
  /** Where in it. */
  readonly offset: number;
  /** First index that may be lost; 0 when unknown. */
  readonly firstIndex: Index;
  /** Last index that may be lost; 0 when unknown. */
  readonly lastIndex: Index;
  /** What was found. */
  readonly detail: string;
  /** What a human can do. */
  readonly remedy: string;

  /**
   * Says what was found.
   *
   * @param damage Where, and what.
   */
  constructor(damage: LogDamage) {
    const remedy =
      "wipe the directory and join again under a new node id, or restore the directory from a copy that was taken after the node had last stopped";
    super(
      `Log is damaged at ${damage.file}:${damage.offset}, indexes ${damage.firstIndex} to ${damage.lastIndex}: ${damage.detail}. Remedy: ${remedy}`,
    );
    this.file = damage.file;
    this.offset = damage.offset;
    this.firstIndex = damage.firstIndex;
    this.lastIndex = damage.lastIndex;
    this.detail = damage.detail;
    this.remedy = remedy;
  }
}

/** The medium failed once, so nothing is written any more. `cause` is what it said. What waited may or may not be on disk. */
export class StoragePoisonedError extends Error {
  /** Says which class it is. */
  override readonly name = "StoragePoisonedError";
  /** Whether the medium was full. */
  readonly full: boolean;

  /**
   * Wraps what failed first.
   *
   * @param cause What the medium said.
   */
  constructor(cause: unknown) {
    super(
      `Storage has failed and takes no more: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
    this.full = (cause as { code?: unknown } | undefined)?.code === "ENOSPC";
  }
}

/** Another process uses the directory. */
export class DirectoryLockedError extends Error {
  /** Says which class it is. */
  override readonly name = "DirectoryLockedError";
  /** The directory. */
  readonly directory: string;
  /** The process that holds it; 0 when unknown. */
  readonly pid: number;

  /**
   * Says what was found.
   *
   * @param directory The directory.
   * @param pid The process that holds it.
   */
  constructor(directory: string, pid: number) {
    super(`Cannot open ${directory} as process ${pid} uses it`);
    this.directory = directory;
    this.pid = pid;
  }
}

/** The directory belongs to another node or cluster, or was written by a later format. Nothing was changed. */
export class ForeignStorageError extends Error {
  /** Says which class it is. */
  override readonly name = "ForeignStorageError";
  /** What differs: `nodeId`, `cluster`, `storageId` or `version`. */
  readonly field: "nodeId" | "cluster" | "storageId" | "version";
  /** What the directory says. */
  readonly found: string;
  /** What was wanted. */
  readonly wanted: string;

  /**
   * Says what was found.
   *
   * @param directory The directory or file.
   * @param field What differs.
   * @param values What was found and what was wanted.
   */
  constructor(
    directory: string,
    field: "nodeId" | "cluster" | "storageId" | "version",
    values: { readonly found: string; readonly wanted: string },
  ) {
    super(
      `Cannot open ${directory} as its ${field} must be ${values.wanted}: current value is ${values.found}`,
    );
    this.field = field;
    this.found = values.found;
    this.wanted = values.wanted;
  }
}

/** The directory cannot be made, read or written. `cause` is what the system said. */
export class StorageUnusableError extends Error {
  /** Says which class it is. */
  override readonly name = "StorageUnusableError";
  /** The directory. */
  readonly directory: string;
  /** The system's code: `EACCES`, `EROFS`, `ENOSPC`, … */
  readonly code: string;

  /**
   * Says what was found.
   *
   * @param directory The directory.
   * @param cause What the system said.
   */
  constructor(directory: string, cause: unknown) {
    const code = (cause as { readonly code?: unknown } | undefined)?.code;
    super(
      `Cannot use ${directory} for storage: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
    this.directory = directory;
    this.code = typeof code === "string" ? code : "";
  }
}

/** A snapshot does not verify. */
export class SnapshotCorruptError extends Error {
  /** Says which class it is. */
  override readonly name = "SnapshotCorruptError";
  /** The snapshot. */
  readonly id: string;

  /**
   * Says what was found.
   *
   * @param id The snapshot.
   * @param detail What was found.
   */
  constructor(id: string, detail: string) {
    super(`Snapshot ${id} is damaged: ${detail}`);
    this.id = id;
  }
}
