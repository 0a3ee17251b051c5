/** Reflected polynomial of CRC-32/IEEE. */
const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? remainder >>> 1 ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

/** CRC-32/IEEE of `bytes` from `start` on (zlib's): an unsigned 32-bit integer. */
export function crc32(bytes: Uint8Array, start = 0): number {
  let remainder = 0xffff_ffff;
  for (let i = start; i < bytes.length; i++) {
    remainder = TABLE[(remainder ^ bytes[i]!) & 0xff]! ^ remainder >>> 8;
  }
  return (remainder ^ 0xffff_ffff) >>> 0;
}
