/** One hundred years: no generation further ahead of what is known is believed, so that one bad clock cannot outrun a name for good. */
export const MAX_GENERATION_JUMP = 100 * 365.25 * 24 * 3600 * 1000;

const TAG_BYTES = 11;

/**
 * A life's generation as memberlist metadata: `ck`, version 1, the number as 8 bytes big-endian. Nodes that do not know it store it
 * and gossip it on as it is.
 */
export function generationTag(generation: number): Uint8Array {
  const tag = new Uint8Array(TAG_BYTES);
  tag[0] = 0x63;
  tag[1] = 0x6b;
  tag[2] = 1;
  const high = Math.floor(generation / 2 ** 32);
  const low = generation % 2 ** 32;
  for (let i = 0; i < 4; i++) {
    tag[3 + i] = high >>> 24 - 8 * i;
    tag[7 + i] = low >>> 24 - 8 * i;
  }
  return tag;
}

/** The generation in a node's metadata; `undefined` when there is none, or none that a double holds exactly. */
export function generationOf(meta: Uint8Array | undefined): number | undefined {
  if (meta?.length !== TAG_BYTES || meta[0] !== 0x63 || meta[1] !== 0x6b || meta[2] !== 1) {
    return undefined;
  }
  let value = 0;
  for (let i = 3; i < TAG_BYTES; i++) value = value * 256 + meta[i]!;
  // Below the largest safe integer: the owner must still be able to raise its own above it.
  return value < Number.MAX_SAFE_INTEGER ? value : undefined;
}
