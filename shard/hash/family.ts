/** A hash that is fed piece by piece. */
export interface HashStream {
  /** Feeds bytes; they may be changed afterwards. */
  write(bytes: Uint8Array): void;
  /** Hash of all bytes fed so far; the stream goes on. */
  digest(): bigint;
}

/**
 * A hash function with a name: every algorithm takes one, and all members of a cluster must use the same.
 *
 * Any deterministic function will do, as long as it spreads its results evenly over all its bits.
 *
 * @example A function of one's own
 * ```ts
 * import { type HashFamily, rendezvous, xxh64 } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const salted: HashFamily = {
 *   name: "xxh64+salt",
 *   hash: (bytes) => xxh64.hash(new Uint8Array([0x5a, ...bytes])),
 * };
 * const placement = rendezvous({ hash: salted }).place(["a", "b", "c"]);
 *
 * assertEquals(placement.hash.name, "xxh64+salt");
 * assertEquals(placement.owners("user:42", 3).length, 3);
 * ```
 */
export interface HashFamily {
  /** What the family is called; members that compare settings compare this. */
  readonly name: string;
  /** How many of the low bits of a hash are in use: 32 or 64. @default {64} */
  readonly bits?: 32 | 64;
  /** Hash of the bytes, 0 … 2^bits − 1; a larger or negative value is cut to its low bits. */
  hash(bytes: Uint8Array): bigint;
  /** Starts an empty stream whose digest equals `hash` of everything written. Optional: it makes ring tokens cheaper. */
  stream?(): HashStream;
}
