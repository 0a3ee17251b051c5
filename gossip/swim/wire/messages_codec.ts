/**
 * memberlist's packet messages as bytes: a type byte, then a struct. Keys are written in order, as Go does.
 *
 * @module
 */
import type {
  Ack,
  Alive,
  Dead,
  IndirectPing,
  Nack,
  PacketMessage,
  Ping,
  Suspect,
  User,
} from "../messages.ts";
import { DecodeError } from "./decode_error.ts";
import { MessageType } from "./message_type.ts";
import { msgpackKey, MsgpackWriter, rawBytes, uintBytes } from "./msgpack_writer.ts";
import { MsgpackReader, NO_BYTES, structFields } from "./msgpack_reader.ts";
import { readVersions } from "./versions.ts";

const MAX_UINT16 = 0xffff;
const MAX_UINT32 = 0xffff_ffff;

const ADDR = msgpackKey("Addr");
const FROM = msgpackKey("From");
const INCARNATION = msgpackKey("Incarnation");
const META = msgpackKey("Meta");
const NACK = msgpackKey("Nack");
const NODE = msgpackKey("Node");
const PAYLOAD = msgpackKey("Payload");
const PORT = msgpackKey("Port");
const SEQ_NO = msgpackKey("SeqNo");
const SOURCE_ADDR = msgpackKey("SourceAddr");
const SOURCE_NODE = msgpackKey("SourceNode");
const SOURCE_PORT = msgpackKey("SourcePort");
const TARGET = msgpackKey("Target");
const VSN = msgpackKey("Vsn");

// The type byte, the map's header, and the keys that are always there.
const PING_BYTES = 2 + NODE.length + SEQ_NO.length;
const ACK_BYTES = 2 + PAYLOAD.length + SEQ_NO.length;
const NACK_BYTES = 2 + SEQ_NO.length;
const ACCUSATION_BYTES = 2 + FROM.length + INCARNATION.length + NODE.length;

/**
 * Encodes one message with its type byte, byte for byte as memberlist does.
 *
 * @throws {RangeError} When a number is outside its field's range.
 */
export function encodeMessage(message: PacketMessage): Uint8Array {
  if (message.type === "user") {
    const bytes = new Uint8Array(1 + message.payload.length);
    bytes[0] = MessageType.user;
    bytes.set(message.payload, 1);
    return bytes;
  }
  const writer = new MsgpackWriter(sizeOf(message));
  writeMessage(writer, message);
  return writer.finish();
}

/**
 * Encodes one message behind a header.
 *
 * @throws {RangeError} When a number is outside its field's range.
 */
export function encodeMessageBehind(
  header: Uint8Array,
  message: Exclude<PacketMessage, User>,
): Uint8Array {
  const writer = new MsgpackWriter(header.length + sizeOf(message));
  writer.verbatim(header);
  writeMessage(writer, message);
  return writer.finish();
}

function writeMessage(writer: MsgpackWriter, message: Exclude<PacketMessage, User>): void {
  switch (message.type) {
    case "ping":
      writePing(writer, message);
      break;
    case "indirectPing":
      writeIndirectPing(writer, message);
      break;
    case "ack":
      writeAck(writer, message);
      break;
    case "nack":
      writer.byte(MessageType.nack);
      writer.mapHeader(1);
      writer.verbatim(SEQ_NO);
      writer.uint(uint32("seqNo", message.seqNo));
      break;
    case "suspect":
    case "dead":
      writeAccusation(writer, message);
      break;
    case "alive":
      writeAlive(writer, message);
      break;
    default:
      message satisfies never;
  }
}

/**
 * Decodes one message; what follows its struct is ignored. The result shares no memory with `bytes`.
 *
 * @throws {DecodeError} When it is empty, truncated, malformed, or of a type that packets do not carry (reason `type`).
 */
export function decodeMessage(bytes: Uint8Array): PacketMessage {
  switch (bytes[0]) {
    case MessageType.ping:
      return readPing(bytes);
    case MessageType.indirectPing:
      return readIndirectPing(bytes);
    case MessageType.ack:
      return readAck(bytes);
    case MessageType.nack:
      return readNack(bytes);
    case MessageType.suspect:
      return readAccusation(bytes, "suspect");
    case MessageType.dead:
      return readAccusation(bytes, "dead");
    case MessageType.alive:
      return readAlive(bytes);
    case MessageType.user:
      return Object.freeze({ type: "user", payload: bytes.slice(1) });
    case undefined:
      throw new DecodeError("Cannot decode a message as its type byte is missing", { offset: 0 });
    default:
      throw new DecodeError(
        `Cannot decode a message as packets do not carry its type: current value is ${bytes[0]}`,
        { offset: 0, reason: "type" },
      );
  }
}

