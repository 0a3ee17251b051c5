/** The nine fuzz targets of the specification (F1 to F9), shared by the suite's small corpus and the long run of `tasks/fuzz.ts`. */
import fc from "fast-check";
import { PhiEstimator } from "../phi.ts";
import { parseAddress } from "../swim/address.ts";
import { block, entry, liveKeys, prng, Solo, source, TAG } from "./_harness.ts";
import { packetArbitrary, streamArbitrary } from "./_harness_arbitraries.ts";
import { packDelta } from "./delta.ts";
import type { Packet } from "./messages.ts";
import type { ScuttlebuttEvent } from "./mod.ts";
import { NodeRecord } from "./record.ts";
import { Turn } from "./turn.ts";
import { decodePacket, decodeStream, encodeFrame, encodeStream } from "./wire/codec.ts";
import { DecodeError } from "./wire/decode_error.ts";
import { HEADER_BYTES } from "./wire/lengths.ts";
import { blockLength, deltaLength } from "./wire/lengths.ts";
import { writeHeader } from "./wire/frame.ts";
import { StreamReader } from "./wire/stream_reader.ts";

/** One target; the shape that the long run knows. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs to start from. */
  readonly seeds: readonly Uint8Array[];
  /** How many inputs one of the long run's counts for: the slow ones are worlds of their own. */
  readonly weight: number;
  /** Returns whether the bytes were accepted; throws what must never happen. */
  run(bytes: Uint8Array, random: () => number): boolean;
}

const packets: readonly Uint8Array[] = fc.sample(packetArbitrary, { seed: 4, numRuns: 40 })
  .map((packet) => encodeFrame(packet, TAG));
const streams: readonly Uint8Array[] = fc.sample(streamArbitrary, { seed: 5, numRuns: 20 })
  .map((messages) => encodeStream(messages, TAG));

