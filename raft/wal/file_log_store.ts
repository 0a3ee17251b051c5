/**
 * The log in files: drives the log's state machine with a file system.
 *
 * @module
 */
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { Index, SnapshotMeta } from "../entry.ts";
import type {
  FoundSnapshots,
  KnownStorage,
  LogStore,
  LogStoreStats,
  OpenedLog,
  Persist,
} from "../log_store.ts";
import { StoragePoisonedError, StorageUnusableError } from "../storage_error.ts";
import { WalCore } from "./core.ts";
import { lockDirectory } from "./directory_lock.ts";
import { DiskDriver } from "./disk_driver.ts";
import {
  type FileLogStoreOptions,
  type ResolvedFileLogStoreOptions,
  resolveFileLogStoreOptions,
} from "./file_log_options.ts";
import { errorCode, writeAtomically } from "./file_system.ts";
import { InlineSync, MAX_INLINE_BYTES } from "./inline_sync.ts";
import { encodeKnownStorages, KNOWN_STORAGES_FILE } from "./known_storages.ts";
import { openLog, RESERVE_FILE } from "./open_log.ts";
import type { DiskJob } from "./step.ts";
import type { WalEffect, WalInput } from "./wal_contract.ts";

export type { FileLogStoreOptions } from "./file_log_options.ts";

/**
 * Turns of the event loop after which what was sent before is on its way: Node writes to its sockets in the next one, Bun before it, and
 * Deno's `fetch` takes a chunk over in one, and writes it in a later one.
 */
const TURNS_TO_SEND = "Deno" in globalThis ? 3 : 1;

interface Waiter {
  readonly token: number;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What exists once the store is open. */
interface Running {
  readonly core: WalCore;
  readonly disk: DiskDriver;
  readonly unlock: () => Promise<void>;
}

/**
 * Keeps the log in a directory, in checksummed segments, durable by `fdatasync`.
 *
 * Batches that wait together share one sync. The event loop is blocked only by small ones, as long as the disk is fast; see
 * {@link FileLogStoreOptions.inlineSyncBelowMs}. Any error of the disk is final.
 *
 * @example Usage
 * ```ts ignore
 * const store = new FileLogStore({ directory: "/var/lib/app/raft", cluster: "app", nodeId: "a" });
 * const { hardState, entries } = await store.open();
 * await store.persist(effect);
 * await store.close();
 * ```
 */
export class FileLogStore implements LogStore {
  readonly #options: ResolvedFileLogStoreOptions;
  readonly #waiters: Waiter[] = [];
  #waiterHead = 0;
  #pendingBytes = 0;
  #running: Running | undefined;
  #opened = false;
  #closing: Promise<void> | undefined;
  #ended: (() => void) | undefined;
  #failure: StoragePoisonedError | undefined;
  #flushing = false;
  readonly #inline: InlineSync;
  /** Whether a job may be done before `#begin` returns. */
  #mayBlock = false;
  #jobs = new Set<Promise<void>>();
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #appendedSinceTimer = false;
  #counts = { batches: 0, entries: 0, bytesWritten: 0, syncs: 0, inlineSyncs: 0, lastSyncMs: 0 };
  #firstIndex: Index = 1;

  /**
   * Touches nothing yet.
   *
   * @throws {RangeError} An option is out of range.
   */
  constructor(options: FileLogStoreOptions) {
    this.#options = resolveFileLogStoreOptions(options);
    this.#inline = new InlineSync(this.#options.inlineSyncBelowMs);
  }

  /**
   * {@inheritDoc LogStore.open}
   *
   * @throws {DirectoryLockedError} Another process uses the directory.
   * @throws {ForeignStorageError} The directory is another member's, another cluster's or of a later version.
   * @throws {StorageUnusableError} The directory cannot be written or read.
   */
  async open(snapshots: FoundSnapshots = []): Promise<OpenedLog> {
    if (this.#opened) throw new TypeError("Cannot open a log store twice");
    this.#opened = true;
    const { files, directory, processes } = this.#options;
    return await this.#usable(async () => {
      await files.makeDirectory(directory);
      const unlock = await lockDirectory(files, directory, processes);
      const disk = new DiskDriver(files, directory);
      try {
        // From here on no other process changes anything below the directory.
        const found = typeof snapshots === "function" ? await snapshots() : snapshots;
        const { recovery, wal, storageId, knownStorages } = await openLog(
          disk,
          this.#options,
          found,
        );
        const core = new WalCore(recovery.state, wal);
        this.#running = { core, disk, unlock };
        this.#firstIndex = recovery.opened.entries[0]?.index ?? recovery.state.nextIndex;
        if (recovery.unmarked !== undefined) await this.persist(markOf(recovery.unmarked));
        return { ...recovery.opened, storageId, knownStorages };
      } catch (error) {
        this.#running = undefined;
        await disk.close().catch(() => {});
        await unlock().catch(() => {});
        throw error;
      }
    });
  }

