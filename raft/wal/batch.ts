/**
 * The unit of atomicity: what one `persist` effect holds, under one checksum.
 *
 * ```txt
 *  0 u32 magic "CKBT"   4 u16 flags        6 u16 records
 *  8 u32 payload bytes 12 u32 chain: the checksum of the batch before
 * 16 u64 batchSeq: one more than that of the batch before
 * 24 u64 durableSeq: the highest batch known to be durable when this one was formed
 * 32 u32 checksum of the payload
 * 36 u32 checksum of bytes 0 to 35, salted with the storage id. It names the batch in the chain
 * 40 records, zeros up to a multiple of 8
 * ```
 *
 * Why the two checksums: recovery steps over a damaged payload and looks at what follows. Why the salt and the chain: what is left of
 * another store, or of an earlier life of a recycled file, is never taken for a batch. Why `durableSeq`: a batch that a later one calls
 * durable was not torn by a crash, it was damaged.
 *
 * @module
 */
import type { Entry, Index } from "../entry.ts";
import type { Persist } from "../log_store.ts";
import type { Checksum } from "./checksum.ts";
import {
  ENTRY_HEADER_BYTES,
  readRecord,
  RECORD_BYTES_MAX,
  type WalRecord,
  writeEntry,
  writeRecord,
} from "./record.ts";
import { getU64, setU64 } from "./segment.ts";

/** Bytes of a batch's header. */
export const BATCH_HEADER_BYTES = 40;

/** Most bytes of a batch's payload. */
export const MAX_BATCH_BYTES = 64 * 2 ** 20;

/** Most records of a batch. */
export const MAX_BATCH_RECORDS = 0xffff;

/** The batch that a segment begins with: what the segments before it said and may not be lost with them. */
export const RESTATED = 1;

/** Bytes of a batch that holds one seal. */
export const SEAL_BYTES: number = BATCH_HEADER_BYTES + 16;

const MAGIC = 0x5442_4b43;

/** What ties a batch to its place. */
export interface BatchPlace {
  /** {@link RESTATED}, or 0. */
  readonly flags: number;
  /** Its number. */
  readonly seq: number;
  /** The highest number known to be durable. */
  readonly durableSeq: number;
  /** Checksum of the batch before. */
  readonly chain: number;
}

/** The header of a batch. */
export interface BatchHeader extends BatchPlace {
  /** How many records follow. */
  readonly records: number;
  /** Their bytes, without padding. */
  readonly payloadBytes: number;
  /** Their checksum. */
  readonly payloadCrc: number;
  /** The batch's name in the chain. */
  readonly crc: number;
}

/** Bytes from the start of a batch to the start of the next. */
export function batchBytes(payloadBytes: number): number {
  return BATCH_HEADER_BYTES + ((payloadBytes + 7) & ~7);
}

/**
 * Most bytes that an effect takes.
 *
 * @throws {RangeError} It is larger than a batch may be.
 */
export function persistBytes(effect: Persist): number {
  let payload = 0;
  for (const { data } of effect.entries) payload += ENTRY_HEADER_BYTES + data.length;
  if (payload > MAX_BATCH_BYTES - 4 * RECORD_BYTES_MAX) {
    throw new RangeError(
      `Cannot write a batch as it may have at most ${MAX_BATCH_BYTES} bytes: current value is ${payload}`,
    );
  }
  if (effect.entries.length > MAX_BATCH_RECORDS - 4) {
    throw new RangeError(
      `Cannot write a batch as it may have at most ${
        MAX_BATCH_RECORDS - 4
      } entries: current value is ${effect.entries.length}`,
    );
  }
  const others = (effect.truncateFrom === undefined ? 0 : 1) +
    (effect.hardState === undefined ? 0 : 1) + (effect.snapshot === undefined ? 0 : 2);
  return batchBytes(payload + others * RECORD_BYTES_MAX);
}

/** The records of an effect that are not entries: what goes before the entries, and what after. */
export function recordsAround(
  { truncateFrom, hardState, snapshot, resetLog }: Persist,
): readonly [before: NotEntry[], after: NotEntry[]] {
  const before: NotEntry[] = [], after: NotEntry[] = [];
  if (truncateFrom !== undefined) before.push({ type: "truncate", fromIndex: truncateFrom });
  if (hardState !== undefined) after.push({ type: "hardState", hardState });
  if (snapshot !== undefined) {
    if (resetLog) before.push({ type: "truncate", fromIndex: 0 });
    (resetLog ? before : after).push({ type: "mark", mark: snapshot });
  }
  return [before, after];
}

type NotEntry = Exclude<WalRecord, { type: "entry" }>;

/** Collects batches, one behind the other, for one write. Grows, and is reused: nothing is allocated per batch. */
export class BatchBuffer {
  /** The bytes; the first `length` count. */
  bytes: Uint8Array;
  /** Over the same bytes. */
  view: DataView;
  /** Bytes in use. */
  length = 0;
  readonly #checksum: Checksum;
  readonly #salt: number;

