import type { Lack } from "./delta.ts";
import { streamDeltas } from "./delta.ts";
import type { Block, DigestEntry, StreamMessage } from "./messages.ts";
import { type Parts, prefixOf } from "./parts.ts";
import { MAX_DIGEST_ENTRIES } from "./wire/body.ts";
import { deltaLength, digestLength } from "./wire/lengths.ts";

/** Bytes of one message of a stream, about. */
const CHUNK_BYTES = 256 * 1024;

/** A join or a sync: the own state, and a digest of all. */
export function requestOf(
  parts: Parts,
  type: "join" | "sync",
  exchange: number,
): readonly StreamMessage[] {
  const { self: { record }, pager, label } = parts;
  const prefix = prefixOf(parts, exchange);
  const digests = chunked(pager.whole());
  // A sync asks for what is missing here; what the other side lacks it sees in the digest.
  const deltas = type === "join" ? deltasOf(parts, [{ record, from: 0, unknown: true }]) : [];
  const parcels: { digest: readonly DigestEntry[]; delta: readonly Block[] }[] = digests.map(
    (digest) => ({ digest, delta: [] }),
  );
  for (const delta of deltas) {
    const before = parcels.at(-1);
    const fits = before !== undefined && before.delta.length === 0 &&
      digestLength(before.digest) + deltaLength(delta) <= CHUNK_BYTES;
    if (fits) before.delta = delta;
    else parcels.push({ digest: [], delta });
  }
  return parcels.map((parcel, i) => ({
    type,
    ...prefix,
    label,
    last: i === parcels.length - 1,
    ...parcel,
  }));
}

/** What a peer lacks, as the reply to its join or sync. */
export function replyOf(
  parts: Parts,
  lacks: readonly Lack[],
  exchange: number,
): readonly StreamMessage[] {
  return sequence(parts, deltasOf(parts, lacks), { type: "joinReply", exchange });
}

/** The goodbye, with the own state unless it is large: then the others have to gossip it on. */
export function leaveOf(parts: Parts, exchange: number): readonly StreamMessage[] {
  const { record } = parts.self;
  const small = record.bytes <= CHUNK_BYTES;
  const deltas = small ? deltasOf(parts, [{ record, from: 0, unknown: true }]) : [];
  return sequence(parts, deltas, { type: "leave", exchange });
}

function sequence(
  parts: Parts,
  deltas: readonly (readonly Block[])[],
  { type, exchange }: { type: "joinReply" | "leave"; exchange: number },
): readonly StreamMessage[] {
  const prefix = prefixOf(parts, exchange);
  const { label } = parts;
  const all = deltas.length === 0 ? [[]] : deltas;
  return all.map((delta, i) => ({ type, ...prefix, label, last: i === all.length - 1, delta }));
}

function deltasOf({ self, settings }: Parts, lacks: readonly Lack[]): ReturnType<
  typeof streamDeltas
> {
  return streamDeltas(lacks, {
    self: self.record,
    chunkBytes: CHUNK_BYTES,
    // The other side's limit is most likely the own one; headers and lengths take less than the other half.
    totalBytes: Math.floor(settings.maxStreamBytes / 2),
  });
}

function chunked(digest: readonly DigestEntry[]): readonly (readonly DigestEntry[])[] {
  // An entry has at most 281 bytes.
  const most = Math.min(MAX_DIGEST_ENTRIES, Math.floor(CHUNK_BYTES / 281));
  const chunks: (readonly DigestEntry[])[] = [];
  for (let at = 0; at < digest.length; at += most) chunks.push(digest.slice(at, at + most));
  return chunks;
}
