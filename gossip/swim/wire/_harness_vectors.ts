/**
 * Golden vectors and generators of random messages, for the tests beside.
 *
 * @module
 */
import { decodeHex } from "@std/encoding";
import fc from "fast-check";
import file from "../../../testdata/memberlist-vectors.json" with { type: "json" };
import type {
  LocalState,
  PacketMessage,
  PushNodeState,
  PushPull,
  StateMessage,
  StreamMessage,
} from "../messages.ts";

/** One vector: bytes in hex, or what is known of long ones. */
export interface Vector {
  readonly id: string;
  readonly content: string;
  readonly hex?: string;
  readonly bytes?: number;
  readonly crc32?: string;
  readonly starts?: string;
}

/** All vectors. */
export const vectors: readonly Vector[] = file.vectors;

/** One vector by its id. */
export function vector(id: string): Vector {
  const found = vectors.find((one) => one.id === id);
  if (found === undefined) throw new RangeError(`Cannot find vector ${id}`);
  return found;
}

/** A vector's bytes. */
export function vectorBytes(id: string): Uint8Array {
  return decodeHex(vector(id).hex!);
}

/** The 100 000 bytes of V-24. */
export function lcgBytes(): Uint8Array {
  let x = 12_345;
  return Uint8Array.from({ length: 100_000 }, () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return x >>> 24;
  });
}

const NONE = new Uint8Array(0);
const VSN = Uint8Array.of(1, 5, 2, 0, 0, 0);
const a = {
  sourceAddr: Uint8Array.of(10, 0, 0, 1),
  sourcePort: 8080,
  sourceNode: "a",
};
const nowhere = { sourceAddr: NONE, sourcePort: 0, sourceNode: "" };
const aliveA = {
  type: "alive",
  incarnation: 1,
  node: "a",
  addr: Uint8Array.of(10, 0, 0, 1),
  port: 8080,
  meta: undefined,
  vsn: VSN,
} as const;

/** Vectors that are one packet message, with the message. */
export const messageVectors: readonly (readonly [string, PacketMessage])[] = [
  ["V-01", { type: "ping", seqNo: 1, node: "b", ...a }],
  ["V-02", { type: "ping", seqNo: 1, node: "b", ...nowhere }],
  ["V-03", {
    type: "indirectPing",
    seqNo: 300,
    target: Uint8Array.of(10, 0, 0, 3),
    port: 12_345,
    node: "c",
    nack: true,
    ...a,
  }],
  ["V-04", {
    type: "indirectPing",
    seqNo: 300,
    target: Uint8Array.of(10, 0, 0, 3),
    port: 12_345,
    node: "c",
    nack: false,
    ...nowhere,
  }],
  ["V-05", { type: "ack", seqNo: 1, payload: undefined }],
  ["V-06", { type: "ack", seqNo: 4_294_967_295, payload: Uint8Array.of(1, 2, 3) }],
  ["V-07", { type: "nack", seqNo: 70_000 }],
  ["V-09", { type: "suspect", incarnation: 5, node: "b", from: "a" }],
  ["V-10", { type: "dead", incarnation: 5, node: "b", from: "a" }],
  ["V-11", { type: "dead", incarnation: 5, node: "b", from: "b" }],
  ["V-12", aliveA],
  ["V-13", { ...aliveA, meta: NONE }],
  ["V-14", {
    ...aliveA,
    addr: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    port: 80,
  }],
];

/** Vectors that are one ckit state message, with the message. */
export const stateVectors: readonly (readonly [string, StateMessage])[] = [
  ["V-30", { nodeName: "a", newState: 1, time: 1n }],
  ["V-31", { nodeName: "a", newState: 0, time: 0n }],
  ["V-32", { nodeName: "node-1", newState: 2, time: 300n }],
  ["V-33", { nodeName: "a", newState: 1, time: 5_000_000_000n }],
  ["V-34", { nodeName: "a", newState: 1, time: 2n ** 64n - 1n }],
];

