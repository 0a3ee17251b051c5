/**
 * Snapshots in files.
 *
 * @module
 */
import type { Index, SnapshotMeta } from "../entry.ts";
import type { SnapshotOrigin, SnapshotSink, SnapshotSource, SnapshotStore } from "../log_store.ts";
import { SnapshotCorruptError, StorageUnusableError } from "../storage_error.ts";
import { errorCode, type FileSystem } from "../wal/file_system.ts";
import { nodeFileSystem } from "../wal/node_file_system.ts";
import { FileSink, UnfinishedFile } from "./file_sink.ts";
import { isSnapshotFileName, snapshotFileName } from "./format.ts";
import { SnapshotFile } from "./snapshot_file.ts";
import { checkSnapshotId, compareNewestFirst, originKey } from "./snapshot_id.ts";

/** Options of {@link FileSnapshotStore}. */
export interface FileSnapshotStoreOptions {
  /** Where: a directory of its own, such as `snap` within the log's, whose lock covers it. Made if missing. */
  readonly directory: string;
  /** Bytes that are read, written and verified at once, 1 to 67108864. @default {262144} */
  readonly chunkBytes?: number;
  /** Told of each file that does not verify at start. It is left where it is, and not used. */
  readonly onCorrupt?: (file: string, error: SnapshotCorruptError) => void;
  /** The files. @default {the machine's own, through `node:fs`} */
  readonly files?: FileSystem;
}

/**
 * Keeps snapshots in a directory: a file each, written beside its place, synced, and renamed.
 *
 * A disk that is full fails the snapshot, and nothing else.
 */
export class FileSnapshotStore implements SnapshotStore {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #chunkBytes: number;
  readonly #onCorrupt: FileSnapshotStoreOptions["onCorrupt"];
  readonly #held = new Map<string, SnapshotMeta>();
  readonly #unfinished = new Set<UnfinishedFile>();
  #receiving: { key: string; file: UnfinishedFile; sink: FileSink } | undefined;
  #state: "new" | "open" | "closed" = "new";

