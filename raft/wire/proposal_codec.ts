/**
 * Commands that a member hands on to the leader. The leader answers only when it will not append one: what it appends, the asker sees
 * applied in its own log.
 *
 * @module
 */
import type { RejectReason } from "../contract.ts";
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
import { flagsOf, type OutgoingFrame } from "./messages_codec.ts";

/** A command handed on. */
export interface ForwardedProposal {
  readonly type: "propose";
  /** A number of the asker's. */
  readonly request: number;
  /** The entry's data, as it will stand in the log. */
  readonly data: Uint8Array;
}

/** It was not appended. */
export interface ForwardedRejection {
  readonly type: "proposeReply";
  readonly request: number;
  readonly reason: RejectReason;
  /** Who leads, as far as the answerer knows; "" when it does not. */
  readonly leader: string;
}

/** Between drivers, beside what passes between cores. */
export type Forwarded = ForwardedProposal | ForwardedRejection;

const REASONS: readonly RejectReason[] = [
  "notLeader",
  "transferring",
  "overloaded",
  "tooLarge",
  "configPending",
  "configIllegal",
  "configChanged",
  "halted",
];

/** Encodes either. */
export function encodeForwarded(forwarded: Forwarded, version: number): OutgoingFrame {
  const writer = new ByteWriter(64, FRAME_HEADER_BYTES);
  writer.u64(forwarded.request);
  let body = EMPTY_BODY;
  if (forwarded.type === "propose") {
    body = bodyOf(forwarded.data);
  } else {
    writer.u8(REASONS.indexOf(forwarded.reason));
    writer.string(forwarded.leader);
  }
  const head = writer.finish();
  sealFrame(head, { version, type: FrameType[forwarded.type], flags: 0 }, body);
  return { head, body };
}

/** Whether a frame is one of these. */
export function isForwarded(frame: Frame): boolean {
  return frame.type === FrameType.propose || frame.type === FrameType.proposeReply;
}

/** Decodes either. @throws {DecodeError} When the frame is neither. */
export function decodeForwarded(frame: Frame, version: number): Forwarded {
  if (frame.version !== version) {
    throw new DecodeError(`its version is not ${version}`, 1, "version");
  }
  flagsOf(frame, 0);
  const reader = new ByteReader(frame.head);
  const request = reader.u64();
  if (frame.type === FrameType.propose) {
    reader.done();
    return { type: "propose", request, data: frame.body };
  }
  if (frame.type !== FrameType.proposeReply) {
    throw new DecodeError(`there is no type ${frame.type} here`, 2, "type");
  }
  const reason = REASONS[reader.u8()];
  if (reason === undefined) return reader.fail("there is no such reason", "type");
  const leader = reader.string(255);
  reader.done();
  if (frame.body.length > 0) throw new DecodeError("it has a body", 8);
  return { type: "proposeReply", request, reason, leader };
}
