/**
 * Fuzzing of every decoder: what a decoder may do with any bytes, and bytes made to hurt. Shared by the suite's small corpus and the long run.
 *
 * @module
 */
// A harness, not a core: frames are fuzzed with the rest.
import { FrameReader } from "../../../transport/frame.ts";
import { vectorBytes, vectors } from "./_harness_vectors.ts";
import {
  decodeLocalState,
  decodeStateMessage,
  encodeLocalState,
  encodeStateMessage,
} from "./ckit.ts";
import { decodeCompound } from "./compound.ts";
import { decodeCompressed, encodeCompressed } from "./compress.ts";
import { DecodeError } from "./decode_error.ts";
import { decrypt } from "./encryption.ts";
import { Keyring } from "./keyring.ts";
import { labelBytes, splitLabel } from "./label.ts";
import { wireLimits } from "./limits.ts";
import { lzwDecode, lzwEncode } from "./lzw.ts";
import { decodeMessage, encodeMessage } from "./messages_codec.ts";
import { MsgpackReader } from "./msgpack_reader.ts";
import { PacketCodec } from "./packet.ts";
import { decodePushPull, encodePushPull } from "./push_pull.ts";
import { StreamCodec } from "./stream.ts";
import { decodeStreamMessage, encodeStreamMessage } from "./stream_messages.ts";

/** One decoder under fuzz. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs to start from. */
  readonly seeds: readonly Uint8Array[];
  /** Returns whether the bytes were accepted; throws what must never happen. */
  run(bytes: Uint8Array, random: () => number): boolean;
}

/** A small seeded generator: the same numbers on every runtime. */
export function seededRandom(seed: number): () => number {
  let state = (seed ^ 0x6d2b_79f5) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const INFLATED = 1 << 18;
const limits = wireLimits({ maxInflatedBytes: INFLATED });
const KEY = new TextEncoder().encode("0123456789abcdef");
const keyring = new Keyring([KEY]);
const MESSAGES = ["01", "02", "03", "04", "05", "06", "07", "09", "10", "11", "12", "13", "14"]
  .map((id) => vectorBytes(`V-${id}`));
const all = vectors.filter(({ hex }) => hex !== undefined).map(({ id }) => vectorBytes(id));
const plain = {
  packet: new PacketCodec({ label: "prod", random: () => 0.5, limits }),
  stream: new StreamCodec({ label: "prod", random: () => 0.5, limits }),
};
const unlabelled = new PacketCodec({ random: () => 0.5, limits });
const secret = {
  packet: new PacketCodec({ label: "prod", keyring, random: () => 0.5, limits }),
  stream: new StreamCodec({ label: "prod", keyring, random: () => 0.5, limits }),
};

/** Runs a decoder that may throw a {@link DecodeError} and nothing else. */
function accepted(decode: () => void): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (error instanceof DecodeError && error.offset >= 0 && error.message !== "") return false;
    throw error;
  }
}

/** What was decoded must encode, decode to the same again, and encode to the same bytes. */
function stable<T>(
  bytes: Uint8Array,
  { decode, encode }: { decode(bytes: Uint8Array): T; encode(value: T): Uint8Array },
): void {
  const first = encode(decode(bytes));
  const second = encode(decode(first));
  if (!equal(first, second)) throw new Error("Decoding and encoding again changed the bytes");
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function target(
  name: string,
  seeds: readonly Uint8Array[],
  decode: (bytes: Uint8Array, random: () => number) => void,
): FuzzTarget {
  return { name, seeds, run: (bytes, random) => accepted(() => decode(bytes, random)) };
}

function frame(bytes: Uint8Array, random: () => number): boolean {
  const read = (cuts: boolean): string => {
    const reader = new FrameReader({ maxFrameBytes: 1 << 16 });
    const seen: string[] = [];
    try {
      for (let at = 0; at < bytes.length;) {
        const end = cuts ? Math.min(bytes.length, at + 1 + Math.floor(random() * 9)) : bytes.length;
        for (const payload of reader.push(bytes.subarray(at, end))) seen.push(payload.join());
        at = end;
      }
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof SyntaxError)) throw error;
    }
    return `${reader.end()} ${reader.failure?.message} ${seen.join(";")}`;
  };
  const whole = read(false);
  if (whole !== read(true)) throw new Error("The frames depend on where the bytes were cut");
  return whole.startsWith("true");
}

