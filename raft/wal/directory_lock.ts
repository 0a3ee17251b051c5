/**
 * One process a directory.
 *
 * Portable code has no `flock`, so the lock is a file with its owner in it. A lock whose owner is gone is taken over: another boot, no such
 * process, or one that began at another time (a container's processes have the same numbers in every life). What this cannot see is a
 * process in another container that shares the directory.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { DirectoryLockedError } from "../storage_error.ts";
import { errorCode, type FileSystem, readIfPresent } from "./file_system.ts";

/** Who holds a directory. */
export interface LockOwner {
  /** The process. */
  readonly pid: number;
  /** When it began, in the machine's own unit; empty where that is not told. */
  readonly began: string;
  /** Which start of the machine; empty where that is not told. */
  readonly boot: string;
  /** Differs for every lock. */
  readonly nonce: string;
}

/** What the machine knows of its processes. */
export interface ProcessTable {
  /** This process. */
  self(): Promise<LockOwner>;
  /** Whether the owner of a lock still runs. */
  runs(owner: LockOwner): Promise<boolean>;
}

const LOCK = "lock";

/**
 * Takes a directory.
 *
 * @throws {DirectoryLockedError} Another process holds it, or this one does.
 * @returns Gives it back.
 */
export async function lockDirectory(
  files: FileSystem,
  directory: string,
  processes: ProcessTable,
): Promise<() => Promise<void>> {
  const path = `${directory}/${LOCK}`;
  const self = await processes.self();
  const mine = new TextEncoder().encode(JSON.stringify(self));
  for (let attempt = 0; attempt < 2; attempt++) {
    if (await claim(files, path, mine)) {
      return async () => {
        const bytes = await readIfPresent(files, path);
        if (bytes !== undefined && ownerOf(bytes)?.nonce === self.nonce) await files.remove(path);
      };
    }
    const bytes = await readIfPresent(files, path);
    if (bytes === undefined) continue;
    const owner = ownerOf(bytes);
    if (owner !== undefined && await processes.runs(owner)) {
      throw new DirectoryLockedError(directory, owner.pid);
    }
    await removeStale(files, directory, { path, owner, self });
  }
  throw new DirectoryLockedError(directory, 0);
}

/** Moves a stale lock away; if it was another's fresh one by then, gives it back. */
async function removeStale(
  files: FileSystem,
  directory: string,
  { path, owner, self }: {
    readonly path: string;
    readonly owner: LockOwner | undefined;
    readonly self: LockOwner;
  },
): Promise<void> {
  const aside = `${path}-${self.nonce}.tmp`;
  try {
    await files.rename(path, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw error;
  }
  const moved = ownerOf(await readIfPresent(files, aside) ?? new Uint8Array());
  if (moved !== undefined && moved.nonce !== owner?.nonce) {
    await files.rename(aside, path);
    throw new DirectoryLockedError(directory, moved.pid);
  }
  await files.remove(aside);
}

async function claim(files: FileSystem, path: string, mine: Uint8Array): Promise<boolean> {
  let file;
  try {
    file = await files.open(path, "exclusive");
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
  try {
    await file.write(mine, 0);
  } finally {
    await file.close();
  }
  return true;
}

function ownerOf(bytes: Uint8Array): LockOwner | undefined {
  try {
    const { pid, began, boot, nonce } = JSON.parse(new TextDecoder().decode(bytes));
    if (!Number.isSafeInteger(pid) || pid < 1) return undefined;
    return { pid, began: `${began}`, boot: `${boot}`, nonce: `${nonce}` };
  } catch {
    return undefined; // Its owner died while writing it.
  }
}

/** The machine's own processes. */
export const nodeProcesses: ProcessTable = {
  async self() {
    return {
      pid: process.pid,
      began: await beganAt(process.pid),
      boot: await textOf("/proc/sys/kernel/random/boot_id"),
      nonce: randomUUID(),
    };
  },
  async runs({ pid, began, boot }) {
    if (boot !== await textOf("/proc/sys/kernel/random/boot_id")) return false;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if (errorCode(error) === "ESRCH") return false;
    }
    return began === await beganAt(pid);
  },
};

/** Field 22 of `/proc/<pid>/stat`: clock ticks between the boot and the start of the process. */
async function beganAt(pid: number): Promise<string> {
  const stat = await textOf(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

async function textOf(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return "";
  }
}
