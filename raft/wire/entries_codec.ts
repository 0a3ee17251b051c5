/**
 * Entries as the body of a frame: `u32 count`, then for each `u8 kind, u64 term, u32 length, data`. The index of the first is in the head.
 *
 * @module
 */
import type { Entry, EntryKind, Index, Term } from "../entry.ts";
import { readU32, writeU32, writeU64 } from "./byte_writer.ts";
import { DecodeError } from "./decode_error.ts";
import { type Body, bodyOf, EMPTY_BODY } from "./frame.ts";

const KINDS: readonly EntryKind[] = ["command", "noop", "config"];
const COUNT_BYTES = 4;
/** Bytes that an entry takes beside its data. */
export const ENTRY_HEADER_BYTES = 13;

function kindNumber(kind: EntryKind): number {
  return kind === "command" ? 0 : kind === "noop" ? 1 : 2;
}

/** Encodes contiguous entries. */
export function encodeEntries(entries: readonly Entry[]): Body {
  if (entries.length === 0) return EMPTY_BODY;
  let length = COUNT_BYTES;
  for (const { data } of entries) length += ENTRY_HEADER_BYTES + data.length;
  const bytes = new Uint8Array(length);
  writeU32(bytes, 0, entries.length);
  let at = COUNT_BYTES;
  for (const { kind, term, data } of entries) {
    bytes[at] = kindNumber(kind);
    writeU64(bytes, at + 1, term);
    writeU32(bytes, at + 9, data.length);
    bytes.set(data, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + data.length;
  }
  return bodyOf(bytes);
}

/**
 * Encodes what goes to many members once. A leader hands the same entries to each; a log that holds the same first and the same last entry
 * object holds the same entries between them, as whatever replaces an entry replaces all that follow it.
 */
export class EntriesEncoder {
  #first: Entry | undefined;
  #last: Entry | undefined;
  #body: Body = EMPTY_BODY;

  /** Encodes contiguous entries of one log. */
  encode(entries: readonly Entry[]): Body {
    if (entries.length === 0) return EMPTY_BODY;
    const first = entries[0]!;
    const last = entries[entries.length - 1]!;
    if (first !== this.#first || last !== this.#last) {
      this.#body = encodeEntries(entries);
      this.#first = first;
      this.#last = last;
    }
    return this.#body;
  }

  /** Lets go of the latest entries. */
  clear(): void {
    this.#first = this.#last = undefined;
    this.#body = EMPTY_BODY;
  }
}

/** What decoded entries must keep to. */
export interface EntriesBounds {
  /** Index of the entry before the first. */
  readonly prevIndex: Index;
  /** Its term: the terms do not fall below it. */
  readonly prevTerm: Term;
  /** The sender's term: the terms do not exceed it. */
  readonly maxTerm: Term;
  /** Longest data of an entry. */
  readonly maxEntryBytes: number;
}

/**
 * Decodes entries. Their data lies in the memory of `body`.
 *
 * @throws {DecodeError} When they are malformed, or when their indexes or terms cannot be (L12).
 */
export function decodeEntries(body: Uint8Array, bounds: EntriesBounds): readonly Entry[] {
  if (body.length === 0) return [];
  if (body.length < COUNT_BYTES) throw new DecodeError("its entries are truncated", 0);
  const count = readU32(body, 0);
  if (count === 0) throw new DecodeError("an empty list of entries has a body", 0);
  if (count * ENTRY_HEADER_BYTES > body.length - COUNT_BYTES) {
    throw new DecodeError("it announces more entries than it holds", 0);
  }
  if (bounds.prevIndex + count > Number.MAX_SAFE_INTEGER) {
    throw new DecodeError("an index exceeds 2^53 - 1", 0, "limit");
  }
  const entries: Entry[] = new Array(count);
  let at = COUNT_BYTES;
  let before = bounds.prevTerm;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_HEADER_BYTES > body.length) throw new DecodeError("an entry is truncated", at);
    const kind = KINDS[body[at]!];
    if (kind === undefined) {
      throw new DecodeError(`there is no kind of entry ${body[at]}`, at, "type");
    }
    const term = readU32(body, at + 1) + readU32(body, at + 5) * 0x1_0000_0000;
    if (term < before || term > bounds.maxTerm) {
      throw new DecodeError("the terms of its entries are out of order", at + 1);
    }
    before = term;
    const length = readU32(body, at + 9);
    if (length > bounds.maxEntryBytes) {
      throw new DecodeError(
        `an entry must have at most ${bounds.maxEntryBytes} bytes: current value is ${length}`,
        at + 9,
        "limit",
      );
    }
    at += ENTRY_HEADER_BYTES;
    if (length > body.length - at) throw new DecodeError("an entry is truncated", at);
    entries[i] = {
      index: bounds.prevIndex + 1 + i,
      term,
      kind,
      data: body.subarray(at, at + length),
    };
    at += length;
  }
  if (at !== body.length) throw new DecodeError("it is longer than its entries", at);
  return entries;
}