function streamReader(codec: StreamCodec): (bytes: Uint8Array, random: () => number) => boolean {
  return (bytes, random) => {
    const direction = { label: random() < 0.5 };
    const read = (cuts: boolean): Uint8Array | string => {
      const reader = codec.reader(direction);
      try {
        for (let at = 0; at < bytes.length;) {
          const end = cuts
            ? Math.min(bytes.length, at + 1 + Math.floor(random() * 9))
            : bytes.length;
          if (reader.push(bytes.subarray(at, end))) return reader.bytes;
          at = end;
        }
        return "incomplete";
      } catch (error) {
        if (error instanceof RangeError) return "limit";
        throw error;
      }
    };
    const open = (part: Uint8Array): string => {
      try {
        return codec.open(part, direction).type;
      } catch (error) {
        if (error instanceof DecodeError) return `${error.reason} ${error.answer}`;
        throw error;
      }
    };
    const whole = read(false);
    const cut = read(true);
    const results = [whole, cut].map((part) => typeof part === "string" ? part : open(part));
    if (results[0] !== results[1]) {
      throw new Error(`Whole it is "${results[0]}", in pieces "${results[1]}"`);
    }
    // What open() accepts, the reader must cut out whole.
    if (typeof whole === "string") {
      const opened = open(bytes);
      if (!/ /.test(opened)) throw new Error(`The reader says "${whole}", open() "${opened}"`);
      return false;
    }
    return !/ /.test(results[0]!);
  };
}

/** Every decoder. */
export const fuzzTargets: readonly FuzzTarget[] = [
  { name: "frame", seeds: [vectorBytes("V-29"), vectorBytes("V-39")], run: frame },
  target("label", [vectorBytes("V-28"), vectorBytes("V-40")], splitLabel),
  target("compound", [vectorBytes("V-26")], decodeCompound),
  target(
    "lzw",
    ["20", "21", "22", "23", "38", "41", "42"].map((id) => {
      const inflated = id === "41" ? vectorBytes("V-41").subarray(6) : vectorBytes(`V-${id}`);
      return lzwEncode(decodeCompressed(inflated, { maxInflatedBytes: INFLATED }));
    }),
    (bytes) => {
      const inflated = lzwDecode(bytes, { maxBytes: INFLATED });
      const again = lzwDecode(lzwEncode(inflated), { maxBytes: INFLATED });
      if (!equal(inflated, again)) throw new Error("Compressing and inflating changed the bytes");
    },
  ),
  target(
    "compress",
    [...["20", "21", "22", "23", "38", "42"].map((id) => vectorBytes(`V-${id}`))],
    (bytes) => decodeCompressed(bytes, { maxInflatedBytes: INFLATED }),
  ),
  target(
    "msgpack",
    MESSAGES.map((bytes) => bytes.subarray(1)),
    (bytes) => new MsgpackReader(bytes).skip(),
  ),
  target(
    "message",
    [...MESSAGES, Uint8Array.of(8, 1, 2)],
    (bytes) => stable(bytes, { decode: decodeMessage, encode: encodeMessage }),
  ),
  target(
    "push/pull",
    [vectorBytes("V-37")],
    (bytes) =>
      stable(bytes, { decode: (one) => decodePushPull(one, limits), encode: encodePushPull }),
  ),
  target(
    "stream message",
    [
      vectorBytes("V-01"),
      vectorBytes("V-05"),
      vectorBytes("V-08"),
      vectorBytes("V-37"),
      encodeStreamMessage({ type: "user", payload: Uint8Array.of(1, 2, 3) }),
    ],
    (bytes) =>
      stable(bytes, {
        decode: (one) => decodeStreamMessage(one, limits),
        encode: encodeStreamMessage,
      }),
  ),
  target(
    "state message",
    ["30", "31", "32", "33", "34"].map((id) => vectorBytes(`V-${id}`)),
    (bytes) => stable(bytes, { decode: decodeStateMessage, encode: encodeStateMessage }),
  ),
  target(
    "local state",
    [vectorBytes("V-35"), vectorBytes("V-36")],
    (bytes) => stable(bytes, { decode: decodeLocalState, encode: encodeLocalState }),
  ),
  target(
    "encryption",
    [vectorBytes("V-43"), vectorBytes("V-44")],
    (bytes) => decrypt(bytes, { keys: [KEY], associatedData: labelBytes("prod") }),
  ),
  {
    name: "packet",
    seeds: [
      ...all.filter((bytes) => unlabelled.open(bytes).refusals.length === 0),
      ...MESSAGES,
      ...new PacketCodec({ compression: false, random: () => 0 })
        .seal([...MESSAGES, encodeCompressed(vectorBytes("V-26"))], { crc: false }),
    ],
    run: (bytes) => unlabelled.open(bytes).refusals.length === 0,
  },
  {
    name: "labelled packet",
    seeds: [
      vectorBytes("V-28"),
      vectorBytes("V-40"),
      vectorBytes("V-41"),
      ...plain.packet.seal(MESSAGES, { crc: true }),
    ],
    run: (bytes) => plain.packet.open(bytes).refusals.length === 0,
  },
  {
    name: "encrypted packet",
    seeds: secret.packet.seal(MESSAGES, { crc: true }),
    run: (bytes) => secret.packet.open(bytes).refusals.length === 0,
  },
  {
    name: "stream reader",
    seeds: [
      ...all,
      ...MESSAGES,
      ...["37", "38", "42"].map((id) =>
        Uint8Array.from([0xf4, 4, 0x70, 0x72, 0x6f, 0x64, ...vectorBytes(`V-${id}`)])
      ),
      encodeStreamMessage({ type: "user", payload: Uint8Array.of(1, 2, 3) }),
    ],
    run: streamReader(plain.stream),
  },
  {
    name: "encrypted stream reader",
    seeds: [true, false].map((label) =>
      secret.stream.seal({ type: "error", error: "x" }, { label })
    ),
    run: streamReader(secret.stream),
  },
];

