// Castagnoli's polynomial, bits reversed (RFC 3720 §B.4).
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/**
 * CRC-32C of `bytes[start, end)`, going on from `before`, the checksum of what precedes.
 *
 * It finds truncation and faults, and stops no attacker.
 */
export function crc32c(bytes: Uint8Array, options: Crc32cOptions = {}): number {
  const { start = 0, end = bytes.length, before = 0 } = options;
  let crc = ~before;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

/** Options of {@link crc32c}. */
export interface Crc32cOptions {
  /** First byte. @default {0} */
  readonly start?: number;
  /** After the last byte. @default {bytes.length} */
  readonly end?: number;
  /** The checksum of the bytes before. @default {0} */
  readonly before?: number;
}
