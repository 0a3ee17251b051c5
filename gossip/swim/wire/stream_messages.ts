/**
 * The messages of a stream as bytes, before compression and encryption.
 *
 * @module
 */
import type { RemoteError, StreamMessage, User } from "../messages.ts";
import { DecodeError } from "./decode_error.ts";
import type { WireLimits } from "./limits.ts";
import { MessageType } from "./message_type.ts";
import { readAck, readPing, writeAck, writePing } from "./messages_codec.ts";
import { msgpackKey, MsgpackWriter } from "./msgpack_writer.ts";
import { MsgpackReader, structFields } from "./msgpack_reader.ts";
import { decodePushPull, encodePushPull } from "./push_pull.ts";

const ERROR = msgpackKey("Error");
const USER_MSG_LEN = msgpackKey("UserMsgLen");
const ERROR_FIELDS = structFields("Error");
const USER_FIELDS = structFields("UserMsgLen");

/**
 * Encodes one stream message with its type byte.
 *
 * @throws {RangeError} When a number is outside its field's range.
 */
export function encodeStreamMessage(message: StreamMessage): Uint8Array {
  const writer = new MsgpackWriter();
  switch (message.type) {
    case "pushPull":
      return encodePushPull(message);
    case "ping":
      writePing(writer, message);
      break;
    case "ack":
      writeAck(writer, message);
      break;
    case "user":
      writer.byte(MessageType.user);
      writer.mapHeader(1);
      writer.verbatim(USER_MSG_LEN);
      writer.int(message.payload.length);
      writer.verbatim(message.payload);
      break;
    case "error":
      writer.byte(MessageType.error);
      writer.mapHeader(1);
      writer.verbatim(ERROR);
      writer.string(message.error);
      break;
    default:
      message satisfies never;
  }
  return writer.finish();
}

/**
 * Decodes one stream message; what follows it is ignored. The result shares no memory with `bytes`.
 *
 * @throws {DecodeError} When it is empty, truncated or malformed, exceeds the limits, or is of a type that streams do not carry.
 */
export function decodeStreamMessage(bytes: Uint8Array, limits: WireLimits): StreamMessage {
  switch (bytes[0]) {
    case MessageType.pushPull:
      return decodePushPull(bytes, limits);
    case MessageType.ping:
      return readPing(bytes);
    case MessageType.ack:
      return readAck(bytes);
    case MessageType.user:
      return readUser(bytes, limits);
    case MessageType.error:
      return readError(bytes);
    case undefined:
      throw new DecodeError("Cannot decode a message as its type byte is missing", { offset: 0 });
    default:
      throw new DecodeError(
        `Cannot decode a message as streams do not carry its type: current value is ${bytes[0]}`,
        { offset: 0, reason: "type" },
      );
  }
}

/** The header of a user message on a stream. */
export interface UserHeader {
  /** How many bytes of payload follow. */
  readonly payloadBytes: number;
  /** Where the header ended. */
  readonly end: number;
}

/**
 * Decodes the header of a user message at `offset`.
 *
 * @throws {DecodeError} When it is malformed, or announces more than the limit (reason `limit`).
 */
export function readUserHeader(
  bytes: Uint8Array,
  { offset, limits }: { readonly offset: number; readonly limits: WireLimits },
): UserHeader {
  const reader = new MsgpackReader(bytes, offset);
  let payloadBytes = 0;
  reader.struct(USER_FIELDS, () => {
    payloadBytes = reader.int();
  });
  if (payloadBytes < 0 || payloadBytes > limits.maxUserMessageBytes) {
    throw new DecodeError(
      `Cannot decode a user message as 'UserMsgLen' must be from 0 to ${limits.maxUserMessageBytes}: current value is ${payloadBytes}`,
      { offset, reason: "limit" },
    );
  }
  return { payloadBytes, end: reader.offset };
}

function readUser(bytes: Uint8Array, limits: WireLimits): User {
  const { payloadBytes, end } = readUserHeader(bytes, { offset: 1, limits });
  if (bytes.length - end < payloadBytes) {
    throw new DecodeError("Cannot decode a user message as it ends too early", {
      offset: bytes.length,
    });
  }
  return Object.freeze({ type: "user", payload: bytes.slice(end, end + payloadBytes) });
}

function readError(bytes: Uint8Array): RemoteError {
  const reader = new MsgpackReader(bytes, 1);
  let error = "";
  reader.struct(ERROR_FIELDS, () => {
    error = reader.string();
  });
  return Object.freeze({ type: "error", error });
}
