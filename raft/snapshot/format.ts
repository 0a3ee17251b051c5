/**
 * A snapshot's file.
 *
 * ```txt
 *  0 u32 magic "CKSN"   4 u16 version   6 u16 0   8 u32 bytes of meta   12 u32 chunk bytes
 * 16 u32 CRC-32 of bytes 0 to 15 and of the meta   20 meta: JSON
 *    chunks: u32 length, u32 CRC-32 of the data, data. All but the last have the same length, so any byte is found without an index
 *    footer: u32 0, u32 CRC-32 of the rest, u64 bytes of state, 32 bytes SHA-256 of the state
 * ```
 *
 * @module
 */
import type { ClusterConfig, SnapshotMeta } from "../entry.ts";
import type { SnapshotDigest } from "../log_store.ts";
import { ieee } from "../wal/checksum.ts";
import { getU64, hex, setU64 } from "../wal/segment.ts";

/** SHA-256 that grows; `node:crypto` and `@noble/hashes` both fit. */
export interface RunningHash {
  /** Takes more bytes. */
  update(bytes: Uint8Array): unknown;
  /** The hash of all. Once. */
  digest(): Uint8Array;
}

/** Computes CRC-32 of some bytes, going on from another. */
export type Crc32 = (bytes: Uint8Array, before: number) => number;

/** In plain code. */
export function plainCrc32(bytes: Uint8Array, before: number): number {
  return ieee.compute(bytes, 0, bytes.length, before);
}

/** The version written. */
export const SNAPSHOT_VERSION = 1;
/** Bytes before the meta. */
export const SNAPSHOT_PREFIX_BYTES = 20;
/** Bytes before a chunk's data. */
export const CHUNK_HEADER_BYTES = 8;
/** Bytes of the footer. */
export const FOOTER_BYTES = 48;
/** Most bytes of a meta. */
export const MAX_META_BYTES = 2 ** 20;

const MAGIC = 0x4e53_4b43;

/** `<index>-<term>-<id>.snap`, numbers as 16 hexadecimal digits. */
export function snapshotFileName({ index, term, id }: SnapshotMeta): string {
  return `${hex(index)}-${hex(term)}-${id}.snap`;
}

/** Whether a name is one of a finished snapshot. */
export function isSnapshotFileName(name: string): boolean {
  return /^[0-9a-f]{16}-[0-9a-f]{16}-[a-z0-9-]{1,64}\.snap$/.test(name);
}

/** What a file begins with. */
export function encodeSnapshotHead(meta: SnapshotMeta, chunkBytes: number, crc: Crc32): Uint8Array {
  const { index, term, config, configIndex, id } = meta;
  const text = new TextEncoder().encode(JSON.stringify({ index, term, config, configIndex, id }));
  if (text.length > MAX_META_BYTES) {
    throw new RangeError(
      `Cannot write a snapshot as its meta may have at most ${MAX_META_BYTES} bytes: current value is ${text.length}`,
    );
  }
  const bytes = new Uint8Array(SNAPSHOT_PREFIX_BYTES + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, SNAPSHOT_VERSION, true);
  view.setUint32(8, text.length, true);
  view.setUint32(12, chunkBytes, true);
  bytes.set(text, SNAPSHOT_PREFIX_BYTES);
  view.setUint32(16, crc(text, crc(bytes.subarray(0, 16), 0)), true);
  return bytes;
}

/** The first {@link SNAPSHOT_PREFIX_BYTES}. @returns `undefined` when they are no snapshot's. */
export function decodeSnapshotPrefix(
  bytes: Uint8Array,
):
  | { readonly version: number; readonly metaBytes: number; readonly chunkBytes: number }
  | undefined {
  if (bytes.length < SNAPSHOT_PREFIX_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SNAPSHOT_PREFIX_BYTES);
  const metaBytes = view.getUint32(8, true);
  const chunkBytes = view.getUint32(12, true);
  if (view.getUint32(0, true) !== MAGIC || metaBytes > MAX_META_BYTES) return undefined;
  if (chunkBytes < 1 || chunkBytes > 2 ** 26) return undefined;
  return { version: view.getUint16(4, true), metaBytes, chunkBytes };
}

/** The meta of a whole head. @returns `undefined` when it is damaged. */
export function decodeSnapshotHead(head: Uint8Array, crc: Crc32): SnapshotMeta | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const text = head.subarray(SNAPSHOT_PREFIX_BYTES);
  if (crc(text, crc(head.subarray(0, 16), 0)) !== view.getUint32(16, true)) return undefined;
  try {
    const meta = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
    const { index, term, config, configIndex, id } = meta as SnapshotMeta;
    return { index, term, config: config as ClusterConfig, configIndex, id };
  } catch {
    return undefined;
  }
}

/** What stands before a chunk's data. */
export function encodeChunkHeader(data: Uint8Array, crc: Crc32): Uint8Array {
  const bytes = new Uint8Array(CHUNK_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length, true);
  view.setUint32(4, crc(data, 0), true);
  return bytes;
}

/** What a file ends with. */
export function encodeFooter({ sizeBytes, sha256 }: SnapshotDigest, crc: Crc32): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES);
  const view = new DataView(bytes.buffer);
  setU64(view, 8, sizeBytes);
  bytes.set(sha256, 16);
  view.setUint32(4, crc(bytes.subarray(8), 0), true);
  return bytes;
}

/** Reads a footer. @returns `undefined` when it is damaged. */
export function decodeFooter(bytes: Uint8Array, crc: Crc32): SnapshotDigest | undefined {
  if (bytes.length !== FOOTER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, FOOTER_BYTES);
  if (view.getUint32(0, true) !== 0) return undefined;
  if (crc(bytes.subarray(8), 0) !== view.getUint32(4, true)) return undefined;
  return { sizeBytes: getU64(view, 8), sha256: bytes.slice(16) };
}

/** Bytes of the file of a state. */
export function snapshotFileBytes(
  headBytes: number,
  sizeBytes: number,
  chunkBytes: number,
): number {
  const chunks = Math.ceil(sizeBytes / chunkBytes);
  return headBytes + sizeBytes + chunks * CHUNK_HEADER_BYTES + FOOTER_BYTES;
}
