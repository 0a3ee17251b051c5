import * as zlib from "node:zlib";
import { crc32 as scripted } from "../../shard/hash/crc32.ts";

/** The same in plain script, for Node 22.0 and 22.1, which have no `zlib.crc32`. */
export function scriptedCrc32(bytes: Uint8Array, before: number = 0): number {
  return scripted(bytes, { before });
}

/** CRC-32/IEEE of `bytes`, going on from `before`. Finds faults and truncation; stops no attacker. Several GB/s where zlib has it. */
export const crc32: (bytes: Uint8Array, before?: number) => number =
  typeof zlib.crc32 === "function" ? (bytes, before) => zlib.crc32(bytes, before) : scriptedCrc32;