/** Most mutations would only ever meet the checksum: repairs it, nine times in ten. */
function repaired(bytes: Uint8Array, random: () => number): Uint8Array {
  if (bytes.length < HEADER_BYTES || random() < 0.1) return bytes;
  const frame = bytes.slice();
  writeHeader(frame, frame[3]!, TAG);
  return frame;
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

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** A seed for a world of its own, out of any bytes. */
function seedOf(bytes: Uint8Array, random: () => number): number {
  let seed = Math.floor(random() * 2 ** 31);
  for (const byte of bytes.subarray(0, 16)) seed = (Math.imul(seed, 31) + byte) >>> 0;
  return seed;
}

/** F3: a core that meets anything. */
function meetAnything(bytes: Uint8Array, random: () => number): boolean {
  const solo = new Solo({ id: "a", generation: 5, maxNodes: 20 });
  solo.upsert("mine", "1");
  solo.delta(block("b", [entry("k", "v", 2)]), block("c", [entry("_internal:left", "", 1)]));
  const before = new Map(solo.core.nodes().map((node) => [node.id, node]));
  const own = solo.core.localNode;
  let refused = false;
  for (let i = 0; i < 3; i++) {
    const input = i === 0 ? bytes : plausible[Math.floor(random() * plausible.length)]!;
    const frame = repaired(input, random);
    if (random() < 0.3) solo.step({ type: "request", exchange: i, bytes: streams[i]! });
    solo.step({ type: "packet", bytes: frame });
    if (i === 0) refused = solo.refusals.length > 0;
    solo.run(random() * 3000);
    for (const node of solo.core.nodes()) {
      const known = before.get(node.id);
      before.set(node.id, node);
      if (known === undefined) continue;
      must(node.generation >= known.generation, "I2: an older life");
      if (node.generation > known.generation) continue;
      must(node.version >= known.version && node.heartbeat >= known.heartbeat, "I2");
      must(!known.left || node.left, "I5: the left one is back");
    }
    const now = solo.core.localNode;
    must(now.version === own.version && now.entries === own.entries, "F3: the own record changed");
    must(solo.core.nodes().length <= 20, "I12: too many nodes");
  }
  return !refused;
}

/** F4: random writes, compactions, cuts and relays, against copies of the whole map. */
function relay(bytes: Uint8Array, random: () => number): boolean {
  const world = prng(seedOf(bytes, random));
  const below = (limit: number): number => Math.floor(world() * limit);
  const owner = new Solo({ id: "o", compactThreshold: 3 });
  const replicas = Array.from({ length: 3 }, (_, i) => new Solo({ id: `r${i}` }));
  const told = replicas.map(() => new Map<string, string>());
  const copy = (from: Solo, to: number, cut: number): void => {
    const held = from.core.node("o");
    if (held === undefined) return;
    const version = replicas[to]!.core.node("o")?.version ?? 0;
    const above = held.entries.filter((one) => one.version > version).slice(0, cut);
    for (const event of replicas[to]!.delta(block("o", above, { from: version }))) {
      apply(told[to]!, event);
    }
  };
  for (let i = 0; i < 40; i++) {
    const op = below(8);
    const key = `k${below(5)}`;
    if (op < 2) owner.upsert(key, `${below(3)}`);
    else if (op < 4) owner.delete(key);
    else if (op === 4) owner.run(6000);
    else if (op === 5 && world() < 0.2) {
      const lost = below(3);
      replicas[lost] = new Solo({ id: `r${lost}` });
      told[lost] = new Map();
    } else {
      const to = below(3);
      const from = below(4);
      if (from !== to) copy(from === 3 ? owner : replicas[from]!, to, below(12));
    }
  }
  for (let to = 0; to < 3; to++) {
    copy(owner, to, Infinity);
    const truth = JSON.stringify(owner.core.localNode.entries);
    const held = replicas[to]!.core.node("o");
    must(JSON.stringify(held?.entries ?? []) === truth, "F4: the map differs");
    const live = held === undefined ? new Map() : liveKeys(replicas[to]!.core, "o");
    must(
      JSON.stringify([...told[to]!].sort()) === JSON.stringify([...live]),
      "F4: the events tell another map",
    );
  }
  return world() < 0.5;
}

function apply(map: Map<string, string>, event: ScuttlebuttEvent): void {
  if (event.type === "upsertKey") map.set(event.key, event.value);
  if (event.type === "deleteKey") map.delete(event.key);
}

/** F5: what is packed fits, is a prefix, and leaves nothing out that would fit after it. */
function pack(bytes: Uint8Array, random: () => number): boolean {
  const world = prng(seedOf(bytes, random));
  const below = (limit: number): number => Math.floor(world() * limit);
  const budget = 100 + below(2000);
  const lacks = Array.from({ length: 1 + below(12) }, (_, i) => {
    const record = new NodeRecord({ id: `node${i}`, generation: 1 + below(9), addr: "10.0.0.1:1" });
    let version = 0;
    for (let k = below(30); k > 0; k--) {
      record.put(
        entry(
          `k${below(20)}`,
          "v".repeat(below(below(5) === 0 ? 900 : 40)),
          version += 1 + below(200),
        ),
      );
    }
    const from = below(3) === 0 ? 0 : below(version + 1);
    return { record, from, unknown: from === 0 };
  });
  const turn = new Turn({ now: 0, random: world, gossipIntervalMs: 500 });
  const self = lacks[0]!.record;
  const delta = packDelta(lacks, { turn, self, budget, maxPacketBytes: 1400 });
  must(delta.bytes === deltaLength(delta.blocks), "F5: the length is not exact");
  must(delta.bytes <= budget, "F5: over the budget");
  for (const { record, from, unknown } of lacks) {
    const packed = delta.blocks.find(({ id }) => id === record.id);
    const above = record.entries.filter(({ version }) => version > from);
    const taken = packed?.entries ?? [];
    must(
      taken.every((one, i) => one === above[i]) && (packed?.from ?? from) === from,
      "F5: no prefix",
    );
    const next = above[taken.length];
    if (packed !== undefined && next !== undefined) {
      const longer = blockLength({ ...packed, entries: [...taken, next] }) - blockLength(packed);
      must(longer > budget - delta.bytes, "F5: there is room for one more");
    }
    const complete = packed !== undefined || (above.length === 0 && !unknown);
    if (!complete) must(budget - delta.bytes < 1400, "F5: left out");
  }
  return delta.leftBytes === 0;
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
function readStream(bytes: Uint8Array, random: () => number): boolean {
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

/** F9: the frames of several exchanges in any order. */
function reorder(bytes: Uint8Array, random: () => number): boolean {
  const world = prng(seedOf(bytes, random));
  const below = (limit: number): number => Math.floor(world() * limit);
  const names = ["a", "b", "c"];
  const cores = names.map((id) => new Solo({ id, seed: 1 + below(1000) }));
  for (const solo of cores) {
    for (let i = below(4); i > 0; i--) solo.upsert(`k${below(3)}`, `${below(9)}`);
    for (const [i, other] of names.entries()) {
      if (cores[i] !== solo) solo.delta(block(other, []));
    }
  }
  const flying: { readonly to: number; readonly bytes: Uint8Array }[] = [];
  const carry = (solo: Solo): void => {
    for (const { to, bytes } of solo.of("send")) {
      flying.push({ to: names.findIndex((_, i) => cores[i]!.core.localNode.addr === to), bytes });
    }
  };
  let packets = 0;
  for (let i = 0; i < 40 || flying.length > 0; i++) {
    if (i < 40) {
      const solo = cores[below(3)]!;
      const { deadline } = solo.core;
      solo.now = Math.max(solo.now, deadline);
      solo.step({ type: "timeout" });
      carry(solo);
    }
    // One at random, now and then twice, now and then never, while others wait.
    while (flying.length > (i < 40 ? below(6) : 0)) {
      const [{ to, bytes }] = flying.splice(below(flying.length), 1) as [typeof flying[0]];
      if (i < 40 && below(8) === 0) continue;
      for (let copies = below(5) === 0 ? 2 : 1; copies > 0; copies--) {
        cores[to]!.step({ type: "packet", bytes });
        must(cores[to]!.refusals.every((reason) => reason === "gap"), "F9: refused");
        packets++;
        if (packets < 2000) carry(cores[to]!);
      }
    }
  }
  for (const owner of cores) {
    const truth = owner.core.localNode;
    for (const solo of cores) {
      const held = solo.core.node(truth.id)!;
      const mine = new Map(held.entries.map((one) => [one.key, one.version]));
      for (const one of truth.entries) {
        if (one.version <= held.version) must(mine.get(one.key) === one.version, "F9: PREFIX");
      }
      must(held.version <= truth.version, "F9: a version from nowhere");
    }
  }
  return packets % 2 === 0;
}

/** Packets that a core takes to heart: few names, real addresses, small numbers. */
const plausible: readonly Uint8Array[] = packets.flatMap((_, i) => {
  const random = prng(i + 1);
  const below = (limit: number): number => Math.floor(random() * limit);
  const ids = ["a", "b", "c", "d", "e"].filter(() => random() < 0.5);
  const digest = ids.map((id) => {
    const want = random() < 0.2;
    const heartbeat = want ? 0 : below(9);
    const version = want ? 0 : below(6);
    const left = random() < 0.1;
    return { id, generation: 1 + below(6), heartbeat, version, left, down: random() < 0.1, want };
  });
  const delta = ids.map((id) => {
    const from = below(3);
    const keys = ["k", "l", "_internal:left", "_internal:compact", "_internal:state", "m"];
    const entries = keys.filter(() => random() < 0.4).map((key, at) =>
      entry(key, random() < 0.2 ? undefined : `${below(4)}`, from + 1 + 2 * at)
    );
    const more = random() < 0.1;
    return block(id, entries, { from, more, generation: 1 + below(6), heartbeat: below(9) });
  });
  const begin = { source: source(i % 7 === 0 ? "a" : "z"), known: ids.length, exchange: i };
  const packet: Packet = i % 4 === 0
    ? { type: "syn", ...begin, digest }
    : i % 4 === 1
    ? { type: "synAck", ...begin, digest, delta }
    : i % 4 === 2
    ? { type: "ack", ...begin, wants: digest, delta }
    : { type: "fin", ...begin, delta };
  return [encodeFrame(packet, TAG)];
});

const anything: readonly Uint8Array[] = [Uint8Array.of(1, 2, 3, 4), ...packets.slice(0, 8)];

/** Every target. */
export const fuzzTargets: readonly FuzzTarget[] = [
  {
    name: "scuttlebutt F1 decode",
    seeds: packets,
    weight: 1,
    run: (bytes, random) => accepted(() => decodePacket(repaired(bytes, random), TAG)),
  },
  {
    name: "scuttlebutt F2 canonical",
    seeds: packets,
    weight: 1,
    run: (bytes, random) =>
      accepted(() => {
        const frame = repaired(bytes, random);
        const again = encodeFrame(decodePacket(frame, TAG), TAG);
        must(equal(frame, again), "F2: what was decoded encodes to other bytes");
      }),
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
  { name: "scuttlebutt F8 stream", seeds: streams, weight: 2, run: readStream },
  { name: "scuttlebutt F9 reorder", seeds: anything, weight: 500, run: reorder },
];