const INTERESTING = [
  0x00,
  0x01,
  0x07,
  0x09,
  0x0a,
  0x0c,
  0x7f,
  0x80,
  0x81,
  0x8f,
  0x90,
  0x9f,
  0xa0,
  0xbf,
  0xc0,
  0xc1,
  0xc4,
  0xc6,
  0xc9,
  0xca,
  0xcc,
  0xcd,
  0xce,
  0xcf,
  0xd3,
  0xd9,
  0xda,
  0xdb,
  0xdc,
  0xdd,
  0xde,
  0xdf,
  0xf4,
  0xff,
] as const;

/** Makes one input: random, or a seed that was mutated, cut, spliced, or made to lie about a length. */
export function fuzzInput(seeds: readonly Uint8Array[], random: () => number): Uint8Array {
  const below = (limit: number): number => Math.floor(random() * limit);
  if (random() < 0.1) return Uint8Array.from({ length: below(80) }, () => below(256));
  let bytes = [...seeds[below(seeds.length)]!];
  for (let i = below(4); i >= 0; i--) {
    const at = below(bytes.length + 1);
    switch (below(9)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << below(8);
        break;
      case 1:
        bytes[at] = INTERESTING[below(INTERESTING.length)]!;
        break;
      case 2:
        bytes[at] = below(256);
        break;
      case 3:
        bytes.splice(at, 0, INTERESTING[below(INTERESTING.length)]!);
        break;
      case 4:
        bytes.splice(at, 1 + below(4));
        break;
      case 5:
        bytes = bytes.slice(0, at);
        break;
      case 6:
        bytes.splice(at, 0, ...bytes.slice(below(bytes.length), below(bytes.length)));
        break;
      case 7: {
        const other = seeds[below(seeds.length)]!;
        bytes = [...bytes.slice(0, at), ...other.subarray(below(other.length))];
        break;
      }
      default:
        // A length that promises far more than comes.
        for (let width = 1 << below(3), k = 0; k < width; k++) {
          bytes[at + k] = 0xff - (k & below(2));
        }
    }
  }
  return Uint8Array.from(bytes, (byte) => byte ?? 0);
}
