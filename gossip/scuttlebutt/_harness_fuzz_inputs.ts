/** What the fuzz targets feed: valid messages to start from, and mutated ones mended so far that they get past the checksum. */
import fc from "fast-check";
import { block, entry, LABEL, prng, source, TAG } from "./_harness.ts";
import { packetArbitrary, streamArbitrary } from "./_harness_arbitraries.ts";
import type { Packet, Prefix, StreamMessage } from "./messages.ts";
import { encodeFrame, encodeStream } from "./wire/codec.ts";
import { writeHeader } from "./wire/frame.ts";
import { HEADER_BYTES } from "./wire/lengths.ts";

const samples = fc.sample(streamArbitrary, { seed: 5, numRuns: 20 });

/** Packets of any content. */
export const packets: readonly Uint8Array[] = fc.sample(packetArbitrary, { seed: 4, numRuns: 40 })
  .map((packet) => encodeFrame(packet, TAG));
/** Requests and replies of any content. */
export const streams: readonly Uint8Array[] = samples.map((messages) =>
  encodeStream(messages, TAG)
);
/** The frames that those are made of. */
export const streamFrames: readonly Uint8Array[] = samples.flat()
  .map((message) => encodeFrame(message, TAG));

/** Packets, and requests and replies, that a core takes to heart: few names, real addresses, small numbers. */
const hearty = packets.map((_, i): { readonly packet: Packet; readonly stream: StreamMessage } => {
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
  const begin: Prefix = { source: source(i % 7 === 0 ? "a" : "z"), known: ids.length, exchange: i };
  const packet: Packet = i % 4 === 0
    ? { type: "syn", ...begin, digest }
    : i % 4 === 1
    ? { type: "synAck", ...begin, digest, delta }
    : i % 4 === 2
    ? { type: "ack", ...begin, wants: digest, delta }
    : { type: "fin", ...begin, delta };
  const last = { label: LABEL, last: true };
  const stream: StreamMessage = i % 5 < 2
    ? { type: i % 5 === 0 ? "join" : "sync", ...begin, ...last, digest, delta }
    : i % 5 < 4
    ? { type: i % 5 === 2 ? "joinReply" : "leave", ...begin, ...last, delta }
    : { type: "leaveAck", ...begin };
  return { packet, stream };
});

/** Packets that a core takes to heart: few names, real addresses, small numbers. */
export const plausible: readonly Uint8Array[] = hearty.map(({ packet }) =>
  encodeFrame(packet, TAG)
);
/** The same of requests and replies. */
export const plausibleStreams: readonly Uint8Array[] = hearty.map(({ stream }) =>
  encodeStream([stream], TAG)
);

/** Most mutations would only ever meet the checksum: mends it, nine times in ten. */
export function mended(bytes: Uint8Array, random: () => number): Uint8Array {
  if (bytes.length < HEADER_BYTES || random() < 0.1) return bytes;
  const frame = bytes.slice();
  writeHeader(frame, frame[3]!, TAG);
  return frame;
}

/** The same for each frame of a request or reply: lengths that lie stay as long as there is something to be read behind them. */
export function mendedStream(bytes: Uint8Array, random: () => number): Uint8Array {
  if (random() < 0.1) return bytes;
  const stream = bytes.slice();
  for (let at = 0; at < stream.length;) {
    let length = 0;
    for (let shift = 0; at < stream.length; shift += 7) {
      const byte = stream[at++]!;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    // The last one ends where the bytes end, as if nothing had been inserted or lost in it.
    const end = Math.min(stream.length, at + length);
    if (end - at < HEADER_BYTES) break;
    const frame = stream.subarray(at, end);
    writeHeader(frame, frame[3]!, TAG);
    at = end;
  }
  return stream;
}

/** Throws, as something happened that never may. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** A seed for a world of its own, out of any bytes. */
export function seedOf(bytes: Uint8Array, random: () => number): number {
  let seed = Math.floor(random() * 2 ** 31);
  for (const byte of bytes.subarray(0, 16)) seed = (Math.imul(seed, 31) + byte) >>> 0;
  return seed;
}
