/** Eight tables for one polynomial, its bits reversed: eight bytes a step (Kounavis and Berry, "A Systematic Approach to Building High Performance, Software-based, CRC Generators", 2005). */
function slicingTables(polynomial: number): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}

function checksum(
  t: Uint32Array,
  bytes: Uint8Array,
  { start = 0, end = bytes.length, before = 0 }: CrcOptions,
): number {
  let crc = ~before;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc = t[0x700 | (crc & 0xff)]! ^ t[0x600 | ((crc >>> 8) & 0xff)]! ^
      t[0x500 | ((crc >>> 16) & 0xff)]! ^ t[0x400 | (crc >>> 24)]! ^
      t[0x300 | bytes[i + 4]!]! ^ t[0x200 | bytes[i + 5]!]! ^ t[0x100 | bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

// Castagnoli's polynomial (RFC 3720 §B.4), and that of IEEE 802.3.
const CASTAGNOLI = slicingTables(0x82f63b78);
const IEEE = slicingTables(0xedb88320);

/**
 * CRC-32C of `bytes[start, end)`, going on from `before`, the checksum of what precedes.
 *
 * It finds truncation and faults, and stops no attacker.
 */
export function crc32c(bytes: Uint8Array, options: CrcOptions = {}): number {
  return checksum(CASTAGNOLI, bytes, options);
}

/** The same for CRC-32, the one of zlib. */
export function crc32(bytes: Uint8Array, options: CrcOptions = {}): number {
  return checksum(IEEE, bytes, options);
}

/** Options of {@link crc32c} and {@link crc32}. */
export interface CrcOptions {
  /** First byte. @default {0} */
  readonly start?: number;
  /** After the last byte. @default {bytes.length} */
  readonly end?: number;
  /** The checksum of the bytes before. @default {0} */
  readonly before?: number;
}