/** Vectors that are one ckit local state, with the state. */
export const localStateVectors: readonly (readonly [string, LocalState])[] = [
  ["V-35", {
    currentTime: 3n,
    nodeStates: [
      { nodeName: "a", newState: 1, time: 2n },
      { nodeName: "b", newState: 0, time: 0n },
    ],
  }],
  ["V-36", { currentTime: 0n, nodeStates: [] }],
];

/** The message of V-37 and V-38. */
export const pushPullVector: PushPull = {
  type: "pushPull",
  join: true,
  nodes: [
    {
      name: "a",
      addr: Uint8Array.of(10, 0, 0, 1),
      port: 8080,
      meta: undefined,
      incarnation: 1,
      state: 0,
      vsn: VSN,
    },
    {
      name: "b",
      addr: Uint8Array.of(10, 0, 0, 2),
      port: 8081,
      meta: undefined,
      incarnation: 7,
      state: 3,
      vsn: VSN,
    },
  ],
  userState: decodeHex("82ab43757272656e7454696d6503aa4e6f646553746174657390"),
};

// Plain prototypes, as decoded messages have.
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 255, 256, 65_535, 65_536, 0xffff_ffff),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const uint64 = fc.oneof(
  fc.constantFrom(0n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const name = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("n".repeat(31), "n".repeat(32), "n".repeat(70_000), "\ufeffbom", "\udc80\udcff"),
);
const bytes = fc.uint8Array({ maxLength: 40 });
const optionalBytes = fc.option(bytes, { nil: undefined });
const source = { sourceAddr: bytes, sourcePort: uint16, sourceNode: name };
const accusation = { incarnation: uint32, node: name, from: name };

/** Any packet message. */
export const packetMessage: fc.Arbitrary<PacketMessage> = fc.oneof(
  record({ type: fc.constant("ping" as const), seqNo: uint32, node: name, ...source }),
  record({
    type: fc.constant("indirectPing" as const),
    seqNo: uint32,
    target: bytes,
    port: uint16,
    node: name,
    nack: fc.boolean(),
    ...source,
  }),
  record({ type: fc.constant("ack" as const), seqNo: uint32, payload: optionalBytes }),
  record({ type: fc.constant("nack" as const), seqNo: uint32 }),
  record({ type: fc.constant("suspect" as const), ...accusation }),
  record({ type: fc.constant("dead" as const), ...accusation }),
  record({
    type: fc.constant("alive" as const),
    incarnation: uint32,
    node: name,
    addr: bytes,
    port: uint16,
    meta: optionalBytes,
    vsn: bytes,
  }),
  record({ type: fc.constant("user" as const), payload: fc.uint8Array({ maxLength: 300 }) }),
);

const pushNodeState: fc.Arbitrary<PushNodeState> = record({
  name,
  addr: bytes,
  port: uint16,
  meta: optionalBytes,
  incarnation: uint32,
  state: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.maxSafeInteger()),
  vsn: bytes,
});

/** Any stream message. */
export const streamMessage: fc.Arbitrary<StreamMessage> = fc.oneof(
  record({
    type: fc.constant("pushPull" as const),
    join: fc.boolean(),
    nodes: fc.array(pushNodeState, { maxLength: 20 }),
    userState: fc.uint8Array({ maxLength: 300 }),
  }),
  record({ type: fc.constant("ping" as const), seqNo: uint32, node: name, ...source }),
  record({ type: fc.constant("ack" as const), seqNo: uint32, payload: optionalBytes }),
  record({ type: fc.constant("user" as const), payload: fc.uint8Array({ maxLength: 300 }) }),
  record({ type: fc.constant("error" as const), error: name }),
);

/** Any state message. */
export const stateMessage: fc.Arbitrary<StateMessage> = record({
  nodeName: name,
  newState: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.maxSafeNat()),
  time: uint64,
});

/** Any local state. */
export const localState: fc.Arbitrary<LocalState> = record({
  currentTime: uint64,
  nodeStates: fc.array(stateMessage, { maxLength: 20 }),
});
