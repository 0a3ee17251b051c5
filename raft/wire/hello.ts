/**
 * How a stream begins: who speaks to whom, in which cluster, in which versions. The layout of both frames never changes.
 *
 * @module
 */
import type { NodeId } from "../entry.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { DecodeError } from "./decode_error.ts";
import {
  EMPTY_BODY,
  type Frame,
  FRAME_HEADER_BYTES,
  FrameType,
  MAX_VERSION,
  MIN_VERSION,
  sealFrame,
} from "./frame.ts";
import { flagsOf } from "./messages_codec.ts";

/** The version in the frames of a hello, whatever it offers. */
const HELLO_VERSION = 1;

/** What a stream carries. `control`: whatever must never wait. `append`: entries and proposals. `snapshot`: one snapshot. */
export type Lane = "control" | "append" | "snapshot";
const LANES: readonly Lane[] = ["control", "append", "snapshot"];

/** The first frame on a stream. */
export interface Hello {
  /** Oldest and newest wire version that the sender speaks. */
  readonly versions: readonly [min: number, max: number];
  /** What the stream is for. */
  readonly lane: Lane;
  /** The sender's cluster. */
  readonly cluster: string;
  /** The sender. A claim, as far as TLS does not vouch for it. */
  readonly from: NodeId;
  /** Whom it means to speak to. */
  readonly to: NodeId;
  /** Where the sender is reached. */
  readonly address: string;
  /** The sender's storage: an id that was drawn when its directory began. Empty when it does not tell. */
  readonly storage: string;
}

/** Longest id of a storage, in bytes. */
const MAX_STORAGE_BYTES = 64;

/** Why a hello was refused. */
export type HelloRefusal = "version" | "cluster" | "wrongNode" | "busy" | "storage";
const CODES: readonly ("" | HelloRefusal)[] = [
  "",
  "version",
  "cluster",
  "wrongNode",
  "busy",
  "storage",
];

/** The answer to it. */
export type HelloReply =
  /** The stream speaks this version; `storage` is the receiver's. */
  | { readonly ok: true; readonly version: number; readonly storage: string }
  /** It does not speak at all. */
  | { readonly ok: false; readonly reason: HelloRefusal; readonly detail: string };

/** Encodes a hello. */
export function encodeHello(hello: Hello): Uint8Array {
  const writer = new ByteWriter(256, FRAME_HEADER_BYTES);
  writer.u8(hello.versions[0]);
  writer.u8(hello.versions[1]);
  writer.u8(LANES.indexOf(hello.lane));
  writer.string(hello.cluster);
  writer.string(hello.from);
  writer.string(hello.to);
  writer.string(hello.address);
  writer.string(hello.storage);
  return sealed(writer, FrameType.hello);
}

/** Decodes a hello. @throws {DecodeError} When the frame is none. */
export function decodeHello(frame: Frame): Hello {
  const reader = opened(frame, FrameType.hello);
  const min = reader.u8();
  const max = reader.u8();
  if (min > max) reader.fail("its versions are none", "version");
  const lane = LANES[reader.u8()];
  if (lane === undefined) return reader.fail("there is no such lane", "type");
  const cluster = reader.string(1024);
  const from = reader.nodeId();
  const to = reader.nodeId();
  const address = reader.string(1024);
  const storage = reader.string(MAX_STORAGE_BYTES);
  reader.done();
  return { versions: [min, max], lane, cluster, from, to, address, storage };
}

/** Encodes the answer to a hello. */
export function encodeHelloReply(reply: HelloReply): Uint8Array {
  const writer = new ByteWriter(128, FRAME_HEADER_BYTES);
  writer.u8(reply.ok ? 0 : CODES.indexOf(reply.reason));
  writer.u8(reply.ok ? reply.version : 0);
  writer.string(reply.ok ? reply.storage : reply.detail.slice(0, 500));
  return sealed(writer, FrameType.helloReply);
}

/** Decodes it. @throws {DecodeError} When the frame is none. */
export function decodeHelloReply(frame: Frame): HelloReply {
  const reader = opened(frame, FrameType.helloReply);
  const reason = CODES[reader.u8()];
  const version = reader.u8();
  const detail = reader.string(2048);
  reader.done();
  if (reason === undefined) return reader.fail("there is no such answer", "type");
  if (reason !== "") return { ok: false, reason, detail };
  if (detail.length > MAX_STORAGE_BYTES) return reader.fail("its storage is too long", "limit");
  if (version < MIN_VERSION || version > MAX_VERSION) {
    reader.fail(`its version was not offered: current value is ${version}`, "version");
  }
  return { ok: true, version, storage: detail };
}

/** What the receiver of a hello is. */
export interface HelloReceiver {
  readonly cluster: string;
  readonly id: NodeId;
  readonly storage: string;
}

/** Checks a hello, in this order: cluster, receiver, versions. */
export function answerHello(hello: Hello, self: HelloReceiver): HelloReply {
  const refuse = (reason: HelloRefusal, detail: string): HelloReply => ({
    ok: false,
    reason,
    detail,
  });
  if (hello.cluster !== self.cluster) {
    return refuse("cluster", `This is cluster '${self.cluster}', not '${hello.cluster}'`);
  }
  if (hello.to !== self.id) {
    return refuse("wrongNode", `This is node '${self.id}', not '${hello.to}'`);
  }
  if (hello.from === self.id) {
    return refuse("wrongNode", `Another node calls itself '${self.id}'`);
  }
  const [min, max] = hello.versions;
  const version = Math.min(max, MAX_VERSION);
  if (version < min || version < MIN_VERSION) {
    return refuse(
      "version",
      `Versions ${MIN_VERSION} to ${MAX_VERSION} are spoken here, not ${min} to ${max}`,
    );
  }
  return { ok: true, version, storage: self.storage };
}

function sealed(writer: ByteWriter, type: number): Uint8Array {
  const bytes = writer.finish();
  sealFrame(bytes, { version: HELLO_VERSION, type, flags: 0 }, EMPTY_BODY);
  return bytes;
}

function opened(frame: Frame, type: number): ByteReader {
  if (frame.type !== type) throw new DecodeError(`its type must be ${type}`, 2, "type");
  if (frame.version !== HELLO_VERSION) throw new DecodeError("its version is not 1", 1, "version");
  flagsOf(frame, 0);
  if (frame.body.length > 0) throw new DecodeError("it has a body", 8);
  return new ByteReader(frame.head);
}