  /**
   * Touches nothing yet.
   *
   * @throws {RangeError} An option is out of range.
   */
  constructor(options: FileSnapshotStoreOptions) {
    const { directory, chunkBytes = 256 * 1024, onCorrupt, files = nodeFileSystem } = options;
    if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > 2 ** 26) {
      throw new RangeError(
        `Cannot keep snapshots as 'chunkBytes' must be 1 to ${
          2 ** 26
        }: current value is ${chunkBytes}`,
      );
    }
    this.#directory = directory;
    this.#chunkBytes = chunkBytes;
    this.#onCorrupt = onCorrupt;
    this.#files = files;
  }

  /**
   * {@inheritDoc SnapshotStore.open}
   *
   * @throws {StorageUnusableError} The directory cannot be written or read.
   */
  async open(): Promise<readonly SnapshotMeta[]> {
    if (this.#state !== "new") throw new TypeError("Cannot open a snapshot store twice");
    this.#state = "open";
    try {
      await this.#files.makeDirectory(this.#directory);
      const names = await this.#files.list(this.#directory);
      for (const name of names) {
        if (name.endsWith(".snap.tmp")) await this.#files.remove(`${this.#directory}/${name}`);
        else if (isSnapshotFileName(name)) await this.#verify(name);
      }
      // Names that a crash left undecided are decided from here on.
      await this.#files.syncDirectory(this.#directory);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      throw new StorageUnusableError(this.#directory, error);
    }
    return this.#metas();
  }

  /** {@inheritDoc SnapshotStore.latest} */
  latest(atLeast: Index = 0): SnapshotMeta | undefined {
    const [newest] = this.#metas();
    return newest !== undefined && newest.index >= atLeast ? newest : undefined;
  }

  /** {@inheritDoc SnapshotStore.create} */
  async create(meta: SnapshotMeta): Promise<SnapshotSink> {
    return new FileSink(await this.#begin(meta), false);
  }

  /** {@inheritDoc SnapshotStore.receive} */
  async receive(meta: SnapshotMeta, origin: SnapshotOrigin): Promise<SnapshotSink> {
    this.#use(meta.id);
    const key = originKey(meta, origin);
    const before = this.#receiving;
    before?.sink.revoke();
    if (before?.key === key && before.file.open) {
      const sink = new FileSink(before.file, true);
      this.#receiving = { ...before, sink };
      return sink;
    }
    await before?.file.abort();
    const file = await this.#begin(meta);
    const sink = new FileSink(file, true);
    this.#receiving = { key, file, sink };
    return sink;
  }

  /** {@inheritDoc SnapshotStore.read} */
  async read(id: string, options: { readonly offset?: number } = {}): Promise<SnapshotSource> {
    const { offset = 0 } = options;
    this.#use(id);
    const held = this.#held.get(id);
    if (held === undefined) throw new RangeError(`Cannot read snapshot ${id} as it must exist`);
    const file = await SnapshotFile.open(this.#files, this.#path(held));
    const { meta, digest } = file;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > digest.sizeBytes) {
      await file.close();
      throw new RangeError(
        `Cannot read snapshot ${id} as 'offset' must be 0 to ${digest.sizeBytes}: current value is ${offset}`,
      );
    }
    return {
      meta,
      digest,
      async *[Symbol.asyncIterator]() {
        try {
          yield* file.chunks(offset);
        } finally {
          await file.close();
        }
      },
      close: () => file.close(),
    };
  }

  /** {@inheritDoc SnapshotStore.retain} */
  async retain(count: number, marked: Index): Promise<void> {
    const old = this.#metas().filter(({ index }) => index <= marked);
    for (const { id } of old.slice(Math.max(1, count))) await this.remove(id);
  }

  /** {@inheritDoc SnapshotStore.remove} */
  async remove(id: string): Promise<void> {
    const meta = this.#held.get(id);
    if (meta === undefined) return;
    this.#held.delete(id);
    await this.#files.remove(this.#path(meta));
    await this.#files.syncDirectory(this.#directory);
  }

  /** {@inheritDoc SnapshotStore.close} */
  async close(): Promise<void> {
    this.#state = "closed";
    for (const file of [...this.#unfinished]) await file.abort();
  }

  /** The same as {@link FileSnapshotStore.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(meta: SnapshotMeta): Promise<UnfinishedFile> {
    this.#use(meta.id);
    if ([...this.#unfinished].some((other) => other.meta.id === meta.id)) {
      throw new RangeError(`Cannot write snapshot ${meta.id} as it is being written`);
    }
    const file = await UnfinishedFile.create(meta, {
      files: this.#files,
      directory: this.#directory,
      chunkBytes: this.#chunkBytes,
      ended: (ended, committed) => {
        this.#unfinished.delete(ended);
        if (committed) this.#held.set(meta.id, meta);
      },
    });
    this.#unfinished.add(file);
    return file;
  }

  async #verify(name: string): Promise<void> {
    try {
      const file = await SnapshotFile.open(this.#files, `${this.#directory}/${name}`);
      try {
        await file.verify();
        if (snapshotFileName(file.meta) !== name) {
          throw new SnapshotCorruptError(file.meta.id, "its name is that of another");
        }
        this.#held.set(file.meta.id, file.meta);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!(error instanceof SnapshotCorruptError)) throw error;
      this.#onCorrupt?.(name, error);
    }
  }

  #path(meta: SnapshotMeta): string {
    return `${this.#directory}/${snapshotFileName(meta)}`;
  }

  #metas(): SnapshotMeta[] {
    return [...this.#held.values()].sort(compareNewestFirst);
  }

  #use(id: string): void {
    if (this.#state !== "open") {
      throw new TypeError("Cannot use a snapshot store as it must be open");
    }
    checkSnapshotId(id);
  }
}
