/**
 * Frames to messages and back. A packet is one frame; a stream's request or reply is a sequence of frames, each after its length.
 *
 * @module
 */
import type { Packet, Reject, StreamMessage } from "../messages.ts";
import {
  readDelta,
  readDigest,
  readDigestSection,
  readPrefix,
  writeDelta,
  writeDigest,
  writeDigestSection,
  writePrefix,
} from "./body.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { MessageType, readHeader, writeHeader } from "./frame.ts";
import { encodedLength, HEADER_BYTES } from "./lengths.ts";

/** Bytes of a packet that a decoder takes, whatever the own limit of what is sent. */
export const MAX_PACKET_BYTES = 65_535;
/** Bytes of one frame in a stream. */
export const MAX_FRAME_BYTES = 1 << 20;
/** Bytes of a cluster's label. */
export const MAX_LABEL_BYTES = 64;

const LAST = 1;
const SYNC = 2;
const NO_HEADER = new Uint8Array(HEADER_BYTES);

/** Encodes one message as one frame. `tag` is the cluster's. */
export function encodeFrame(message: Packet | StreamMessage, tag: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(encodedLength(message));
  writer.raw(NO_HEADER);
  const type = writeBody(writer, message);
  const frame = writer.finish();
  writeHeader(frame, type, tag);
  return frame;
}

/**
 * Decodes a packet.
 *
 * @throws {DecodeError} When it is none; nothing is lost but the packet.
 */
export function decodePacket(frame: Uint8Array, tag: number): Packet {
  const type = readHeader(frame, tag);
  const reader = new ByteReader(frame, HEADER_BYTES);
  if (frame.length > MAX_PACKET_BYTES) reader.fail("it is too long for a packet", "limit", 0);
  switch (type) {
    case MessageType.syn:
      return { type: "syn", ...readPrefix(reader), digest: readDigest(reader) };
    case MessageType.synAck: {
      const prefix = readPrefix(reader);
      const digest = readDigestSection(reader);
      return { type: "synAck", ...prefix, digest, delta: readDelta(reader) };
    }
    case MessageType.ack: {
      const prefix = readPrefix(reader);
      const wants = readDigestSection(reader);
      return { type: "ack", ...prefix, wants, delta: readDelta(reader) };
    }
    case MessageType.fin:
      return { type: "fin", ...readPrefix(reader), delta: readDelta(reader) };
    case MessageType.reject:
      return readReject(reader);
    default:
      return reader.fail(`no packet has type ${type}`, "type", 3);
  }
}

/**
 * Decodes one frame of a stream.
 *
 * @throws {DecodeError} When it is none.
 */
export function decodeStreamMessage(frame: Uint8Array, tag: number): StreamMessage {
  const type = readHeader(frame, tag);
  const reader = new ByteReader(frame, HEADER_BYTES);
  switch (type) {
    case MessageType.join: {
      const prefix = readPrefix(reader);
      const label = reader.string(MAX_LABEL_BYTES);
      const flags = reader.flags(LAST | SYNC);
      const last = (flags & LAST) !== 0;
      const digest = readDigestSection(reader);
      const name = (flags & SYNC) !== 0 ? "sync" : "join";
      return { type: name, ...prefix, label, last, digest, delta: readDelta(reader) };
    }
    case MessageType.joinReply:
    case MessageType.leave: {
      const prefix = readPrefix(reader);
      const label = reader.string(MAX_LABEL_BYTES);
      const last = (reader.flags(LAST) & LAST) !== 0;
      const name = type === MessageType.leave ? "leave" : "joinReply";
      return { type: name, ...prefix, label, last, delta: readDelta(reader) };
    }
    case MessageType.leaveAck: {
      const prefix = readPrefix(reader);
      if (reader.left > 0) reader.fail("it is longer than what it holds");
      return { type: "leaveAck", ...prefix };
    }
    case MessageType.reject:
      return readReject(reader);
    default:
      return reader.fail(`no message of a stream has type ${type}`, "type", 3);
  }
}

/** Encodes a request or a reply: all its messages, each after its length. */
export function encodeStream(messages: readonly StreamMessage[], tag: number): Uint8Array {
  const writer = new ByteWriter();
  for (const message of messages) writer.bytes(encodeFrame(message, tag));
  return writer.finish();
}

/**
 * Decodes a whole request or reply.
 *
 * @throws {DecodeError} When a part of it is no message, or the end is missing.
 */
export function decodeStream(bytes: Uint8Array, tag: number): readonly StreamMessage[] {
  const messages: StreamMessage[] = [];
  const reader = new ByteReader(bytes);
  for (;;) {
    const length = reader.varint();
    if (length > MAX_FRAME_BYTES) reader.fail("it is too long", "limit");
    const message = decodeStreamMessage(reader.raw(length), tag);
    messages.push(message);
    if (endsStream(message)) return messages;
  }
}

/** Whether no message follows. */
export function endsStream(message: StreamMessage): boolean {
  return message.type === "leaveAck" || message.type === "reject" || message.last;
}

function writeBody(writer: ByteWriter, message: Packet | StreamMessage): number {
  if (message.type === "reject") {
    writer.u8(message.code);
    writer.varint(message.a);
    writer.varint(message.b);
    return MessageType.reject;
  }
  writePrefix(writer, message);
  switch (message.type) {
    case "syn":
      writeDigest(writer, message.digest);
      return MessageType.syn;
    case "synAck":
      writeDigestSection(writer, message.digest);
      writeDelta(writer, message.delta);
      return MessageType.synAck;
    case "ack":
      writeDigestSection(writer, message.wants);
      writeDelta(writer, message.delta);
      return MessageType.ack;
    case "fin":
      writeDelta(writer, message.delta);
      return MessageType.fin;
    case "join":
    case "sync":
      writer.string(message.label);
      writer.u8((message.last ? LAST : 0) | (message.type === "sync" ? SYNC : 0));
      writeDigestSection(writer, message.digest);
      writeDelta(writer, message.delta);
      return MessageType.join;
    case "joinReply":
    case "leave":
      writer.string(message.label);
      writer.u8(message.last ? LAST : 0);
      writeDelta(writer, message.delta);
      return message.type === "leave" ? MessageType.leave : MessageType.joinReply;
    case "leaveAck":
      return MessageType.leaveAck;
    default:
      return message satisfies never;
  }
}

function readReject(reader: ByteReader): Reject {
  const reject: Reject = {
    type: "reject",
    code: reader.u8(),
    a: reader.varint(),
    b: reader.varint(),
  };
  if (reader.left > 0) reader.fail("it is longer than what it holds");
  return reject;
}
