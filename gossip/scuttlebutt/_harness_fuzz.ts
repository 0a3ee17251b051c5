/** The nine fuzz targets of the specification (F1 to F9), shared by the suite's small corpus and the long run of `tasks/fuzz.ts`. */
import { PhiEstimator } from "../phi.ts";
import { parseAddress } from "../swim/address.ts";
import { TAG } from "./_harness.ts";
import {
  mended,
  mendedStream,
  must,
  packets,
  plausible,
  plausibleStreams,
  streamFrames,
  streams,
} from "./_harness_fuzz_inputs.ts";
import { meetAnything, pack, relay, reorder } from "./_harness_fuzz_worlds.ts";
import { decodePacket, decodeStream, decodeStreamMessage, encodeFrame } from "./wire/codec.ts";
import { DecodeError } from "./wire/decode_error.ts";
import { StreamReader } from "./wire/stream_reader.ts";

/** One target; the shape that the long run knows. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs to start from. */
  readonly seeds: readonly Uint8Array[];
  /** How many inputs of the suite's small corpus one of these counts for: some are worlds of their own. The long run spares none. */
  readonly weight: number;
  /** Returns whether the bytes were accepted; throws what must never happen. */
  run(bytes: Uint8Array, random: () => number): boolean;
}

function accepted(decode: () => void): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (error instanceof DecodeError && error.offset >= 0 && error.message !== "") return false;
    throw error;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** F2: what was decoded encodes to the same bytes. */
function canonical(
  frame: Uint8Array,
  decode: typeof decodePacket | typeof decodeStreamMessage,
): boolean {
  return accepted(() => {
    must(equal(frame, encodeFrame(decode(frame, TAG), TAG)), "F2: it encodes to other bytes");
  });
}

/** F6: the address parser against `URL`. */
function address(bytes: Uint8Array): boolean {
  const characters = "0123456789.:[]abcdef%x/@-";
  const text = [...bytes].map((byte) => characters[byte % characters.length]).join("");
  const tries = [text, `10.0.0.${bytes[0] ?? 0}:${(bytes[1] ?? 0) * 300}`, `[${text}]:80`];
  let found = false;
  for (const one of tries) {
    const parsed = parseAddress(one);
    if (parsed === undefined) continue;
    found = true;
    const url = new URL(`http://${one}`);
    must(Number(url.port || 80) === parsed.port, `F6: the port of ${one}`);
    must(url.username === "" && url.pathname === "/", `F6: ${one} is more than an address`);
    must(/^[\d.]+$|^\[[\da-f:]+\]$/.test(url.hostname), `F6: the host of ${one}`);
  }
  return found;
}

/** F7: the detector against one that adds everything anew. */
function detect(bytes: Uint8Array): boolean {
  const peer = new PhiEstimator({ priorMs: 1000, windowSize: 5, maxGapMs: 10_000 }, 0);
  const gaps: number[] = [];
  let last = 0;
  let judged = false;
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    const now = bytes[i]! * 100 * (bytes[i + 1]! % 7 === 0 ? 1e6 : 1) - 500;
    if (bytes[i + 1]! % 3 > 0) {
      peer.heard(now);
      gaps.push(Math.min(10_000, Math.max(0, now - last)));
      if (gaps.length > 5) gaps.shift();
      last = Math.max(last, now);
    }
    const sum = gaps.reduce((total, gap) => total + gap, 5000);
    const mean = Math.max(250, sum / (gaps.length + 5));
    const expected = Math.max(0, now - last) / mean;
    const score = peer.suspicion(now);
    must(Number.isFinite(score) && score >= 0, "F7: no score");
    must(Math.abs(score - expected) <= 1e-6 * Math.max(1, expected), "F7: another score");
    judged ||= peer.exceeds(20, now);
  }
  return judged;
}

/** F8: the reader of streams, wherever the bytes are cut. */
function readStream(input: Uint8Array, random: () => number): boolean {
  const bytes = mendedStream(input, random);
  const read = (cuts: boolean): Uint8Array | string => {
    const reader = new StreamReader({ maxStreamBytes: 1 << 16 });
    try {
      for (let at = 0; at < bytes.length;) {
        const end = cuts
          ? Math.min(bytes.length, at + 1 + Math.floor(random() * 40))
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
  const open = (part: Uint8Array | string): string => {
    if (typeof part === "string") return part;
    try {
      return JSON.stringify(decodeStream(part, TAG));
    } catch (error) {
      // Why it is refused may depend on how much of it arrived.
      if (error instanceof DecodeError) return "refused";
      throw error;
    }
  };
  const [whole, cut] = [read(false), read(true)];
  must(open(whole) === open(cut), "F8: the message depends on where the bytes were cut");
  if (typeof whole !== "string") return open(whole) !== "refused";
  must(open(bytes) === "refused", `F8: the reader says ${whole} of what can be decoded`);
  return false;
}

const anything: readonly Uint8Array[] = [Uint8Array.of(1, 2, 3, 4), ...packets.slice(0, 8)];

/** Every target. */
export const fuzzTargets: readonly FuzzTarget[] = [
  {
    name: "scuttlebutt F1 decode packet",
    seeds: packets,
    weight: 1,
    run: (bytes, random) => accepted(() => decodePacket(mended(bytes, random), TAG)),
  },
  {
    name: "scuttlebutt F1 decode stream",
    seeds: streamFrames,
    weight: 1,
    run: (bytes, random) => accepted(() => decodeStreamMessage(mended(bytes, random), TAG)),
  },
  {
    name: "scuttlebutt F2 canonical packet",
    seeds: packets,
    weight: 1,
    run: (bytes, random) => canonical(mended(bytes, random), decodePacket),
  },
  {
    name: "scuttlebutt F2 canonical stream",
    seeds: streamFrames,
    weight: 1,
    run: (bytes, random) => canonical(mended(bytes, random), decodeStreamMessage),
  },
  { name: "scuttlebutt F3 core", seeds: [...plausible, ...packets], weight: 20, run: meetAnything },
  { name: "scuttlebutt F4 relay", seeds: anything, weight: 100, run: relay },
  { name: "scuttlebutt F5 pack", seeds: anything, weight: 20, run: pack },
  {
    name: "scuttlebutt F6 address",
    seeds: [Uint8Array.of(1, 0, 10, 0, 10, 0, 10, 1, 11, 8, 0), ...anything],
    weight: 1,
    run: address,
  },
  {
    name: "scuttlebutt F7 detector",
    seeds: [Uint8Array.of(5, 1, 10, 1, 15, 1, 20, 2, 250, 0), ...anything],
    weight: 1,
    run: detect,
  },
  {
    name: "scuttlebutt F8 stream",
    seeds: [...streams, ...plausibleStreams],
    weight: 2,
    run: readStream,
  },
  { name: "scuttlebutt F9 reorder", seeds: anything, weight: 500, run: reorder },
];
