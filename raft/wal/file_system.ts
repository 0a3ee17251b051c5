/**
 * The part of a file system that storage needs, so that tests can put a disk that fails in its place.
 *
 * @module
 */

/** A file that is open. */
export interface OpenFile {
  /** Its length. */
  sizeBytes(): Promise<number>;
  /** Fills as much of `buffer` as there is from `offset`. @returns Bytes read: less than asked only at the end. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /** Writes all of `bytes` at `offset`; the file grows as needed. The bytes must stay as they are until it resolves. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Makes bytes and size durable. */
  sync(): Promise<void>;
  /** Lets go. */
  close(): Promise<void>;
  /** The same as {@link OpenFile.write}, done when it returns. A file without it, or without `syncInline`, is written through `write`. */
  writeInline?(bytes: Uint8Array, offset: number): void;
  /** The same as {@link OpenFile.sync}, done when it returns. */
  syncInline?(): void;
}

/**
 * How a file is opened. `read`: it must exist. `write`: for reading and writing, it must exist. `create`: for reading and writing, empty,
 * in place of any. `exclusive`: the same, there must be none (`EEXIST`).
 */
export type OpenMode = "read" | "write" | "create" | "exclusive";

/** Files and directories. What fails rejects with an error whose `code` is that of POSIX (`ENOSPC`, `ENOENT`, `EIO`, …). */
export interface FileSystem {
  /** Makes a directory and those above it, unless it exists. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, in no order. */
  list(directory: string): Promise<readonly string[]>;
  /** Opens a file. */
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Gives another name, atomically, in place of any. */
  rename(from: string, to: string): Promise<void>;
  /** Takes a name away; nothing if there is none. */
  remove(path: string): Promise<void>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** Reads a whole file. */
export async function readWhole(files: FileSystem, path: string): Promise<Uint8Array> {
  const file = await files.open(path, "read");
  try {
    const bytes = new Uint8Array(await file.sizeBytes());
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** The length of a file. */
export async function fileLength(files: FileSystem, path: string): Promise<number> {
  const file = await files.open(path, "read");
  try {
    return await file.sizeBytes();
  } finally {
    await file.close();
  }
}

/** Reads a whole file, or nothing when there is none. */
export async function readIfPresent(
  files: FileSystem,
  path: string,
): Promise<Uint8Array | undefined> {
  try {
    return await readWhole(files, path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a whole file so that a crash leaves the old one or the new one: beside it, synced, renamed, directory synced. */
export async function writeAtomically(
  files: FileSystem,
  directory: string,
  { name, bytes }: { readonly name: string; readonly bytes: Uint8Array },
): Promise<void> {
  const temporary = `${directory}/${name}.tmp`;
  const file = await files.open(temporary, "create");
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, `${directory}/${name}`);
  await files.syncDirectory(directory);
}

/** The `code` of an error of the system. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
