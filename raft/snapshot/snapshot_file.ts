import { createHash } from "node:crypto";
import * as zlib from "node:zlib";
import type { SnapshotMeta } from "../entry.ts";
import type { SnapshotDigest } from "../log_store.ts";
import { SnapshotCorruptError } from "../storage_error.ts";
import type { FileSystem, OpenFile } from "../wal/file_system.ts";
import {
  CHUNK_HEADER_BYTES,
  type Crc32,
  decodeFooter,
  decodeSnapshotHead,
  decodeSnapshotPrefix,
  FOOTER_BYTES,
  plainCrc32,
  type RunningHash,
  SNAPSHOT_PREFIX_BYTES,
  SNAPSHOT_VERSION,
  snapshotFileBytes,
} from "./format.ts";

/** The machine's own where it is offered. */
export const crc32: Crc32 = typeof zlib.crc32 === "function"
  ? (bytes, before) => zlib.crc32(bytes, before)
  : plainCrc32;

/** SHA-256 of the machine's own. */
export function runningSha256(): RunningHash {
  const hash = createHash("sha256");
  return { update: (bytes) => hash.update(bytes), digest: () => new Uint8Array(hash.digest()) };
}

/** An open snapshot of which head and footer verify. */
export class SnapshotFile {
  /** What it is. */
  readonly meta: SnapshotMeta;
  /** What its footer says of the state. */
  readonly digest: SnapshotDigest;
  readonly #file: OpenFile;
  readonly #headBytes: number;
  readonly #chunkBytes: number;

  private constructor(
    file: OpenFile,
    head: { meta: SnapshotMeta; digest: SnapshotDigest; headBytes: number; chunkBytes: number },
  ) {
    this.#file = file;
    this.meta = head.meta;
    this.digest = head.digest;
    this.#headBytes = head.headBytes;
    this.#chunkBytes = head.chunkBytes;
  }

  /** Opens one. @throws {SnapshotCorruptError} Head, footer or length do not verify. */
  static async open(files: FileSystem, path: string): Promise<SnapshotFile> {
    const file = await files.open(path, "read");
    try {
      const size = await file.sizeBytes();
      const prefix = decodeSnapshotPrefix(await readExactly(file, 0, SNAPSHOT_PREFIX_BYTES));
      if (prefix === undefined) throw new SnapshotCorruptError(path, "it does not begin as one");
      const { version, metaBytes, chunkBytes } = prefix;
      if (version !== SNAPSHOT_VERSION) {
        throw new SnapshotCorruptError(path, `its version is ${version}`);
      }
      const headBytes = SNAPSHOT_PREFIX_BYTES + metaBytes;
      const meta = decodeSnapshotHead(await readExactly(file, 0, headBytes), crc32);
      if (meta === undefined) throw new SnapshotCorruptError(path, "its head does not verify");
      const footer = await readExactly(file, Math.max(0, size - FOOTER_BYTES), FOOTER_BYTES);
      const digest = decodeFooter(footer, crc32);
      if (digest === undefined) throw new SnapshotCorruptError(path, "its footer does not verify");
      if (size !== snapshotFileBytes(headBytes, digest.sizeBytes, chunkBytes)) {
        throw new SnapshotCorruptError(path, "its length is not what the footer says");
      }
      return new SnapshotFile(file, { meta, digest, headBytes, chunkBytes });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The state from `offset` on, chunk by chunk, each verified. @throws {SnapshotCorruptError} One is damaged. */
  async *chunks(offset: number): AsyncGenerator<Uint8Array, void> {
    const stride = this.#chunkBytes + CHUNK_HEADER_BYTES;
    for (let at = offset - offset % this.#chunkBytes; at < this.digest.sizeBytes;) {
      const length = Math.min(this.#chunkBytes, this.digest.sizeBytes - at);
      const position = this.#headBytes + (at / this.#chunkBytes) * stride;
      const chunk = await readExactly(this.#file, position, CHUNK_HEADER_BYTES + length);
      const view = new DataView(chunk.buffer, chunk.byteOffset, CHUNK_HEADER_BYTES);
      const data = chunk.subarray(CHUNK_HEADER_BYTES);
      if (
        data.length !== length || view.getUint32(0, true) !== length ||
        crc32(data, 0) !== view.getUint32(4, true)
      ) {
        throw new SnapshotCorruptError(this.meta.id, `the chunk at byte ${at} does not verify`);
      }
      yield at < offset ? data.subarray(offset - at) : data;
      at += length;
    }
  }

  /** Reads all of it. @throws {SnapshotCorruptError} Something is damaged. */
  async verify(): Promise<void> {
    const hash = runningSha256();
    for await (const chunk of this.chunks(0)) hash.update(chunk);
    const found = hash.digest();
    if (found.some((byte, i) => byte !== this.digest.sha256[i])) {
      throw new SnapshotCorruptError(this.meta.id, "its SHA-256 differs");
    }
  }

  /** Lets go. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

/** As many bytes as there are, up to `length`. */
async function readExactly(file: OpenFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, await file.read(bytes, offset));
}
