/**
 * Fuzz targets of the Raft wire, shared by the suite's small corpus and the long run of `tasks/fuzz.ts`.
 *
 * @module
 */
import type { FuzzTarget } from "../../gossip/swim/wire/_harness_fuzz.ts";
import type { ClusterConfig, Entry, SnapshotMeta } from "../entry.ts";
import type { Message } from "../message.ts";
import { writeU32 } from "./byte_writer.ts";
import { crc32 } from "./crc32.ts";
import { DecodeError } from "./decode_error.ts";
import { type Frame, FRAME_HEADER_BYTES, FrameAssembler } from "./frame.ts";
import { decodeHello, decodeHelloReply, encodeHello, encodeHelloReply } from "./hello.ts";
import { decodeMessage, encodeMessage, type OutgoingFrame } from "./messages_codec.ts";
import { decodeForwarded, encodeForwarded } from "./proposal_codec.ts";
import {
  decodeSnapshotBegin,
  decodeSnapshotPart,
  decodeSnapshotReply,
  encodeSnapshotBegin,
  encodeSnapshotChunk,
  encodeSnapshotEnd,
  encodeSnapshotReply,
} from "./snapshot_codec.ts";

/** A configuration with every list in use. */
export const CONFIG: ClusterConfig = {
  voters: ["a", "b", "ü"],
  votersOutgoing: ["a", "b", "c"],
  learners: ["d"],
  learnersNext: ["c"],
  autoLeave: true,
  addresses: [["a", "10.0.0.1:1"], ["b", "[::1]:2"], ["c", "c:1"], ["d", ""], ["ü", "u:1"]],
};

/** A snapshot. */
export const META: SnapshotMeta = {
  index: 2 ** 40 + 7,
  term: 9,
  config: CONFIG,
  configIndex: 2 ** 40,
  id: "0000010000000007-9",
};

/** Entries after `prevIndex`. */
export function entriesAfter(prevIndex: number, count: number, bytes: number): Entry[] {
  return Array.from({ length: count }, (_, i): Entry => ({
    index: prevIndex + 1 + i,
    term: 5 + (i >> 3),
    kind: i % 7 === 3 ? "noop" : i % 7 === 5 ? "config" : "command",
    data: i % 7 === 3 ? new Uint8Array(0) : new Uint8Array(bytes).fill(i),
  }));
}

const route = { from: "a", to: "b" };
const big = Number.MAX_SAFE_INTEGER;

/** Messages of every type. */
export const MESSAGES: readonly Message[] = [
  { type: "append", ...route, term: 9, prevIndex: 0, prevTerm: 0, commit: 0, entries: [] },
  {
    type: "append",
    ...route,
    term: 9,
    prevIndex: 41,
    prevTerm: 5,
    commit: 40,
    entries: entriesAfter(41, 20, 16),
  },
  {
    type: "appendReply",
    ...route,
    term: big,
    rejected: false,
    index: big,
    hintIndex: 0,
    hintTerm: 0,
  },
  {
    type: "appendReply",
    ...route,
    term: 3,
    rejected: true,
    index: 2 ** 32,
    hintIndex: 2 ** 32 - 1,
    hintTerm: 2,
  },
  { type: "heartbeat", ...route, term: 1, commit: 2, round: 3 },
  { type: "heartbeatReply", ...route, term: 1, round: 3 },
  { type: "vote", ...route, term: 4, lastIndex: 8, lastTerm: 3, preVote: true, transfer: false },
  { type: "vote", ...route, term: 4, lastIndex: 8, lastTerm: 3, preVote: false, transfer: true },
  { type: "voteReply", ...route, term: 4, preVote: true, granted: false },
  { type: "voteReply", ...route, term: 4, preVote: false, granted: true },
  { type: "timeoutNow", ...route, term: 6 },
  { type: "snapshot", ...route, term: 6, meta: META },
  { type: "readIndex", ...route, term: 0, read: 77 },
  { type: "readIndexReply", ...route, term: 0, read: 77, index: 0 },
];

/** The bytes of a frame on the wire. */
export function wireBytes({ head, body }: OutgoingFrame): Uint8Array {
  const bytes = new Uint8Array(head.length + body.bytes.length);
  bytes.set(head);
  bytes.set(body.bytes, head.length);
  return bytes;
}

/** The one frame in these bytes. */
export function frameOf(bytes: Uint8Array): Frame {
  const assembler = new FrameAssembler();
  const frames = assembler.push(bytes);
  if (frames.length !== 1 || !assembler.between) throw new DecodeError("it is not one frame", 0);
  return frames[0]!;
}

/** Corrects lengths and checksums, so that what lies behind them is fuzzed as well. */
function repaired(bytes: Uint8Array, random: () => number): Uint8Array {
  if (bytes.length < FRAME_HEADER_BYTES || random() < 0.2) return bytes;
  const copy = bytes.slice();
  copy[0] = 0xce;
  if (random() < 0.9) copy[1] = 1;
  const left = copy.length - FRAME_HEADER_BYTES;
  const wanted = copy[4]! | copy[5]! << 8;
  const head = wanted <= left ? wanted : left;
  writeU32(copy, 4, head);
  writeU32(copy, 8, left - head);
  const body = copy.subarray(FRAME_HEADER_BYTES + head);
  writeU32(copy, 12, body.length === 0 ? 0 : crc32(body));
  const covered = copy.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + head);
  const header = crc32(copy.subarray(0, 16));
  writeU32(copy, 16, covered.length === 0 ? header : crc32(covered, header));
  return copy;
}

