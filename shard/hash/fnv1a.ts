import type { HashFamily } from "./family.ts";

/**
 * FNV-1a with 64 bits (Fowler, Noll, Vo). Simple and widespread, but it spreads short keys badly over its top bits: take it for
 * the sake of an existing system only.
 *
 * @example Usage
 * ```ts
 * import { fnv1a } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fnv1a.hash(new TextEncoder().encode("a")), 0xaf63dc4c8601ec8cn);
 * ```
 */
export const fnv1a: HashFamily = Object.freeze({
  name: "fnv1a",
  bits: 64,
  hash(bytes: Uint8Array): bigint {
    let high = 0xcbf29ce4;
    let low = 0x84222325;
    for (const byte of bytes) {
      low = (low ^ byte) >>> 0;
      // The prime is 2^40 + 0x1b3: one shift into the high word and two small products, all below 2^53.
      const product = low * 0x1b3;
      high = (Math.imul(high, 0x1b3) + (low << 8) + Math.floor(product / 0x1_0000_0000)) >>> 0;
      low = product >>> 0;
    }
    return (BigInt(high) << 32n) | BigInt(low);
  },
});
