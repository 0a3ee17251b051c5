import type { HashFamily } from "./family.ts";

function rotate(word: number, bits: number): number {
  return word << bits | word >>> (32 - bits);
}

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
}

/**
 * MurmurHash3 x86_32 with seed 0 (Appleby): 32 bits.
 *
 * @example Usage
 * ```ts
 * import { murmur3 } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(murmur3.hash(new TextEncoder().encode("hello")), 0x248bfa47n);
 * ```
 */
export const murmur3: HashFamily = Object.freeze({
  name: "murmur3",
  bits: 32,
  hash(bytes: Uint8Array): bigint {
    const blocks = bytes.length & ~3;
    let hash = 0;
    for (let i = 0; i < blocks; i += 4) {
      const word = bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24;
      hash = (Math.imul(rotate(hash ^ scramble(word), 13), 5) + 0xe6546b64) | 0;
    }
    let tail = 0;
    for (let i = bytes.length - 1; i >= blocks; i--) tail = tail << 8 | bytes[i]!;
    if (bytes.length > blocks) hash ^= scramble(tail);
    hash ^= bytes.length;
    hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
    hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
    return BigInt((hash ^ hash >>> 16) >>> 0);
  },
});
