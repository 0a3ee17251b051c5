/**
 * What a batch holds, one after the other.
 *
 * ```txt
 * 1 entry      u8 1  u8 kind    u16 0  u32 length  u64 index  u64 term    data
 * 2 hardState  u8 2  u8 length  u16 0  u32 0       u64 term   u64 commit  vote (UTF-8, none when empty)
 * 3 truncate   u8 3  u8 0       u16 0  u32 0       u64 fromIndex (0: all)
 * 4 mark       u8 4  u8 length  u16 0  u32 0       u64 index  u64 term    u64 configIndex  id (ASCII)
 * 5 seal       u8 5  u8 kind    u16 0  u32 0       u64 entries in this segment
 * ```
 *
 * @module
 */
import type { Entry, EntryKind, HardState, Index } from "../entry.ts";
import type { SnapshotMark } from "./log_image.ts";
import { getU64, setU64 } from "./segment.ts";

/** What stands in a batch. */
export type WalRecord =
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "hardState"; readonly hardState: HardState }
  /** Drops the log at and after `fromIndex`; all of it when 0, the mark after it says where the next begins. */
  | { readonly type: "truncate"; readonly fromIndex: Index }
  | { readonly type: "mark"; readonly mark: SnapshotMark }
  /** Nothing follows: in this segment (`segment`), or in this life of the store (`clean`). */
  | { readonly type: "seal"; readonly kind: "clean" | "segment"; readonly entries: number };

const ENTRY = 1, HARD_STATE = 2, TRUNCATE = 3, MARK = 4, SEAL = 5;
const kinds: readonly EntryKind[] = ["command", "noop", "config"];
const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes of an entry before its data. */
export const ENTRY_HEADER_BYTES = 24;

/** A buffer that records are appended to. */
export interface RecordBuffer {
  /** Room for at least what is about to be written. */
  readonly bytes: Uint8Array;
  /** Over the same bytes. */
  readonly view: DataView;
}

/** Writes an entry at `at`. @returns Where it ends. */
export function writeEntry({ bytes, view }: RecordBuffer, at: number, entry: Entry): number {
  view.setUint32(at, ENTRY | (kinds.indexOf(entry.kind) << 8), true);
  view.setUint32(at + 4, entry.data.length, true);
  setU64(view, at + 8, entry.index);
  setU64(view, at + 16, entry.term);
  bytes.set(entry.data, at + ENTRY_HEADER_BYTES);
  return at + ENTRY_HEADER_BYTES + entry.data.length;
}

/** Writes any other record at `at`. @returns Where it ends. */
export function writeRecord(
  { bytes, view }: RecordBuffer,
  at: number,
  record: Exclude<WalRecord, { type: "entry" }>,
): number {
  view.setUint32(at + 4, 0, true);
  switch (record.type) {
    case "hardState": {
      const vote = utf8.encode(record.hardState.votedFor ?? "");
      view.setUint32(at, HARD_STATE | (vote.length << 8), true);
      setU64(view, at + 8, record.hardState.term);
      setU64(view, at + 16, record.hardState.commit);
      bytes.set(vote, at + 24);
      return at + 24 + vote.length;
    }
    case "truncate":
      view.setUint32(at, TRUNCATE, true);
      setU64(view, at + 8, record.fromIndex);
      return at + 16;
    case "mark": {
      const id = utf8.encode(record.mark.id);
      view.setUint32(at, MARK | (id.length << 8), true);
      setU64(view, at + 8, record.mark.index);
      setU64(view, at + 16, record.mark.term);
      setU64(view, at + 24, record.mark.configIndex);
      bytes.set(id, at + 32);
      return at + 32 + id.length;
    }
    case "seal":
      view.setUint32(at, SEAL | (record.kind === "segment" ? 0x100 : 0), true);
      setU64(view, at + 8, record.entries);
      return at + 16;
    default:
      return record satisfies never;
  }
}

/** An upper bound of the bytes that a record other than an entry takes: names have at most 255 bytes. */
export const RECORD_BYTES_MAX = 32 + 255;

/**
 * Reads the record at `at`, which must end by `end`.
 *
 * The data of an entry is a view of `bytes`.
 *
 * @returns `undefined` when it is none.
 */
export function readRecord(
  { bytes, view }: RecordBuffer,
  at: number,
  end: number,
): { readonly record: WalRecord; readonly end: number } | undefined {
  if (at + 16 > end) return undefined;
  const tag = view.getUint32(at, true);
  const small = (tag >>> 8) & 0xff;
  const length = view.getUint32(at + 4, true);
  if (tag >>> 16 !== 0 || (length !== 0 && (tag & 0xff) !== ENTRY)) return undefined;
  const word = (i: number) => at + 8 * i + 8 <= end ? getU64(view, at + 8 * i) : NaN;
  const text = (start: number) =>
    start + small <= end ? bytes.subarray(start, start + small) : undefined;
  switch (tag & 0xff) {
    case ENTRY: {
      const kind = kinds[small];
      const [index, term, start] = [word(1), word(2), at + ENTRY_HEADER_BYTES];
      if (kind === undefined || !safe(index, 1) || !safe(term, 0) || start + length > end) {
        return undefined;
      }
      const entry = { index, term, kind, data: bytes.subarray(start, start + length) };
      return { record: { type: "entry", entry }, end: start + length };
    }
    case HARD_STATE: {
      const [term, commit, vote] = [word(1), word(2), text(at + 24)];
      if (!safe(term, 0) || !safe(commit, 0) || vote === undefined) return undefined;
      const votedFor = decodeText(vote);
      if (votedFor === undefined) return undefined;
      const hardState = { term, votedFor: votedFor === "" ? undefined : votedFor, commit };
      return { record: { type: "hardState", hardState }, end: at + 24 + small };
    }
    case TRUNCATE: {
      const fromIndex = word(1);
      if (!safe(fromIndex, 0)) return undefined;
      return { record: { type: "truncate", fromIndex }, end: at + 16 };
    }
    case MARK: {
      const [index, term, configIndex, name] = [word(1), word(2), word(3), text(at + 32)];
      if (!safe(index, 0) || !safe(term, 0) || !safe(configIndex, 0) || name === undefined) {
        return undefined;
      }
      const id = decodeText(name);
      if (id === undefined) return undefined;
      return {
        record: { type: "mark", mark: { index, term, configIndex, id } },
        end: at + 32 + small,
      };
    }
    case SEAL: {
      const entries = word(1);
      if (!safe(entries, 0) || small > 1) return undefined;
      const kind = small === 1 ? "segment" : "clean";
      return { record: { type: "seal", kind, entries }, end: at + 16 };
    }
    default:
      return undefined;
  }
}

function safe(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}
