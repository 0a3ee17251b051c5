/**
 * ckit's own messages: state messages (user payloads) and local states (the user state of a push/pull).
 *
 * @module
 */
import type { LocalState, StateMessage } from "../messages.ts";
import { DecodeError } from "./decode_error.ts";
import { defaultWireLimits, type WireLimits } from "./limits.ts";
import { msgpackKey, MsgpackWriter } from "./msgpack_writer.ts";
import { MsgpackReader, structFields } from "./msgpack_reader.ts";

const MAGIC = [0x12, 0x01] as const;
const STATE_TYPE = 1;
const HEADER_BYTES = 3;

const CURRENT_TIME = msgpackKey("CurrentTime");
const NEW_STATE = msgpackKey("NewState");
const NODE_NAME = msgpackKey("NodeName");
const NODE_STATES = msgpackKey("NodeStates");
const TIME = msgpackKey("Time");

const STATE_FIELDS = structFields("NodeName", "NewState", "Time");
const LOCAL_STATE_FIELDS = structFields("CurrentTime", "NodeStates");

/**
 * Encodes a state message: magic, type and body, without memberlist's type byte.
 *
 * @throws {RangeError} When the state is no integer from 0 to 2⁵³−1, or the time no uint64.
 */
export function encodeStateMessage(message: StateMessage): Uint8Array {
  const writer = new MsgpackWriter(64);
  writer.byte(MAGIC[0]);
  writer.byte(MAGIC[1]);
  writer.byte(STATE_TYPE);
  writeState(writer, message);
  return writer.finish();
}

/**
 * Decodes a user payload as a state message.
 *
 * @throws {DecodeError} When it is too short, has another magic, another type (reason `type`), or a malformed body. Also when the state
 * exceeds 2⁵³−1: it could not be passed on unchanged.
 */
export function decodeStateMessage(payload: Uint8Array): StateMessage {
  if (payload.length < HEADER_BYTES || payload[0] !== MAGIC[0] || payload[1] !== MAGIC[1]) {
    throw new DecodeError("Cannot decode a state message as its magic is missing", { offset: 0 });
  }
  if (payload[2] !== STATE_TYPE) {
    throw new DecodeError(
      `Cannot decode a state message as its type must be ${STATE_TYPE}: current value is ${
        payload[2]
      }`,
      { offset: 2, reason: "type" },
    );
  }
  return readState(new MsgpackReader(payload, HEADER_BYTES));
}

/**
 * Encodes a local state.
 *
 * @throws {RangeError} When a state is no integer from 0 to 2⁵³−1, or a time no uint64.
 */
export function encodeLocalState(state: LocalState): Uint8Array {
  const writer = new MsgpackWriter(64 + state.nodeStates.length * 64);
  writer.mapHeader(2);
  writer.verbatim(CURRENT_TIME);
  writer.uint64(state.currentTime);
  writer.verbatim(NODE_STATES);
  writer.arrayHeader(state.nodeStates.length);
  for (const nodeState of state.nodeStates) writeState(writer, nodeState);
  return writer.finish();
}

/**
 * Decodes a local state; what follows it is ignored.
 *
 * @throws {DecodeError} When it is empty, truncated or malformed, or has more entries than the limit (reason `limit`).
 */
export function decodeLocalState(
  bytes: Uint8Array,
  { maxNodes }: Pick<WireLimits, "maxNodes"> = defaultWireLimits,
): LocalState {
  const reader = new MsgpackReader(bytes);
  let currentTime = 0n;
  let nodeStates: StateMessage[] = [];
  reader.struct(LOCAL_STATE_FIELDS, (field) => {
    if (field === 0) {
      currentTime = reader.uint64();
      return;
    }
    nodeStates = [];
    reader.array((index) => {
      if (index === maxNodes) {
        throw reader.error(
          `Cannot decode a local state as it must have at most ${maxNodes} entries`,
          "limit",
        );
      }
      nodeStates.push(readState(reader));
    });
  });
  return Object.freeze({ currentTime, nodeStates: Object.freeze(nodeStates) });
}

function writeState(writer: MsgpackWriter, state: StateMessage): void {
  writer.mapHeader(3);
  writer.verbatim(NEW_STATE);
  writer.uint(state.newState);
  writer.verbatim(NODE_NAME);
  writer.string(state.nodeName);
  writer.verbatim(TIME);
  writer.uint64(state.time);
}

function readState(reader: MsgpackReader): StateMessage {
  let nodeName = "", newState = 0, time = 0n;
  reader.struct(STATE_FIELDS, (field) => {
    if (field === 0) nodeName = reader.string();
    else if (field === 1) newState = reader.uint(Number.MAX_SAFE_INTEGER);
    else time = reader.uint64();
  });
  return Object.freeze({ nodeName, newState, time });
}
