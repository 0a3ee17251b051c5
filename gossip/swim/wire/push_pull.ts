/**
 * memberlist's push/pull: a header struct, a struct a node, then the user state, all concatenated.
 *
 * @module
 */
import type { PushNodeState, PushPull } from "../messages.ts";
import { DecodeError } from "./decode_error.ts";
import type { WireLimits } from "./limits.ts";
import { MessageType } from "./message_type.ts";
import { msgpackKey, MsgpackWriter } from "./msgpack_writer.ts";
import { MsgpackReader, NO_BYTES, structFields } from "./msgpack_reader.ts";
import { readVersions } from "./versions.ts";

const JOIN = msgpackKey("Join");
const NODES = msgpackKey("Nodes");
const USER_STATE_LEN = msgpackKey("UserStateLen");
const ADDR = msgpackKey("Addr");
const INCARNATION = msgpackKey("Incarnation");
const META = msgpackKey("Meta");
const NAME = msgpackKey("Name");
const PORT = msgpackKey("Port");
const STATE = msgpackKey("State");
const VSN = msgpackKey("Vsn");

const HEADER_FIELDS = structFields("Nodes", "UserStateLen", "Join");
const NODE_FIELDS = structFields("Name", "Addr", "Port", "Meta", "Incarnation", "State", "Vsn");

/** Typical bytes of one entry: sizes the first allocation. */
const ENTRY_BYTES = 96;

/**
 * Encodes a push/pull with its type byte.
 *
 * @throws {RangeError} When a number is outside its field's range.
 */
export function encodePushPull(message: PushPull): Uint8Array {
  const { nodes, userState } = message;
  const writer = new MsgpackWriter(64 + nodes.length * ENTRY_BYTES + userState.length);
  writer.byte(MessageType.pushPull);
  writer.mapHeader(3);
  writer.verbatim(JOIN);
  writer.bool(message.join);
  writer.verbatim(NODES);
  writer.int(nodes.length);
  writer.verbatim(USER_STATE_LEN);
  writer.int(userState.length);
  for (const node of nodes) writeNode(writer, node);
  writer.verbatim(userState);
  return writer.finish();
}

function writeNode(writer: MsgpackWriter, node: PushNodeState): void {
  if (node.port > 0xffff || node.incarnation > 0xffff_ffff) {
    throw new RangeError(
      `Cannot encode a node as 'port' must be a uint16 and 'incarnation' a uint32: current value is ${node.port}, ${node.incarnation}`,
    );
  }
  writer.mapHeader(7);
  writer.verbatim(ADDR);
  writer.rawOrNil(node.addr);
  writer.verbatim(INCARNATION);
  writer.uint(node.incarnation);
  writer.verbatim(META);
  if (node.meta === undefined) writer.nil();
  else writer.raw(node.meta);
  writer.verbatim(NAME);
  writer.string(node.name);
  writer.verbatim(PORT);
  writer.uint(node.port);
  writer.verbatim(STATE);
  writer.int(node.state);
  writer.verbatim(VSN);
  writer.rawOrNil(node.vsn);
}

/** The header of a push/pull. */
export interface PushPullHeader {
  /** Whether the sender joins. */
  readonly join: boolean;
  /** How many node structs follow. */
  readonly nodes: number;
  /** How many bytes of user state follow them. */
  readonly userStateBytes: number;
  /** Where the header ended. */
  readonly end: number;
}

/**
 * Decodes the header at `offset`.
 *
 * @throws {DecodeError} When it is malformed, or announces more than the limits allow (reason `limit`).
 */
export function readPushPullHeader(
  bytes: Uint8Array,
  { offset, limits }: { readonly offset: number; readonly limits: WireLimits },
): PushPullHeader {
  const reader = new MsgpackReader(bytes, offset);
  let nodes = 0, userStateBytes = 0, join = false;
  reader.struct(HEADER_FIELDS, (field) => {
    if (field === 0) nodes = reader.int();
    else if (field === 1) userStateBytes = reader.int();
    else join = reader.bool();
  });
  within("Nodes", nodes, limits.maxNodes);
  within("UserStateLen", userStateBytes, limits.maxUserStateBytes);
  return { join, nodes, userStateBytes, end: reader.offset };
}

/**
 * Decodes a push/pull; what follows it is ignored. The result shares no memory with `bytes`.
 *
 * @param bytes The message with its type byte.
 * @throws {DecodeError} When it is truncated or malformed, or exceeds the limits (reason `limit`).
 */
export function decodePushPull(bytes: Uint8Array, limits: WireLimits): PushPull {
  const header = readPushPullHeader(bytes, { offset: 1, limits });
  const reader = new MsgpackReader(bytes, header.end);
  const nodes: PushNodeState[] = [];
  for (let i = 0; i < header.nodes; i++) nodes.push(readNode(reader));
  const userStateAt = reader.offset;
  if (bytes.length - userStateAt < header.userStateBytes) {
    throw new DecodeError("Cannot decode a push/pull as its user state is truncated", {
      offset: bytes.length,
    });
  }
  return Object.freeze({
    type: "pushPull",
    join: header.join,
    nodes: Object.freeze(nodes),
    userState: header.userStateBytes === 0
      ? NO_BYTES
      : bytes.slice(userStateAt, userStateAt + header.userStateBytes),
  });
}

function readNode(reader: MsgpackReader): PushNodeState {
  let name = "", addr = NO_BYTES, port = 0, incarnation = 0, state = 0, vsn = NO_BYTES;
  let meta: Uint8Array | undefined;
  reader.struct(NODE_FIELDS, (field) => {
    if (field === 0) name = reader.string();
    else if (field === 1) addr = reader.bytes() ?? NO_BYTES;
    else if (field === 2) port = reader.uint(0xffff);
    else if (field === 3) meta = reader.bytes();
    else if (field === 4) incarnation = reader.uint(0xffff_ffff);
    else if (field === 5) state = reader.int();
    else vsn = readVersions(reader);
  });
  return Object.freeze({ name, addr, port, meta, incarnation, state, vsn });
}

function within(field: string, value: number, max: number): void {
  if (value >= 0 && value <= max) return;
  throw new DecodeError(
    `Cannot decode a push/pull as '${field}' must be from 0 to ${max}: current value is ${value}`,
    { offset: 1, reason: "limit" },
  );
}
