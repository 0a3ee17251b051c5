import { crc32, crc32c } from "../../shard/hash/crc32.ts";

/** A checksum that a segment may be written with. */
export interface Checksum {
  /** What the segment's header calls it: 1 is CRC-32C, 2 is CRC-32 as in zlib. */
  readonly id: 1 | 2;
  /** That of `bytes[start, end)`, going on from `before`. */
  compute(bytes: Uint8Array, start: number, end: number, before: number): number;
}

/** CRC-32C in plain code. */
export const castagnoli: Checksum = {
  id: 1,
  compute: (bytes, start, end, before) => crc32c(bytes, { start, end, before }),
};

/** CRC-32 in plain code. A driver may put the machine's own in its place, with the same id. */
export const ieee: Checksum = {
  id: 2,
  compute: (bytes, start, end, before) => crc32(bytes, { start, end, before }),
};
