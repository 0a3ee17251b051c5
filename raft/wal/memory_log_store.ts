/**
 * A log in memory.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import type { Index } from "../entry.ts";
import type {
  FoundSnapshots,
  KnownStorage,
  LogStore,
  LogStoreStats,
  OpenedLog,
  Persist,
} from "../log_store.ts";
import { WalCorruptError } from "../storage_error.ts";
import { LogImage, nextIndexAfter } from "./log_image.ts";

/**
 * Keeps the log for as long as the process lives: for tests, and for groups that may forget all when most of their members stop at once.
 *
 * A member that stopped must come back under a new id: it has forgotten whom it voted for.
 */
export class MemoryLogStore implements LogStore {
  readonly #image: LogImage;
  readonly #storageId: string;
  #known: readonly KnownStorage[];
  #opened = false;
  #closed = false;
  #batches = 0;
  #entries = 0;

  /**
   * Begins empty, or where another ended.
   *
   * @param before A closed store, whose log this one takes over, as a restart with a disk would.
   */
  constructor(before?: MemoryLogStore) {
    this.#image = before === undefined ? new LogImage() : before.#image;
    this.#storageId = before === undefined ? randomUUID() : before.#storageId;
    this.#known = before === undefined ? [] : before.#known;
  }

  /** {@inheritDoc LogStore.open} */
  async open(found: FoundSnapshots = []): Promise<OpenedLog> {
    if (this.#opened) throw new TypeError("Cannot open a log store twice");
    this.#opened = true;
    const snapshots = typeof found === "function" ? await found() : found;
    const { entries, hardState, firstIndex, nextIndex } = this.#image;
    const snapshot = this.#image.snapshotAmong(snapshots);
    if (snapshot === "lost") {
      throw new WalCorruptError({
        file: "memory",
        offset: 0,
        firstIndex: 1,
        lastIndex: firstIndex - 1,
        detail: `the log begins at ${firstIndex} and no snapshot reaches it`,
      });
    }
    if (snapshot !== undefined) this.#image.mark(snapshot);
    const commit = Math.min(Math.max(hardState.commit, snapshot?.index ?? 0), nextIndex - 1);
    return {
      hardState: { ...hardState, commit },
      snapshot,
      entries: [...entries],
      tornBytes: 0,
      storageId: this.#storageId,
      knownStorages: this.#known,
    };
  }

  /** {@inheritDoc LogStore.persist} */
  // deno-lint-ignore require-await -- turns what it throws into a rejection
  async persist(effect: Persist): Promise<void> {
    this.#use();
    nextIndexAfter(effect, this.#image.nextIndex);
    this.#image.persist(effect);
    this.#batches++;
    this.#entries += effect.entries.length;
  }

  /** {@inheritDoc LogStore.compact} */
  // deno-lint-ignore require-await -- turns what it throws into a rejection
  async compact(through: Index): Promise<void> {
    this.#use();
    this.#image.compact(Math.min(through, this.#image.marks.at(-1)?.index ?? 0));
  }

  /** {@inheritDoc LogStore.remember} */
  // deno-lint-ignore require-await -- turns what it throws into a rejection
  async remember(storages: readonly KnownStorage[]): Promise<void> {
    this.#use();
    this.#known = [...storages];
  }

  /** {@inheritDoc LogStore.close} */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** The same as {@link MemoryLogStore.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Counts and sizes. */
  get stats(): LogStoreStats {
    return {
      batches: this.#batches,
      entries: this.#entries,
      bytesWritten: 0,
      syncs: 0,
      inlineSyncs: 0,
      lastSyncMs: 0,
      pendingBatches: 0,
      pendingBytes: 0,
      segments: 0,
      firstIndex: this.#image.firstIndex,
      lastIndex: this.#image.nextIndex - 1,
    };
  }

  #use(): void {
    if (!this.#opened || this.#closed) {
      throw new TypeError("Cannot use a log store as it must be open");
    }
  }
}
