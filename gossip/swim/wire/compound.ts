/**
 * memberlist's compound message: `07`, a count, that many uint16 lengths, then the parts.
 *
 * @module
 */
import { DecodeError } from "./decode_error.ts";
import { MessageType } from "./message_type.ts";

/** Bytes that a compound costs by itself. */
export const COMPOUND_HEADER_BYTES = 2;
/** Bytes that a part costs in a compound besides itself. */
export const COMPOUND_PART_OVERHEAD_BYTES = 2;
/** Parts of one compound at most: the count is one byte. */
export const MAX_COMPOUND_PARTS = 255;
/** Longest part: its length is two bytes. */
export const MAX_COMPOUND_PART_BYTES = 65_535;

/**
 * Joins messages into one compound.
 *
 * @throws {RangeError} When there are more than 255 parts, or a part is longer than 65535 bytes.
 */
export function encodeCompound(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length > MAX_COMPOUND_PARTS) {
    throw new RangeError(
      `Cannot make a compound as it must have at most ${MAX_COMPOUND_PARTS} parts: current value is ${parts.length}`,
    );
  }
  let size = COMPOUND_HEADER_BYTES;
  for (const part of parts) {
    if (part.length > MAX_COMPOUND_PART_BYTES) {
      throw new RangeError(
        `Cannot make a compound as a part must be at most ${MAX_COMPOUND_PART_BYTES} bytes: current value is ${part.length}`,
      );
    }
    size += COMPOUND_PART_OVERHEAD_BYTES + part.length;
  }
  const compound = new Uint8Array(size);
  compound[0] = MessageType.compound;
  compound[1] = parts.length;
  let lengthAt = COMPOUND_HEADER_BYTES;
  let partAt = lengthAt + parts.length * COMPOUND_PART_OVERHEAD_BYTES;
  for (const part of parts) {
    compound[lengthAt++] = part.length >>> 8;
    compound[lengthAt++] = part.length;
    compound.set(part, partAt);
    partAt += part.length;
  }
  return compound;
}

/** A compound taken apart. */
export interface Compound {
  /** The whole parts in order, views of the input; empty ones included. */
  readonly parts: readonly Uint8Array[];
  /** How many announced parts the bytes did not suffice for. */
  readonly truncated: number;
}

/**
 * Takes a compound apart. Parts before a truncated one count; bytes after the last are ignored.
 *
 * @param bytes The whole message with its type byte.
 * @throws {DecodeError} When the count or a length is missing.
 */
export function decodeCompound(bytes: Uint8Array): Compound {
  const count = bytes[1];
  let partAt = COMPOUND_HEADER_BYTES + (count ?? 0) * COMPOUND_PART_OVERHEAD_BYTES;
  if (count === undefined || partAt > bytes.length) {
    throw new DecodeError("Cannot read a compound as its lengths are truncated", {
      offset: bytes.length,
    });
  }
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const lengthAt = COMPOUND_HEADER_BYTES + i * COMPOUND_PART_OVERHEAD_BYTES;
    const end = partAt + (bytes[lengthAt]! << 8 | bytes[lengthAt + 1]!);
    if (end > bytes.length) return { parts, truncated: count - i };
    parts.push(bytes.subarray(partAt, end));
    partAt = end;
  }
  return { parts, truncated: 0 };
}