/** Decodes, or refuses with a DecodeError. What is accepted encodes to the same bytes again. */
function target(
  name: string,
  seeds: readonly Uint8Array[],
  again: (frame: Frame) => Uint8Array,
): FuzzTarget {
  return {
    name,
    seeds,
    run(bytes, random) {
      const input = repaired(bytes, random);
      let encoded: Uint8Array;
      try {
        encoded = again(frameOf(input));
      } catch (error) {
        if (error instanceof DecodeError && error.offset >= 0 && error.message !== "") return false;
        throw error;
      }
      if (encoded.length !== input.length || encoded.some((byte, i) => byte !== input[i])) {
        throw new Error("Decoding and encoding again changed the bytes");
      }
      return true;
    },
  };
}

const message = target(
  "raft message",
  MESSAGES.map((one) => wireBytes(encodeMessage(one))),
  (frame) => wireBytes(encodeMessage(decodeMessage(frame, route))),
);

const hello = target("raft hello", [
  encodeHello({
    versions: [1, 3],
    lane: "append",
    cluster: "prod",
    ...route,
    address: "10.0.0.1:8080",
    storage: "00112233445566778899aabbccddeeff",
  }),
], (frame) => encodeHello(decodeHello(frame)));

const helloReply = target("raft hello reply", [
  encodeHelloReply({ ok: true, version: 1, storage: "00112233445566778899aabbccddeeff" }),
  encodeHelloReply({ ok: false, reason: "cluster", detail: "no" }),
], (frame) => {
  const reply = decodeHelloReply(frame);
  // The other half of the answer is not kept, and a long detail is cut.
  return canonical(frame) ?? encodeHelloReply(reply);
});

/** Bytes of an answer as they came, when it holds what its kind ignores. */
function canonical(frame: Frame): Uint8Array | undefined {
  const ignored = frame.head[0] !== 0 && frame.head[1] !== 0;
  if (!ignored && frame.head.length <= 504) return undefined;
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + frame.head.length);
  bytes.set([0xce, frame.version, frame.type, frame.flags]);
  bytes.set(frame.head, FRAME_HEADER_BYTES);
  writeU32(bytes, 4, frame.head.length);
  writeU32(bytes, 16, crc32(frame.head, crc32(bytes.subarray(0, 16))));
  return bytes;
}

const begin = target("raft snapshot begin", [
  encodeSnapshotBegin({
    message: { type: "snapshot", ...route, term: 6, meta: META },
    sizeBytes: 1234,
    sha256: new Uint8Array(32).fill(7),
  }, 1),
], (frame) => encodeSnapshotBegin(decodeSnapshotBegin(frame, { ...route, version: 1 }), 1));

const part = target("raft snapshot part", [
  wireBytes(encodeSnapshotChunk(Uint8Array.of(1, 2, 3), 1)),
  encodeSnapshotEnd(1),
], (frame) => {
  const one = decodeSnapshotPart(frame, 1);
  return one.type === "end" ? encodeSnapshotEnd(1) : wireBytes(encodeSnapshotChunk(one.bytes, 1));
});

const snapshotReply: FuzzTarget = {
  name: "raft snapshot reply",
  seeds: [
    encodeSnapshotReply({ type: "goOn", offset: 99 }, 1),
    encodeSnapshotReply({ type: "installed" }, 1),
    encodeSnapshotReply({ type: "refused", detail: "full" }, 1),
  ],
  run(bytes, random) {
    try {
      const reply = decodeSnapshotReply(frameOf(repaired(bytes, random)), 1);
      const again = decodeSnapshotReply(frameOf(encodeSnapshotReply(reply, 1)), 1);
      if (again.type !== reply.type) {
        throw new Error("Decoding and encoding again changed the type");
      }
      return true;
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    }
  },
};

const forwarded = target("raft proposal", [
  wireBytes(encodeForwarded({ type: "propose", request: 7, data: Uint8Array.of(1, 2) }, 1)),
  wireBytes(
    encodeForwarded({ type: "proposeReply", request: 7, reason: "notLeader", leader: "b" }, 1),
  ),
], (frame) => wireBytes(encodeForwarded(decodeForwarded(frame, 1), 1)));

/** A whole stream in random chunks: the frames do not depend on them. */
const stream: FuzzTarget = {
  name: "raft stream",
  seeds: [
    MESSAGES.map((one) => wireBytes(encodeMessage(one))).reduce((all, one) => {
      const joined = new Uint8Array(all.length + one.length);
      joined.set(all);
      joined.set(one, all.length);
      return joined;
    }),
  ],
  run(bytes, random) {
    const whole = cut(bytes, () => bytes.length);
    const chunked = cut(bytes, () => 1 + Math.floor(random() * 64));
    if (whole !== chunked) throw new Error(`Chunks change the frames: ${whole} and ${chunked}`);
    return !whole.endsWith("!");
  },
};

function cut(bytes: Uint8Array, size: () => number): string {
  const assembler = new FrameAssembler({ maxHeadBytes: 4096, maxBodyBytes: 4096 });
  let seen = "";
  try {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + Math.max(1, size()));
      let frames: readonly Frame[] = [];
      // A fault hides the frames of its own chunk, so what comes before it is counted frame by frame.
      frames = assembler.push(bytes.slice(at, end));
      for (const frame of frames) {
        seen += `${frame.type}:${frame.head.length}:${frame.body.length} `;
      }
      at = end;
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return "!";
  }
  return seen;
}

/** All of them. */
export const raftTargets: readonly FuzzTarget[] = [
  message,
  hello,
  helloReply,
  begin,
  part,
  snapshotReply,
  forwarded,
  stream,
];