  /** {@inheritDoc LogStore.persist} */
  persist(effect: Persist): Promise<void> {
    const running = this.#running;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (running === undefined || this.#closing !== undefined) {
      return Promise.reject(new TypeError("Cannot use a log store as it must be open"));
    }
    const staged = running.core.stagedBytes;
    try {
      running.core.step({ type: "append", effect });
    } catch (error) {
      return Promise.reject(error);
    }
    this.#counts.entries += effect.entries.length;
    const bytes = Math.max(0, running.core.stagedBytes - staged);
    this.#counts.bytesWritten += bytes;
    this.#pendingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiters.push({ token: effect.token, bytes, resolve, reject });
      this.#appendedSinceTimer = true;
      if (this.#idleTimer === undefined) this.#armIdle();
      this.#flushSoon(running.core);
    });
  }

  /** {@inheritDoc LogStore.compact} */
  // deno-lint-ignore require-await -- turns what it throws into a rejection
  async compact(through: Index): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#step({ type: "compact", through });
  }

  /**
   * {@inheritDoc LogStore.remember}
   *
   * @throws {StorageUnusableError} The file cannot be written. The log goes on.
   */
  async remember(storages: readonly KnownStorage[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#running === undefined || this.#closing !== undefined) {
      throw new TypeError("Cannot use a log store as it must be open");
    }
    const { files, directory } = this.#options;
    const bytes = encodeKnownStorages(storages);
    const written = this.#usable(() =>
      writeAtomically(files, directory, { name: KNOWN_STORAGES_FILE, bytes })
    );
    const job = written.catch(() => {}).then(() => {
      this.#jobs.delete(job);
    });
    this.#jobs.add(job);
    await written;
  }

  /** {@inheritDoc LogStore.close} */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** The same as {@link FileLogStore.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Counts and sizes. */
  get stats(): LogStoreStats {
    const core = this.#running?.core;
    return {
      ...this.#counts,
      pendingBatches: this.#waiters.length - this.#waiterHead,
      pendingBytes: this.#pendingBytes,
      segments: core?.segments.length ?? 0,
      firstIndex: this.#firstIndex,
      lastIndex: (core?.nextIndex ?? 1) - 1,
    };
  }

  async #usable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined || error instanceof StoragePoisonedError) throw error;
      if (error instanceof StorageUnusableError) throw error; // of the snapshots
      throw new StorageUnusableError(this.#options.directory, error);
    }
  }

  /**
   * Batches of the same turn of the event loop join: what one read of a socket brought becomes one write. One that is done in line waits
   * until what was sent before it is on its way, so that the others write at the same time.
   */
  #flushSoon(core: WalCore): void {
    if (this.#flushing || core.writing) return;
    this.#flushing = true;
    const inline = this.#inline.allows(core.stagedBytes, this.#options.now());
    let turns = inline ? TURNS_TO_SEND : 1;
    const flush = () => {
      if (--turns > 0) return void setImmediate(flush);
      this.#flushing = false;
      this.#mayBlock = inline;
      try {
        this.#step({ type: "flush" });
      } finally {
        this.#mayBlock = false;
      }
    };
    setImmediate(flush);
  }

  #step(input: WalInput): void {
    const running = this.#running;
    if (running === undefined) throw new TypeError("Cannot use a log store as it must be open");
    for (const effect of running.core.step(input)) this.#perform(effect, running);
  }

  #perform(effect: WalEffect, { disk }: Running): void {
    switch (effect.type) {
      case "job":
        this.#begin(effect.job, disk);
        break;
      case "durable":
        this.#answer(effect.token);
        break;
      case "poisoned":
        this.#poison(effect.error, disk);
        break;
      case "closed":
        this.#ended?.();
        break;
      default:
        effect satisfies never;
    }
  }

  #begin(job: DiskJob, disk: DiskDriver): void {
    const begun = this.#options.now();
    const waited = this.#counts.batches;
    const failed = (error: unknown) =>
      this.#step({ type: "failed", operation: job.operation, error });
    const bytes = smallWrite(job);
    if (this.#mayBlock && bytes !== undefined && this.#inline.allows(bytes, begun)) {
      let inline: boolean;
      try {
        inline = disk.performInline(job.steps);
      } catch (error) {
        return failed(error);
      }
      if (inline) return this.#done(job, { begun, waited, inline, isSmall: true });
    }
    const performed = disk.perform(job.steps).then(() => {
      this.#jobs.delete(performed);
      this.#done(job, { begun, waited, inline: false, isSmall: bytes !== undefined });
    }, (error) => {
      this.#jobs.delete(performed);
      failed(error);
    });
    this.#jobs.add(performed);
  }

  #done(
    job: DiskJob,
    { begun, waited, inline, isSmall }: {
      begun: number;
      waited: number;
      inline: boolean;
      isSmall: boolean;
    },
  ): void {
    const { onSync, now } = this.#options;
    const syncs = job.lane === "log" && job.steps.some(({ type }) => type === "sync");
    if (syncs) {
      const ended = now();
      this.#counts.syncs++;
      if (inline) this.#counts.inlineSyncs++;
      this.#counts.lastSyncMs = ended - begun;
      if (isSmall) this.#inline.took(ended - begun, inline, ended);
    }
    this.#step({ type: "done", operation: job.operation });
    if (syncs) onSync?.(this.#counts.lastSyncMs, this.#counts.batches - waited);
  }

  #answer(token: number): void {
    for (;;) {
      const waiter = this.#waiters[this.#waiterHead];
      if (waiter === undefined) return;
      this.#waiterHead++;
      this.#counts.batches++;
      this.#pendingBytes -= waiter.bytes;
      waiter.resolve();
      if (waiter.token === token) break;
    }
    if (this.#waiterHead < this.#waiters.length) {
      if (this.#waiterHead < 4096) return;
      this.#waiters.splice(0, this.#waiterHead);
    } else this.#waiters.length = 0;
    this.#waiterHead = 0;
  }

  #poison(cause: unknown, disk: DiskDriver): void {
    const failure = new StoragePoisonedError(cause);
    this.#failure = failure;
    clearTimeout(this.#idleTimer);
    for (const waiter of this.#waiters.splice(this.#waiterHead)) waiter.reject(failure);
    this.#waiters.length = this.#waiterHead = this.#pendingBytes = 0;
    if (!failure.full) return;
    const freed = disk.perform([{ type: "remove", file: RESERVE_FILE }]).catch(() => {});
    this.#jobs.add(freed);
  }

  #armIdle(): void {
    this.#appendedSinceTimer = false;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      if (this.#failure !== undefined || this.#closing !== undefined) return;
      if (this.#appendedSinceTimer) this.#armIdle();
      else this.#step({ type: "idle" });
    }, this.#options.idleMs);
    this.#idleTimer.unref();
  }

  async #close(): Promise<void> {
    const running = this.#running;
    clearTimeout(this.#idleTimer);
    if (running === undefined) return;
    const ended = new Promise<void>((resolve) => this.#ended = resolve);
    this.#step({ type: "close" });
    await ended;
    await Promise.allSettled([...this.#jobs]);
    await running.disk.close();
    await running.unlock();
  }
}

function markOf(snapshot: SnapshotMeta): Persist {
  return { type: "persist", token: -1, entries: [], snapshot, sync: true };
}

/** How many bytes a job of the log writes to files that it has; `undefined` when it does more than that, or much. */
function smallWrite({ lane, steps }: DiskJob): number | undefined {
  if (lane !== "log") return undefined;
  let bytes = 0;
  for (const step of steps) {
    if (step.type === "write") bytes += step.bytes.length;
    else if (step.type !== "sync") return undefined;
  }
  return bytes <= MAX_INLINE_BYTES ? bytes : undefined;
}
