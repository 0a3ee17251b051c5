/**
 * Snapshots in memory.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import type { Index, SnapshotMeta } from "../entry.ts";
import type {
  SnapshotDigest,
  SnapshotOrigin,
  SnapshotSink,
  SnapshotSource,
  SnapshotStore,
} from "../log_store.ts";
import { SnapshotCorruptError } from "../storage_error.ts";
import { checkSnapshotId, compareNewestFirst, originKey } from "./snapshot_id.ts";

interface Held {
  readonly meta: SnapshotMeta;
  readonly chunks: readonly Uint8Array[];
  readonly digest: SnapshotDigest;
}

/** A snapshot that grows. */
class MemorySink implements SnapshotSink {
  readonly meta: SnapshotMeta;
  offset = 0;
  readonly #chunks: Uint8Array[] = [];
  readonly #hash = sha256.create();
  readonly #ended: (held: Held | undefined) => void;
  readonly #resumable: boolean;
  #open = true;

  constructor(
    meta: SnapshotMeta,
    resumable: boolean,
    ended: (held: Held | undefined) => void,
  ) {
    this.meta = meta;
    this.#resumable = resumable;
    this.#ended = ended;
  }

  // deno-lint-ignore require-await -- turns what it throws into a rejection
  async write(chunk: Uint8Array): Promise<void> {
    this.#use();
    this.#chunks.push(chunk.slice());
    this.#hash.update(chunk);
    this.offset += chunk.length;
  }

  async commit(expected?: SnapshotDigest): Promise<void> {
    this.#use();
    const digest = { sizeBytes: this.offset, sha256: this.#hash.digest() };
    if (expected !== undefined && !sameDigest(digest, expected)) {
      await this.abort();
      throw new SnapshotCorruptError(this.meta.id, "the sender's checksum differs");
    }
    this.#open = false;
    this.#ended({ meta: this.meta, chunks: this.#chunks, digest });
  }

  abort(): Promise<void> {
    if (this.#open) this.#ended(undefined);
    this.#open = false;
    return Promise.resolve();
  }

  suspend(): Promise<void> {
    return this.#resumable ? Promise.resolve() : this.abort();
  }

  #use(): void {
    if (!this.#open) throw new TypeError("Cannot write a snapshot as it must be open");
  }
}

/** Whether two states are the same. */
function sameDigest(a: SnapshotDigest, b: SnapshotDigest): boolean {
  return a.sizeBytes === b.sizeBytes && a.sha256.every((byte, i) => byte === b.sha256[i]);
}

/** Keeps snapshots for as long as the process lives. */
export class MemorySnapshotStore implements SnapshotStore {
  readonly #held = new Map<string, Held>();
  #receiving: { readonly key: string; readonly sink: MemorySink } | undefined;

  /**
   * Begins empty, or where another ended.
   *
   * @param before A closed store, whose snapshots this one takes over, as a restart with a disk would.
   */
  constructor(before?: MemorySnapshotStore) {
    if (before !== undefined) this.#held = before.#held;
  }

  /** {@inheritDoc SnapshotStore.open} */
  open(): Promise<readonly SnapshotMeta[]> {
    return Promise.resolve(this.#metas());
  }

  /** {@inheritDoc SnapshotStore.latest} */
  latest(atLeast: Index = 0): SnapshotMeta | undefined {
    const [newest] = this.#metas();
    return newest !== undefined && newest.index >= atLeast ? newest : undefined;
  }

  /** {@inheritDoc SnapshotStore.create} */
  // deno-lint-ignore require-await -- turns what it throws into a rejection
  async create(meta: SnapshotMeta): Promise<SnapshotSink> {
    checkSnapshotId(meta.id);
    return new MemorySink(meta, false, (held) => this.#keep(held));
  }

  /** {@inheritDoc SnapshotStore.receive} */
  async receive(meta: SnapshotMeta, origin: SnapshotOrigin): Promise<SnapshotSink> {
    checkSnapshotId(meta.id);
    const key = originKey(meta, origin);
    if (this.#receiving?.key === key) return this.#receiving.sink;
    await this.#receiving?.sink.abort();
    const sink = new MemorySink(meta, true, (held) => {
      if (this.#receiving?.sink === sink) this.#receiving = undefined;
      this.#keep(held);
    });
    this.#receiving = { key, sink };
    return sink;
  }

  /** {@inheritDoc SnapshotStore.read} */
  // deno-lint-ignore require-await -- turns what it throws into a rejection
  async read(id: string, options: { readonly offset?: number } = {}): Promise<SnapshotSource> {
    const { offset = 0 } = options;
    const held = this.#held.get(id);
    if (held === undefined) throw new RangeError(`Cannot read snapshot ${id} as it must exist`);
    const { meta, chunks, digest } = held;
    if (offset < 0 || offset > digest.sizeBytes) {
      throw new RangeError(
        `Cannot read snapshot ${id} as 'offset' must be 0 to ${digest.sizeBytes}: current value is ${offset}`,
      );
    }
    return {
      meta,
      digest,
      async *[Symbol.asyncIterator]() {
        let skip = offset;
        for (const chunk of chunks) {
          if (skip < chunk.length) yield chunk.subarray(skip);
          skip = Math.max(0, skip - chunk.length);
        }
      },
      close: () => Promise.resolve(),
    };
  }

  /** {@inheritDoc SnapshotStore.retain} */
  retain(count: number, marked: Index): Promise<void> {
    const old = this.#metas().filter(({ index }) => index <= marked);
    for (const { id } of old.slice(Math.max(1, count))) this.#held.delete(id);
    return Promise.resolve();
  }

  /** {@inheritDoc SnapshotStore.remove} */
  remove(id: string): Promise<void> {
    this.#held.delete(id);
    return Promise.resolve();
  }

  /** {@inheritDoc SnapshotStore.close} */
  async close(): Promise<void> {
    await this.#receiving?.sink.abort();
  }

  /** The same as {@link MemorySnapshotStore.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #metas(): SnapshotMeta[] {
    return [...this.#held.values()].map(({ meta }) => meta).sort(compareNewestFirst);
  }

  #keep(held: Held | undefined): void {
    if (held !== undefined) this.#held.set(held.meta.id, held);
  }
}