/** Bytes of a message, exact where its texts are ASCII: then it is written into an array of its own size. */
function sizeOf(message: Exclude<PacketMessage, User>): number {
  switch (message.type) {
    case "ping":
      return PING_BYTES + rawBytes(message.node.length) + uintBytes(message.seqNo) +
        sourceBytes(message);
    case "ack":
      return ACK_BYTES + uintBytes(message.seqNo) +
        (message.payload === undefined ? 1 : rawBytes(message.payload.length));
    case "nack":
      return NACK_BYTES + uintBytes(message.seqNo);
    case "suspect":
    case "dead":
      return ACCUSATION_BYTES + rawBytes(message.from.length) + uintBytes(message.incarnation) +
        rawBytes(message.node.length);
    default:
      return 128;
  }
}

function sourceBytes(ping: Ping): number {
  const { sourceAddr, sourceNode, sourcePort } = ping;
  return (sourceAddr.length === 0 ? 0 : SOURCE_ADDR.length + rawBytes(sourceAddr.length)) +
    (sourceNode === "" ? 0 : SOURCE_NODE.length + rawBytes(sourceNode.length)) +
    (sourcePort === 0 ? 0 : SOURCE_PORT.length + uintBytes(sourcePort));
}

/** Appends a ping, as on packets and streams. */
export function writePing(writer: MsgpackWriter, ping: Ping): void {
  const source = sourceFields(ping);
  writer.byte(MessageType.ping);
  writer.mapHeader(2 + source);
  writer.verbatim(NODE);
  writer.string(ping.node);
  writer.verbatim(SEQ_NO);
  writer.uint(uint32("seqNo", ping.seqNo));
  writeSource(writer, ping);
}

/** Appends an ack, as on packets and streams. */
export function writeAck(writer: MsgpackWriter, ack: Ack): void {
  writer.byte(MessageType.ack);
  writer.mapHeader(2);
  writer.verbatim(PAYLOAD);
  if (ack.payload === undefined) writer.nil();
  else writer.raw(ack.payload);
  writer.verbatim(SEQ_NO);
  writer.uint(uint32("seqNo", ack.seqNo));
}

const PING_FIELDS = structFields("SeqNo", "Node", "SourceAddr", "SourcePort", "SourceNode");

/** Decodes a ping, as on packets and streams. */
export function readPing(bytes: Uint8Array): Ping {
  const reader = new MsgpackReader(bytes, 1);
  let seqNo = 0, node = "", sourceAddr = NO_BYTES, sourcePort = 0, sourceNode = "";
  reader.struct(PING_FIELDS, (field) => {
    if (field === 0) seqNo = reader.uint(MAX_UINT32);
    else if (field === 1) node = reader.string();
    else if (field === 2) sourceAddr = reader.bytes() ?? NO_BYTES;
    else if (field === 3) sourcePort = reader.uint(MAX_UINT16);
    else sourceNode = reader.string();
  });
  return Object.freeze({ type: "ping", seqNo, node, sourceAddr, sourcePort, sourceNode });
}

const ACK_FIELDS = structFields("SeqNo", "Payload");

/** Decodes an ack, as on packets and streams. */
export function readAck(bytes: Uint8Array): Ack {
  const reader = new MsgpackReader(bytes, 1);
  let seqNo = 0;
  let payload: Uint8Array | undefined;
  reader.struct(ACK_FIELDS, (field) => {
    if (field === 0) seqNo = reader.uint(MAX_UINT32);
    else payload = reader.bytes();
  });
  return Object.freeze({ type: "ack", seqNo, payload });
}

function writeIndirectPing(writer: MsgpackWriter, ping: IndirectPing): void {
  writer.byte(MessageType.indirectPing);
  writer.mapHeader(5 + sourceFields(ping));
  writer.verbatim(NACK);
  writer.bool(ping.nack);
  writer.verbatim(NODE);
  writer.string(ping.node);
  writer.verbatim(PORT);
  writer.uint(uint16("port", ping.port));
  writer.verbatim(SEQ_NO);
  writer.uint(uint32("seqNo", ping.seqNo));
  writeSource(writer, ping);
  writer.verbatim(TARGET);
  writer.rawOrNil(ping.target);
}

const INDIRECT_PING_FIELDS = structFields(
  "SeqNo",
  "Target",
  "Port",
  "Node",
  "Nack",
  "SourceAddr",
  "SourcePort",
  "SourceNode",
);

