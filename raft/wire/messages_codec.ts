/**
 * Messages as frames. Sender and receiver are not in them: the hello of the stream said who they are.
 *
 * @module
 */
import type { NodeId } from "../entry.ts";
import type { Message } from "../message.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { DecodeError } from "./decode_error.ts";
import { decodeEntries, EntriesEncoder } from "./entries_codec.ts";
import {
  type Body,
  EMPTY_BODY,
  type Frame,
  FRAME_HEADER_BYTES,
  FrameType,
  MAX_VERSION,
  sealFrame,
} from "./frame.ts";
import { readSnapshotMeta, writeSnapshotMeta } from "./meta_codec.ts";

/** A frame to send: `head` is header and head, `body` follows it. */
export interface OutgoingFrame {
  readonly head: Uint8Array;
  readonly body: Body;
}

/** Options of {@link encodeMessage}. */
export interface EncodeOptions {
  /** The version that the stream agreed on. @default {MAX_VERSION} */
  readonly version?: number;
  /** Shared by all streams of a member, so that entries which go to many are encoded once. */
  readonly entries?: EntriesEncoder;
}

/** Most head bytes of every message but a snapshot. */
const HEAD_CAPACITY = FRAME_HEADER_BYTES + 32;

/** Encodes one message. */
export function encodeMessage(message: Message, options: EncodeOptions = {}): OutgoingFrame {
  const writer = new ByteWriter(HEAD_CAPACITY, FRAME_HEADER_BYTES);
  writer.u64(message.term);
  let flags = 0;
  let body = EMPTY_BODY;
  switch (message.type) {
    case "append":
      writer.u64(message.prevIndex);
      writer.u64(message.prevTerm);
      writer.u64(message.commit);
      body = (options.entries ?? new EntriesEncoder()).encode(message.entries);
      break;
    case "appendReply":
      flags = message.rejected ? 1 : 0;
      writer.u64(message.index);
      writer.u64(message.hintIndex);
      writer.u64(message.hintTerm);
      break;
    case "heartbeat":
      writer.u64(message.commit);
      writer.u64(message.round);
      break;
    case "heartbeatReply":
      writer.u64(message.round);
      break;
    case "vote":
      flags = (message.preVote ? 1 : 0) | (message.transfer ? 2 : 0);
      writer.u64(message.lastIndex);
      writer.u64(message.lastTerm);
      break;
    case "voteReply":
      flags = (message.preVote ? 1 : 0) | (message.granted ? 2 : 0);
      break;
    case "timeoutNow":
      break;
    case "snapshot":
      writeSnapshotMeta(writer, message.meta);
      break;
    case "readIndex":
      writer.u64(message.read);
      break;
    case "readIndexReply":
      writer.u64(message.read);
      writer.u64(message.index);
      break;
    default:
      message satisfies never;
  }
  const head = writer.finish();
  const version = options.version ?? MAX_VERSION;
  sealFrame(head, { version, type: FrameType[message.type], flags }, body);
  return { head, body };
}

/** What a stream knows of the messages on it. */
export interface DecodeOptions {
  /** The sender, by the stream's hello. */
  readonly from: NodeId;
  /** The receiver. */
  readonly to: NodeId;
  /** The version that the stream agreed on. @default {MAX_VERSION} */
  readonly version?: number;
  /** Longest data of an entry. @default {67108864} */
  readonly maxEntryBytes?: number;
}

/**
 * Decodes one message.
 *
 * @throws {DecodeError} When the frame holds none.
 */
export function decodeMessage(frame: Frame, options: DecodeOptions): Message {
  const { from, to, version = MAX_VERSION } = options;
  if (frame.version !== version) {
    throw new DecodeError(
      `its version must be ${version}: current value is ${frame.version}`,
      1,
      "version",
    );
  }
  const reader = new ByteReader(frame.head);
  const message = read(frame, reader, { ...options, from, to });
  reader.done();
  if (frame.body.length > 0 && frame.type !== FrameType.append) {
    throw new DecodeError("it has a body", 8);
  }
  return message;
}

function read(frame: Frame, reader: ByteReader, options: DecodeOptions): Message {
  const { from, to } = options;
  switch (frame.type) {
    case FrameType.append: {
      flagsOf(frame, 0);
      const term = reader.u64();
      const prevIndex = reader.u64();
      const prevTerm = reader.u64();
      const commit = reader.u64();
      const entries = decodeEntries(frame.body, {
        prevIndex,
        prevTerm,
        maxTerm: term,
        maxEntryBytes: options.maxEntryBytes ?? 64 * 1024 * 1024,
      });
      return { type: "append", from, to, term, prevIndex, prevTerm, commit, entries };
    }
    case FrameType.appendReply: {
      const rejected = flagsOf(frame, 1) === 1;
      const term = reader.u64();
      const index = reader.u64();
      const hintIndex = reader.u64();
      const hintTerm = reader.u64();
      return { type: "appendReply", from, to, term, rejected, index, hintIndex, hintTerm };
    }
    case FrameType.heartbeat: {
      flagsOf(frame, 0);
      const term = reader.u64();
      const commit = reader.u64();
      return { type: "heartbeat", from, to, term, commit, round: reader.u64() };
    }
    case FrameType.heartbeatReply: {
      flagsOf(frame, 0);
      const term = reader.u64();
      return { type: "heartbeatReply", from, to, term, round: reader.u64() };
    }
    case FrameType.vote: {
      const flags = flagsOf(frame, 3);
      const term = reader.u64();
      const lastIndex = reader.u64();
      const lastTerm = reader.u64();
      const preVote = (flags & 1) !== 0;
      const transfer = (flags & 2) !== 0;
      return { type: "vote", from, to, term, lastIndex, lastTerm, preVote, transfer };
    }
    case FrameType.voteReply: {
      const flags = flagsOf(frame, 3);
      const term = reader.u64();
      const preVote = (flags & 1) !== 0;
      return { type: "voteReply", from, to, term, preVote, granted: (flags & 2) !== 0 };
    }
    case FrameType.timeoutNow:
      flagsOf(frame, 0);
      return { type: "timeoutNow", from, to, term: reader.u64() };
    case FrameType.snapshot: {
      flagsOf(frame, 0);
      const term = reader.u64();
      return { type: "snapshot", from, to, term, meta: readSnapshotMeta(reader) };
    }
    case FrameType.readIndex: {
      flagsOf(frame, 0);
      const term = reader.u64();
      return { type: "readIndex", from, to, term, read: reader.u64() };
    }
    case FrameType.readIndexReply: {
      flagsOf(frame, 0);
      const term = reader.u64();
      const number = reader.u64();
      return { type: "readIndexReply", from, to, term, read: number, index: reader.u64() };
    }
    default:
      throw new DecodeError(`there is no message type ${frame.type}`, 2, "type");
  }
}

/** The flags of a frame, of which only those in `known` may be set. */
export function flagsOf(frame: Frame, known: number): number {
  if ((frame.flags & ~known) !== 0) {
    throw new DecodeError(`a flag is unknown: current value is ${frame.flags}`, 3);
  }
  return frame.flags;
}
