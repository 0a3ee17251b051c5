import type { Peer } from "../shard/peer.ts";
import type { ViewChange } from "./observation.ts";

/** Where two lists begin to differ, and how many last peers they share behind that. */
export interface Differing {
  readonly start: number;
  readonly shared: number;
}

/**
 * What two lists do not share at their beginnings and ends. A core hands out the same frozen peers as long as nothing is new of them, so
 * that this takes little more than the length of a list, and what follows takes what changed.
 */
export function differing({ before, peers }: ViewChange): Differing {
  const least = Math.min(before.length, peers.length);
  let start = 0;
  while (start < least && before[start] === peers[start]) start++;
  let shared = 0;
  const rest = least - start;
  while (shared < rest && before.at(-1 - shared) === peers.at(-1 - shared)) shared++;
  return { start, shared };
}

/** Peers of the list before of whose names there is none now. Neither list has a name twice: see `view-well-formed`. */
export function lost(change: ViewChange): readonly Peer[] {
  const { before, peers } = change;
  const { start, shared } = differing(change);
  const candidates = before.slice(start, before.length - shared);
  if (candidates.length === 0) return candidates;
  const kept = new Set(peers.slice(start, peers.length - shared).map(({ name }) => name));
  return candidates.filter(({ name }) => !kept.has(name));
}

/** Peers now of whose names there was none before. */
export function gained({ before, peers }: ViewChange): readonly Peer[] {
  return lost({ before: peers, peers: before });
}