  /**
   * @param checksum The segment's.
   * @param salt That of {@link saltOf}.
   * @param sizeBytes How large it begins.
   */
  constructor(checksum: Checksum, salt: number, sizeBytes = 4096) {
    this.#checksum = checksum;
    this.#salt = salt;
    this.bytes = new Uint8Array(sizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Forgets all, and the memory too when it is much. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length <= 4 * 2 ** 20) return;
    this.bytes = new Uint8Array(4096);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Appends a batch. @returns Its checksum. */
  append(
    place: BatchPlace,
    before: readonly NotEntry[],
    entries: readonly Entry[],
    after: readonly NotEntry[],
  ): number {
    let room = BATCH_HEADER_BYTES + 8 + (before.length + after.length) * RECORD_BYTES_MAX;
    for (const { data } of entries) room += ENTRY_HEADER_BYTES + data.length;
    this.#reserve(room);
    const start = this.length;
    let at = start + BATCH_HEADER_BYTES;
    for (const record of before) at = writeRecord(this, at, record);
    for (const entry of entries) at = writeEntry(this, at, entry);
    for (const record of after) at = writeRecord(this, at, record);
    const payloadStart = start + BATCH_HEADER_BYTES;
    const { bytes, view } = this;
    view.setUint32(start, MAGIC, true);
    view.setUint16(start + 4, place.flags, true);
    view.setUint16(start + 6, before.length + entries.length + after.length, true);
    view.setUint32(start + 8, at - payloadStart, true);
    view.setUint32(start + 12, place.chain, true);
    setU64(view, start + 16, place.seq);
    setU64(view, start + 24, place.durableSeq);
    view.setUint32(start + 32, this.#checksum.compute(bytes, payloadStart, at, 0), true);
    const crc = this.#checksum.compute(bytes, start, start + 36, this.#salt);
    view.setUint32(start + 36, crc, true);
    this.length = start + batchBytes(at - payloadStart);
    bytes.fill(0, at, this.length);
    return crc;
  }

  #reserve(room: number): void {
    const wanted = this.length + room;
    if (wanted <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** What the checksums of headers begin with, so that batches of other stores do not verify. */
export function saltOf(storageId: Uint8Array, checksum: Checksum): number {
  return checksum.compute(storageId, 0, storageId.length, 0);
}

/** Reads batches of one segment. */
export class BatchReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #checksum: Checksum;
  readonly #salt: number;

  /**
   * @param bytes The segment.
   * @param checksum The segment's.
   * @param salt That of {@link saltOf}.
   */
  constructor(bytes: Uint8Array, checksum: Checksum, salt: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#checksum = checksum;
    this.#salt = salt;
  }

  /** The header at `at`, if there is one. Its payload may be damaged, or beyond the end. */
  header(at: number): BatchHeader | undefined {
    if (at + BATCH_HEADER_BYTES > this.bytes.length) return undefined;
    const { view } = this;
    if (view.getUint32(at, true) !== MAGIC) return undefined;
    const crc = view.getUint32(at + 36, true);
    if (this.#checksum.compute(this.bytes, at, at + 36, this.#salt) !== crc) return undefined;
    return {
      flags: view.getUint16(at + 4, true),
      records: view.getUint16(at + 6, true),
      payloadBytes: view.getUint32(at + 8, true),
      chain: view.getUint32(at + 12, true),
      seq: getU64(view, at + 16),
      durableSeq: getU64(view, at + 24),
      payloadCrc: view.getUint32(at + 32, true),
      crc,
    };
  }

  /** Bytes from the batch at `at` to the next. */
  lengthAt(at: number): number {
    return batchBytes(this.view.getUint32(at + 8, true));
  }

  /** The records of the batch at `at`. @returns `undefined` when they are damaged. */
  records(at: number, header: BatchHeader): readonly WalRecord[] | undefined {
    let from = at + BATCH_HEADER_BYTES;
    const end = from + header.payloadBytes;
    if (end > this.bytes.length) return undefined;
    if (this.#checksum.compute(this.bytes, from, end, 0) !== header.payloadCrc) return undefined;
    const records: WalRecord[] = [];
    while (from < end) {
      const read = readRecord(this, from, end);
      if (read === undefined) return undefined;
      records.push(read.record);
      from = read.end;
    }
    return records.length === header.records ? records : undefined;
  }

  /** Every header at or after `from`, at any multiple of 8. */
  *headersFrom(from: number): Generator<{ readonly at: number; readonly header: BatchHeader }> {
    for (let at = from; at + BATCH_HEADER_BYTES <= this.bytes.length; at += 8) {
      if (this.view.getUint32(at, true) !== MAGIC) continue;
      const header = this.header(at);
      if (header !== undefined) yield { at, header };
    }
  }
}

/** The first index among some records' entries. */
export function firstEntryIndex(records: readonly WalRecord[]): Index | undefined {
  for (const record of records) if (record.type === "entry") return record.entry.index;
  return undefined;
}
