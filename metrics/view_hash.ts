/**
 * A fingerprint of the peer list.
 *
 * @module
 */
import type { Peer } from "../shard/peer.ts";

/**
 * FNV-1a, 32 bits, over name, address and state of every peer in the order given. Nodes with the same view of the cluster have the same
 * hash, so different hashes that stay show a split, also one into halves of equal size. It is no measure of how much two views differ.
 *
 * @param peers Sorted by name, as a node reports them.
 * @returns A whole number from 0 to 4294967295.
 *
 * @example Usage
 * ```ts
 * import { viewHash } from "@ck/cluster/metrics";
 * import { assertEquals, assertNotEquals } from "@std/assert";
 *
 * const a = { name: "a", addr: "10.0.0.1:80", self: true, state: "participant" } as const;
 * assertEquals(viewHash([a]), viewHash([{ ...a, self: false }]));
 * assertNotEquals(viewHash([a]), viewHash([{ ...a, state: "terminating" }]));
 * ```
 */
export function viewHash(peers: readonly Peer[]): number {
  const text = peers.map(({ name, addr, state }) => `${name}\0${addr}\0${state}\0`).join("");
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
