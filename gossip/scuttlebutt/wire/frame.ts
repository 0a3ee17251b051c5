/**
 * The header that every message begins with, on packets and in streams alike: 12 bytes, shared by all gossip protocols of this family.
 *
 * ```
 * 0  u8    magic 0xC5
 * 1  u8    wire version
 * 2  u8    protocol: 1 SWIM, 2 Scuttlebutt
 * 3  u8    message type
 * 4  u32be cluster tag = CRC-32C of the label in UTF-8
 * 8  u32be CRC-32C over bytes 0…8 and 12…end
 * ```
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { crc32c } from "./crc32c.ts";
import { DecodeError, type DecodeReason } from "./decode_error.ts";
import { HEADER_BYTES } from "./lengths.ts";

/** First byte of every frame. */
export const MAGIC = 0xc5;
/** The wire version written and understood. */
export const WIRE_VERSION = 1;
/** This protocol. */
export const SCUTTLEBUTT = 2;

/** Numbers of the message types. Append-only. */
export const MessageType = {
  syn: 1,
  synAck: 2,
  ack: 3,
  fin: 4,
  join: 5,
  joinReply: 6,
  leave: 7,
  leaveAck: 8,
  reject: 9,
} as const;

/** The tag of a cluster's label: keeps accidents apart, two in four thousand million being equal. */
export function clusterTag(label: string): number {
  return crc32c(new TextEncoder().encode(label));
}

/** Fills in the header of `frame`. */
export function writeHeader(frame: Uint8Array, type: number, tag: number): void {
  frame[0] = MAGIC;
  frame[1] = WIRE_VERSION;
  frame[2] = SCUTTLEBUTT;
  frame[3] = type;
  writeU32(frame, 4, tag);
  writeU32(frame, 8, checksum(frame));
}

/**
 * Checks the header of a frame, in the order length, magic, checksum, version, tag, protocol.
 *
 * @returns The message type.
 * @throws {DecodeError} When it is none of ours.
 */
export function readHeader(frame: Uint8Array, tag: number): number {
  const fail = (message: string, offset: number, reason: DecodeReason): never => {
    throw new DecodeError(`Cannot decode a frame as ${message}`, { offset, reason });
  };
  if (frame.length < HEADER_BYTES) return fail("it is shorter than its header", 0, "decode");
  if (frame[0] !== MAGIC) return fail("it begins with another magic", 0, "decode");
  if (readU32(frame, 8) !== checksum(frame)) return fail("its checksum is wrong", 8, "crc");
  if (frame[1] !== WIRE_VERSION) {
    return fail(`its version must be ${WIRE_VERSION}: current value is ${frame[1]}`, 1, "version");
  }
  if (readU32(frame, 4) !== tag) return fail("it belongs to another cluster", 4, "label");
  if (frame[2] !== SCUTTLEBUTT) {
    return fail(`its protocol must be ${SCUTTLEBUTT}: current value is ${frame[2]}`, 2, "strategy");
  }
  return frame[3]!;
}

/** Where the sender of a frame is reached, when it is one that a refusal may answer. The frame need not be understood otherwise. */
export function refusableSource(frame: Uint8Array): string | undefined {
  if (frame.length < HEADER_BYTES || frame[0] !== MAGIC || frame[2] !== SCUTTLEBUTT) return;
  // A refusal is never refused: two clusters would go on for ever.
  if (frame[3] === MessageType.reject || readU32(frame, 8) !== checksum(frame)) return;
  try {
    const reader = new ByteReader(frame, HEADER_BYTES);
    reader.name();
    reader.varint();
    return reader.name();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function checksum(frame: Uint8Array): number {
  return crc32c(frame, { start: HEADER_BYTES, before: crc32c(frame, { end: 8 }) });
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (24 - 8 * i);
}
