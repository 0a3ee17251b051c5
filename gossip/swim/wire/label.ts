/**
 * The label header, `F4` + length + label: the outermost layer, which keeps clusters apart.
 *
 * @module
 */
import { DecodeError } from "./decode_error.ts";
import { MessageType } from "./message_type.ts";
import { NO_BYTES } from "./msgpack_reader.ts";
import { encodeUtf8 } from "./utf8.ts";

/** Longest label, bytes. */
export const MAX_LABEL_BYTES = 255;

/**
 * A cluster name as label bytes.
 *
 * @throws {RangeError} When it is longer than 255 bytes of UTF-8.
 */
export function labelBytes(label: string): Uint8Array {
  const bytes = encodeUtf8(label);
  if (bytes.length > MAX_LABEL_BYTES) {
    throw new RangeError(
      `Cannot label traffic as a label must be at most ${MAX_LABEL_BYTES} bytes: current value is ${bytes.length}`,
    );
  }
  return bytes;
}

/** Bytes that the header of a label takes: none without a label. */
export function labelHeaderBytes(label: Uint8Array): number {
  return label.length === 0 ? 0 : 2 + label.length;
}

/** Puts the label header before `bytes`; without a label returns `bytes` itself. */
export function addLabel(label: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (label.length === 0) return bytes;
  const labelled = new Uint8Array(2 + label.length + bytes.length);
  labelled[0] = MessageType.label;
  labelled[1] = label.length;
  labelled.set(label, 2);
  labelled.set(bytes, 2 + label.length);
  return labelled;
}

/** A label header and what follows it. */
export interface Labelled {
  /** The label found; empty when there is no header. */
  readonly label: Uint8Array;
  /** The rest, a view of the input. */
  readonly rest: Uint8Array;
}

/**
 * Takes the label header off, if there is one.
 *
 * @throws {DecodeError} With reason `label` when a header is truncated or names an empty label.
 */
export function splitLabel(bytes: Uint8Array): Labelled {
  if (bytes[0] !== MessageType.label) return { label: NO_BYTES, rest: bytes };
  const length = bytes[1] ?? 0;
  if (length === 0 || bytes.length < 2 + length) {
    throw new DecodeError("Cannot read a label as its header is malformed", {
      offset: Math.min(1, bytes.length),
      reason: "label",
    });
  }
  return { label: bytes.subarray(2, 2 + length), rest: bytes.subarray(2 + length) };
}

/**
 * Takes off the header of exactly this label.
 *
 * @returns What follows, a view of the input.
 * @throws {DecodeError} With reason `label` when the header is malformed, missing, or another one.
 */
export function removeLabel(label: Uint8Array, bytes: Uint8Array): Uint8Array {
  const { length } = label;
  if (carries(label, bytes)) return length === 0 ? bytes : bytes.subarray(2 + length);
  // Malformed ones say so.
  splitLabel(bytes);
  throw new DecodeError("Cannot accept traffic as its label must be the own one", {
    offset: 0,
    reason: "label",
  });
}

// No views and no callbacks: every packet comes by here.
function carries(label: Uint8Array, bytes: Uint8Array): boolean {
  const { length } = label;
  if (length === 0) return bytes[0] !== MessageType.label;
  if (bytes[0] !== MessageType.label || bytes[1] !== length || bytes.length < 2 + length) {
    return false;
  }
  for (let i = 0; i < length; i++) if (bytes[2 + i] !== label[i]) return false;
  return true;
}
