import type { SnapshotMeta } from "../entry.ts";
import type { SnapshotDigest, SnapshotSink } from "../log_store.ts";
import { SnapshotCorruptError } from "../storage_error.ts";
import type { FileSystem, OpenFile } from "../wal/file_system.ts";
import { encodeChunkHeader, encodeFooter, encodeSnapshotHead, snapshotFileName } from "./format.ts";
import { crc32, runningSha256 } from "./snapshot_file.ts";

/** Where a snapshot is written. */
export interface SinkPlace {
  /** The files. */
  readonly files: FileSystem;
  /** The store's directory. */
  readonly directory: string;
  /** Bytes of a chunk. */
  readonly chunkBytes: number;
  /** Called once, when it is in place or gone. */
  readonly ended: (file: UnfinishedFile, committed: boolean) => void;
}

/** The unfinished file, which outlives the stream that fills it. */
export class UnfinishedFile {
  /** What it will be. */
  readonly meta: SnapshotMeta;
  /** Bytes of state taken. */
  offset = 0;
  /** Whether it can still grow. */
  open = true;
  readonly #place: SinkPlace;
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #chunk: Uint8Array;
  #held = 0;
  #end: number;
  readonly #hash = runningSha256();

  private constructor(meta: SnapshotMeta, place: SinkPlace, file: OpenFile, end: number) {
    this.meta = meta;
    this.#place = place;
    this.#file = file;
    this.#end = end;
    this.#path = temporaryPath(meta, place.directory);
    this.#chunk = new Uint8Array(place.chunkBytes);
  }

  /** Makes the file. */
  static async create(meta: SnapshotMeta, place: SinkPlace): Promise<UnfinishedFile> {
    const head = encodeSnapshotHead(meta, place.chunkBytes, crc32);
    const file = await place.files.open(temporaryPath(meta, place.directory), "create");
    const unfinished = new UnfinishedFile(meta, place, file, head.length);
    await unfinished.#orGone(() => file.write(head, 0));
    return unfinished;
  }

  /** Appends bytes of the state. Whatever fails, the file is gone. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#orGone(async () => {
      this.#hash.update(bytes);
      for (let at = 0; at < bytes.length;) {
        const count = Math.min(bytes.length - at, this.#chunk.length - this.#held);
        this.#chunk.set(bytes.subarray(at, at + count), this.#held);
        this.#held += count;
        at += count;
        this.offset += count;
        if (this.#held === this.#chunk.length) await this.#flush();
      }
    });
  }

  /** Steps 2 to 4 of a snapshot: sync the file, give it its name, sync the directory. */
  async commit(expected: SnapshotDigest | undefined): Promise<void> {
    const { files, directory } = this.#place;
    await this.#orGone(async () => {
      await this.#flush();
      const digest = { sizeBytes: this.offset, sha256: this.#hash.digest() };
      if (expected !== undefined && !sameDigest(digest, expected)) {
        throw new SnapshotCorruptError(this.meta.id, "it is not what the sender said");
      }
      await this.#file.write(encodeFooter(digest, crc32), this.#end);
      await this.#file.sync();
      await this.#file.close();
      await files.rename(this.#path, `${directory}/${snapshotFileName(this.meta)}`);
      await files.syncDirectory(directory);
    });
    this.open = false;
    this.#place.ended(this, true);
  }

  /** Takes it away. */
  async abort(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.#file.close();
    await this.#place.files.remove(this.#path);
    this.#place.ended(this, false);
  }

  async #flush(): Promise<void> {
    if (this.#held === 0) return;
    const data = this.#chunk.subarray(0, this.#held);
    const header = encodeChunkHeader(data, crc32);
    await this.#file.write(header, this.#end);
    await this.#file.write(data, this.#end + header.length);
    this.#end += header.length + data.length;
    this.#held = 0;
  }

  async #orGone(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.abort().catch(() => {});
      throw error;
    }
  }
}

/** One stream's hold on an unfinished file. */
export class FileSink implements SnapshotSink {
  readonly #file: UnfinishedFile;
  readonly #keep: boolean;
  #held = true;

  /**
   * @param file The file.
   * @param keep Whether `suspend` keeps it.
   */
  constructor(file: UnfinishedFile, keep: boolean) {
    this.#file = file;
    this.#keep = keep;
  }

  get meta(): SnapshotMeta {
    return this.#file.meta;
  }

  get offset(): number {
    return this.#file.offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#use();
    await this.#file.write(chunk);
  }

  async commit(expected?: SnapshotDigest): Promise<void> {
    this.#use();
    await this.#file.commit(expected);
  }

  async abort(): Promise<void> {
    if (this.#held) await this.#file.abort();
    this.#held = false;
  }

  async suspend(): Promise<void> {
    if (this.#keep) this.#held = false;
    else await this.abort();
  }

  /** Another stream goes on with the file. */
  revoke(): void {
    this.#held = false;
  }

  #use(): void {
    if (this.#held && this.#file.open) return;
    throw new TypeError("Cannot write a snapshot as it must be open and not taken over");
  }
}

/** Whether two states are the same. */
export function sameDigest(a: SnapshotDigest, b: SnapshotDigest): boolean {
  return a.sizeBytes === b.sizeBytes && a.sha256.length === b.sha256.length &&
    a.sha256.every((byte, i) => byte === b.sha256[i]);
}

function temporaryPath(meta: SnapshotMeta, directory: string): string {
  return `${directory}/${snapshotFileName(meta)}.tmp`;
}