function readIndirectPing(bytes: Uint8Array): IndirectPing {
  const reader = new MsgpackReader(bytes, 1);
  let seqNo = 0, target = NO_BYTES, port = 0, node = "", nack = false;
  let sourceAddr = NO_BYTES, sourcePort = 0, sourceNode = "";
  reader.struct(INDIRECT_PING_FIELDS, (field) => {
    if (field === 0) seqNo = reader.uint(MAX_UINT32);
    else if (field === 1) target = reader.bytes() ?? NO_BYTES;
    else if (field === 2) port = reader.uint(MAX_UINT16);
    else if (field === 3) node = reader.string();
    else if (field === 4) nack = reader.bool();
    else if (field === 5) sourceAddr = reader.bytes() ?? NO_BYTES;
    else if (field === 6) sourcePort = reader.uint(MAX_UINT16);
    else sourceNode = reader.string();
  });
  return Object.freeze({
    type: "indirectPing",
    seqNo,
    target,
    port,
    node,
    nack,
    sourceAddr,
    sourcePort,
    sourceNode,
  });
}

const NACK_FIELDS = structFields("SeqNo");

function readNack(bytes: Uint8Array): Nack {
  const reader = new MsgpackReader(bytes, 1);
  let seqNo = 0;
  reader.struct(NACK_FIELDS, () => {
    seqNo = reader.uint(MAX_UINT32);
  });
  return Object.freeze({ type: "nack", seqNo });
}

function writeAccusation(writer: MsgpackWriter, accusation: Suspect | Dead): void {
  writer.byte(accusation.type === "suspect" ? MessageType.suspect : MessageType.dead);
  writer.mapHeader(3);
  writer.verbatim(FROM);
  writer.string(accusation.from);
  writer.verbatim(INCARNATION);
  writer.uint(uint32("incarnation", accusation.incarnation));
  writer.verbatim(NODE);
  writer.string(accusation.node);
}

const ACCUSATION_FIELDS = structFields("Incarnation", "Node", "From");

function readAccusation(bytes: Uint8Array, type: "suspect" | "dead"): Suspect | Dead {
  const reader = new MsgpackReader(bytes, 1);
  let incarnation = 0, node = "", from = "";
  reader.struct(ACCUSATION_FIELDS, (field) => {
    if (field === 0) incarnation = reader.uint(MAX_UINT32);
    else if (field === 1) node = reader.string();
    else from = reader.string();
  });
  return Object.freeze({ type, incarnation, node, from });
}

function writeAlive(writer: MsgpackWriter, alive: Alive): void {
  writer.byte(MessageType.alive);
  writer.mapHeader(6);
  writer.verbatim(ADDR);
  writer.rawOrNil(alive.addr);
  writer.verbatim(INCARNATION);
  writer.uint(uint32("incarnation", alive.incarnation));
  writer.verbatim(META);
  if (alive.meta === undefined) writer.nil();
  else writer.raw(alive.meta);
  writer.verbatim(NODE);
  writer.string(alive.node);
  writer.verbatim(PORT);
  writer.uint(uint16("port", alive.port));
  writer.verbatim(VSN);
  writer.rawOrNil(alive.vsn);
}

const ALIVE_FIELDS = structFields("Incarnation", "Node", "Addr", "Port", "Meta", "Vsn");

function readAlive(bytes: Uint8Array): Alive {
  const reader = new MsgpackReader(bytes, 1);
  let incarnation = 0, node = "", addr = NO_BYTES, port = 0, vsn = NO_BYTES;
  let meta: Uint8Array | undefined;
  reader.struct(ALIVE_FIELDS, (field) => {
    if (field === 0) incarnation = reader.uint(MAX_UINT32);
    else if (field === 1) node = reader.string();
    else if (field === 2) addr = reader.bytes() ?? NO_BYTES;
    else if (field === 3) port = reader.uint(MAX_UINT16);
    else if (field === 4) meta = reader.bytes();
    else vsn = readVersions(reader);
  });
  return Object.freeze({ type: "alive", incarnation, node, addr, port, meta, vsn });
}

/** How many of the source fields are written: Go leaves out empty ones. */
function sourceFields(ping: Ping | IndirectPing): number {
  return Number(ping.sourceAddr.length > 0) + Number(ping.sourceNode !== "") +
    Number(ping.sourcePort !== 0);
}

function writeSource(writer: MsgpackWriter, ping: Ping | IndirectPing): void {
  if (ping.sourceAddr.length > 0) {
    writer.verbatim(SOURCE_ADDR);
    writer.raw(ping.sourceAddr);
  }
  if (ping.sourceNode !== "") {
    writer.verbatim(SOURCE_NODE);
    writer.string(ping.sourceNode);
  }
  if (ping.sourcePort !== 0) {
    writer.verbatim(SOURCE_PORT);
    writer.uint(uint16("sourcePort", ping.sourcePort));
  }
}

function uint16(field: string, value: number): number {
  return inRange(field, value, MAX_UINT16);
}

function uint32(field: string, value: number): number {
  return inRange(field, value, MAX_UINT32);
}

function inRange(field: string, value: number, max: number): number {
  if (value >= 0 && value <= max && Number.isInteger(value)) return value;
  throw new RangeError(
    `Cannot encode a message as '${field}' must be an integer from 0 to ${max}: current value is ${value}`,
  );
}
