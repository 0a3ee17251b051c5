/**
 * How a segment begins, and what its file is called.
 *
 * ```txt
 *  0 u32 magic "CKWL"   4 u16 version      6 u16 checksum id
 *  8 u64 seq           16 u64 firstIndex  24 16 bytes storage id
 * 40 u64 batchSeq      48 u32 chain       52 u32 capacity
 * 56 u32 flags         60 u32 CRC of bytes 0 to 59
 * ```
 *
 * All numbers are little-endian. These 64 bytes stay as they are in every later version: whoever finds a later one can say so.
 *
 * @module
 */
import type { Index } from "../entry.ts";
import type { Checksum } from "./checksum.ts";

/** Bytes of a segment's header. */
export const SEGMENT_HEADER_BYTES = 64;

/** The version written. */
export const WAL_VERSION = 1;

const MAGIC = 0x4c57_4b43;
const RECYCLED = 1;

/** The header of a segment. */
export interface SegmentHeader {
  /** The format. */
  readonly version: number;
  /** Counts segments from 1, without a gap. */
  readonly seq: number;
  /** Where the next entry went when the segment began. */
  readonly firstIndex: Index;
  /** The store's own, 16 bytes. */
  readonly storageId: Uint8Array;
  /** The last batch of the segment before. */
  readonly batchSeq: number;
  /** Checksum of that batch. */
  readonly chain: number;
  /** Bytes that the file was given before it got its name. A shorter one has lost its end. */
  readonly capacity: number;
  /** Whether the file was another segment before, whose batches may still follow. */
  readonly recycled: boolean;
}

/** Writes a header. */
export function encodeSegmentHeader(header: SegmentHeader, checksum: Checksum): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, header.version, true);
  view.setUint16(6, checksum.id, true);
  setU64(view, 8, header.seq);
  setU64(view, 16, header.firstIndex);
  bytes.set(header.storageId, 24);
  setU64(view, 40, header.batchSeq);
  view.setUint32(48, header.chain, true);
  view.setUint32(52, header.capacity, true);
  view.setUint32(56, header.recycled ? RECYCLED : 0, true);
  view.setUint32(60, checksum.compute(bytes, 0, 60, 0), true);
  return bytes;
}

/** Reads a header, of whatever version. @returns `undefined` when it is damaged. */
export function decodeSegmentHeader(
  bytes: Uint8Array,
  checksums: readonly Checksum[],
): { readonly header: SegmentHeader; readonly checksum: Checksum } | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  const id = view.getUint16(6, true);
  const checksum = checksums.find((one) => one.id === id);
  if (view.getUint32(0, true) !== MAGIC || checksum === undefined) return undefined;
  if (checksum.compute(bytes, 0, 60, 0) !== view.getUint32(60, true)) return undefined;
  const header = {
    version: view.getUint16(4, true),
    seq: getU64(view, 8),
    firstIndex: getU64(view, 16),
    storageId: bytes.slice(24, 40),
    batchSeq: getU64(view, 40),
    chain: view.getUint32(48, true),
    capacity: view.getUint32(52, true),
    recycled: (view.getUint32(56, true) & RECYCLED) !== 0,
  };
  return { header, checksum };
}

/** `wal-<seq>-<firstIndex>.log`, both as 16 hexadecimal digits: the order of names is the order of segments. */
export function segmentName(seq: number, firstIndex: Index): string {
  return `wal-${hex(seq)}-${hex(firstIndex)}.log`;
}

/** Reads a name. @returns `undefined` for a file that is no segment. */
export function parseSegmentName(
  name: string,
): { readonly seq: number; readonly firstIndex: Index } | undefined {
  const match = /^wal-([0-9a-f]{16})-([0-9a-f]{16})\.log$/.exec(name);
  if (match === null) return undefined;
  return { seq: parseInt(match[1]!, 16), firstIndex: parseInt(match[2]!, 16) };
}

/** A number as 16 hexadecimal digits. */
export function hex(value: number): string {
  return value.toString(16).padStart(16, "0");
}

/** Writes a safe integer as u64. */
export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

/** Reads a u64; above 2⁵³ it is not exact, and no number that was written. */
export function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}
