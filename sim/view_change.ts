import type { Peer } from "../shard/peer.ts";
import type { ViewChange } from "./observation.ts";

/** Where two lists begin to differ, and how many last peers they share behind that. */
export interface Differing {
  readonly start: number;
  readonly shared: number;
}

/** What two lists are to each other. */
interface Difference extends Differing {
  readonly lost: readonly Peer[];
  readonly gained: readonly Peer[];
}

// All who watch ask for the same change, one after the other: in a world of a thousand nodes that is a thousand pairs of peers each time.
let asked: ViewChange | undefined;
let answer: Difference = { start: 0, shared: 0, lost: [], gained: [] };

/**
 * What two lists do not share at their beginnings and ends. A core hands out the same frozen peers as long as nothing is new of them, so
 * that this takes little more than the length of a list, and what follows takes what changed. A change and its lists stay as they are.
 */
export function differing(change: ViewChange): Differing {
  return differenceOf(change);
}

/** Peers of the list before of whose names there is none now. Neither list has a name twice: see `view-well-formed`. */
export function lost(change: ViewChange): readonly Peer[] {
  return differenceOf(change).lost;
}

/** Peers now of whose names there was none before. */
export function gained(change: ViewChange): readonly Peer[] {
  return differenceOf(change).gained;
}

function differenceOf(change: ViewChange): Difference {
  if (change === asked) return answer;
  const { before, peers } = change;
  const least = Math.min(before.length, peers.length);
  let start = 0;
  while (start < least && before[start] === peers[start]) start++;
  let shared = 0;
  const rest = least - start;
  while (
    shared < rest && before[before.length - 1 - shared] === peers[peers.length - 1 - shared]
  ) shared++;
  const old = before.slice(start, before.length - shared);
  const now = peers.slice(start, peers.length - shared);
  asked = change;
  answer = { start, shared, lost: without(old, now), gained: without(now, old) };
  return answer;
}

function without(peers: readonly Peer[], others: readonly Peer[]): readonly Peer[] {
  if (peers.length === 0 || others.length === 0) return peers;
  const names = new Set(others.map(({ name }) => name));
  return peers.filter(({ name }) => !names.has(name));
}
