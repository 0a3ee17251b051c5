/**
 * What passes on the stream of a snapshot.
 *
 * ```txt
 * sender ── begin ─────► receiver      what it is, how long, its SHA-256
 *        ◄─ goOn ──────                from which byte: an earlier try may have brought some
 *        ── chunk … ───►
 *        ◄─ goOn … ────                how far it is: only so much is under way
 *        ── end ───────►
 *        ◄─ installed ─                all of it is durable — or `refused`, at any time
 * ```
 *
 * @module
 */
import type { NodeId } from "../entry.ts";
import type { SnapshotMessage } from "../message.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { DecodeError } from "./decode_error.ts";
import {
  bodyOf,
  EMPTY_BODY,
  type Frame,
  FRAME_HEADER_BYTES,
  FrameType,
  sealFrame,
} from "./frame.ts";
import { readSnapshotMeta, writeSnapshotMeta } from "./meta_codec.ts";
import { flagsOf, type OutgoingFrame } from "./messages_codec.ts";

/** Announces a snapshot. */
export interface SnapshotBegin {
  readonly message: SnapshotMessage;
  /** Bytes of state. */
  readonly sizeBytes: number;
  /** SHA-256 of the state, 32 bytes. */
  readonly sha256: Uint8Array;
}

/** What the receiver says. */
export type SnapshotReply =
  | { readonly type: "goOn"; readonly offset: number }
  | { readonly type: "installed" }
  | { readonly type: "refused"; readonly detail: string };

/** A frame that a sender writes after `begin`. */
export type SnapshotPart = { readonly type: "chunk"; readonly bytes: Uint8Array } | {
  readonly type: "end";
};

/** Encodes the announcement. */
export function encodeSnapshotBegin(begin: SnapshotBegin, version: number): Uint8Array {
  const writer = new ByteWriter(512, FRAME_HEADER_BYTES);
  writer.u64(begin.message.term);
  writer.u64(begin.sizeBytes);
  writer.raw(begin.sha256);
  writeSnapshotMeta(writer, begin.message.meta);
  return sealed(writer, FrameType.snapshotBegin, version);
}

/** Decodes it. @throws {DecodeError} When the frame is none. */
export function decodeSnapshotBegin(
  frame: Frame,
  { from, to, version }: { from: NodeId; to: NodeId; version: number },
): SnapshotBegin {
  const reader = opened(frame, FrameType.snapshotBegin, version);
  const term = reader.u64();
  const sizeBytes = reader.u64();
  const sha256 = reader.raw(32).slice();
  const meta = readSnapshotMeta(reader);
  reader.done();
  return { message: { type: "snapshot", from, to, term, meta }, sizeBytes, sha256 };
}

/** Encodes bytes of the state. */
export function encodeSnapshotChunk(bytes: Uint8Array, version: number): OutgoingFrame {
  const head = new Uint8Array(FRAME_HEADER_BYTES);
  const body = bodyOf(bytes);
  sealFrame(head, { version, type: FrameType.snapshotChunk, flags: 0 }, body);
  return { head, body };
}

/** Encodes the end of the state. */
export function encodeSnapshotEnd(version: number): Uint8Array {
  return sealed(
    new ByteWriter(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES),
    FrameType.snapshotEnd,
    version,
  );
}

/** Decodes what follows the announcement. @throws {DecodeError} When the frame is neither. */
export function decodeSnapshotPart(frame: Frame, version: number): SnapshotPart {
  if (frame.type === FrameType.snapshotEnd) {
    opened(frame, FrameType.snapshotEnd, version).done();
    return { type: "end" };
  }
  checkVersion(frame, version);
  if (frame.type !== FrameType.snapshotChunk || frame.head.length > 0 || frame.body.length === 0) {
    throw new DecodeError("it is no part of a snapshot", 2, "type");
  }
  flagsOf(frame, 0);
  return { type: "chunk", bytes: frame.body };
}

const REPLIES = ["goOn", "installed", "refused"] as const;

/** Encodes an answer. */
export function encodeSnapshotReply(reply: SnapshotReply, version: number): Uint8Array {
  const writer = new ByteWriter(64, FRAME_HEADER_BYTES);
  writer.u8(REPLIES.indexOf(reply.type));
  writer.u64(reply.type === "goOn" ? reply.offset : 0);
  writer.string(reply.type === "refused" ? reply.detail.slice(0, 500) : "");
  return sealed(writer, FrameType.snapshotReply, version);
}

/** Decodes it. @throws {DecodeError} When the frame is none. */
export function decodeSnapshotReply(frame: Frame, version: number): SnapshotReply {
  const reader = opened(frame, FrameType.snapshotReply, version);
  const type = REPLIES[reader.u8()];
  const offset = reader.u64();
  const detail = reader.string(2048);
  reader.done();
  switch (type) {
    case "goOn":
      return { type, offset };
    case "installed":
      return { type };
    case "refused":
      return { type, detail };
    default:
      return reader.fail("there is no such answer", "type");
  }
}

function sealed(writer: ByteWriter, type: number, version: number): Uint8Array {
  const bytes = writer.finish();
  sealFrame(bytes, { version, type, flags: 0 }, EMPTY_BODY);
  return bytes;
}

function opened(frame: Frame, type: number, version: number): ByteReader {
  checkVersion(frame, version);
  if (frame.type !== type) throw new DecodeError(`its type must be ${type}`, 2, "type");
  flagsOf(frame, 0);
  if (frame.body.length > 0) throw new DecodeError("it has a body", 8);
  return new ByteReader(frame.head);
}

function checkVersion(frame: Frame, version: number): void {
  if (frame.version !== version) {
    throw new DecodeError(`its version is not ${version}`, 1, "version");
  }
}
