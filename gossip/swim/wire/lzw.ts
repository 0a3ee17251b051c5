/**
 * LZW in the GIF flavour: codes from the least significant bit on, literals of 8 bits, codes of 9 to 12 bits, widened late.
 *
 * @module
 */
import { DecodeError } from "./decode_error.ts";

const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const FIRST_WIDTH = 9;
const MAX_WIDTH = 12;
const MAX_CODE = 4095;

/** Twice the codes a dictionary can hold: chains stay short. */
const MAX_SLOTS = 8192;

/**
 * Compresses. Byte for byte what Go's `compress/lzw` writes.
 *
 * O(n) time. The table grows with the input, up to 32 KiB, so small messages stay cheap.
 */
export function lzwEncode(input: Uint8Array): Uint8Array {
  return lzwEncodeWithin(input, Infinity)!;
}

/** Compresses to at most `maxBytes`; gives up, `undefined`, as soon as more are needed. */
export function lzwEncodeWithin(input: Uint8Array, maxBytes: number): Uint8Array | undefined {
  // 12 bits a byte at most, the first and last codes, and what one round below may add beyond `maxBytes`.
  const output = new Uint8Array(Math.min(maxBytes, input.length * 1.5) + 16);
  let length = 1;
  // The clear code of 9 bits: 256, a zero byte and a one bit.
  let bits = 1;
  let bitCount = 1;
  let width = FIRST_WIDTH;
  let high = END;
  let limit = 1 << FIRST_WIDTH;
  // Open addressing: slot → (prefix code, byte, code) in 12 + 8 + 12 bits; 0 is free, as no entry has code 0.
  let slots = 64;
  while (slots < MAX_SLOTS && slots < input.length * 2) slots *= 2;
  const mask = slots - 1;
  const table = new Uint32Array(slots);
  let current = input[0] ?? 0;

  for (let i = 1; i <= input.length; i++) {
    const atEnd = i === input.length;
    const byte = atEnd ? 0 : input[i]!;
    const key = current << 8 | byte;
    let slot = Math.imul(key, 0x9e3779b1) >>> 15 & mask;
    if (!atEnd) {
      let entry = table[slot]!;
      while (entry !== 0 && entry >>> 12 !== key) {
        slot = slot + 1 & mask;
        entry = table[slot]!;
      }
      if (entry !== 0) {
        current = entry & MAX_CODE;
        continue;
      }
    }
    bits |= current << bitCount;
    bitCount += width;
    current = byte;
    high += 1;
    if (high === limit) {
      width += 1;
      limit *= 2;
    }
    if (high === MAX_CODE) {
      // The entry that would come now is never made: the decoder has no room for it either.
      while (bitCount >= 8) {
        output[length++] = bits;
        bits >>>= 8;
        bitCount -= 8;
      }
      bits |= CLEAR << bitCount;
      bitCount += MAX_WIDTH;
      table.fill(0);
      width = FIRST_WIDTH;
      high = END;
      limit = 1 << FIRST_WIDTH;
    } else if (!atEnd) {
      table[slot] = (key << 12 | high) >>> 0;
    }
    while (bitCount >= 8) {
      output[length++] = bits;
      bits >>>= 8;
      bitCount -= 8;
    }
    if (length > maxBytes) return undefined;
  }
  bits |= END << bitCount;
  bitCount += width;
  for (; bitCount > 0; bitCount -= 8) {
    output[length++] = bits;
    bits >>>= 8;
  }
  return length > maxBytes ? undefined : output.slice(0, length);
}

/** Options of {@link lzwDecode}. */
export interface LzwDecodeOptions {
  /** Bytes the result may have, at most. Memory never exceeds twice that, and the result may keep as much alive. */
  readonly maxBytes: number;
}

/**
 * Decompresses up to the end code; what follows is ignored.
 *
 * @throws {DecodeError} When the input is cut short, has an impossible code, or inflates to more than the cap (reason `limit`).
 */
export function lzwDecode(input: Uint8Array, { maxBytes }: LzwDecodeOptions): Uint8Array {
  // An entry's expansion is what the code before it expanded to and one byte more: a stretch of the output itself.
  // A short input never gets to the high codes.
  const codes = Math.min(MAX_CODE + 1, FIRST_FREE + Math.ceil(input.length * 8 / FIRST_WIDTH));
  const starts = new Uint32Array(codes);
  const lengths = new Uint16Array(codes);
  let output = new Uint8Array(Math.min(maxBytes, Math.max(64, input.length * 4)));
  let filled = 0;
  let width = FIRST_WIDTH;
  let high = END;
  let limit = 1 << FIRST_WIDTH;
  let lastStart = -1;
  let lastLength = 0;
  let bits = 0;
  let bitCount = 0;
  let at = 0;

  while (true) {
    while (bitCount < width) {
      if (at === input.length) {
        throw new DecodeError("Cannot inflate a message as it ends too early", { offset: at });
      }
      bits |= input[at++]! << bitCount;
      bitCount += 8;
    }
    const code = bits & (1 << width) - 1;
    bits >>>= width;
    bitCount -= width;

    if (code === END) return output.subarray(0, filled);
    if (code === CLEAR) {
      width = FIRST_WIDTH;
      high = END;
      limit = 1 << FIRST_WIDTH;
      lastStart = -1;
      continue;
    }
    if (code > high) {
      throw new DecodeError(
        `Cannot inflate a message as a code must be at most ${high}: current value is ${code}`,
        { offset: at },
      );
    }
    // The newest code may be used before it is stored: its bytes overlap what is being written.
    if (lastStart >= 0) {
      starts[high] = lastStart;
      lengths[high] = lastLength + 1;
    }
    const length = code < CLEAR ? 1 : lengths[code]!;
    const needed = filled + length;
    if (needed > output.length) {
      if (needed > maxBytes) {
        throw new DecodeError(
          `Cannot inflate a message as it must have at most ${maxBytes} bytes`,
          { offset: at, reason: "limit" },
        );
      }
      const grown = new Uint8Array(Math.min(maxBytes, Math.max(needed, output.length * 2)));
      grown.set(output.subarray(0, filled));
      output = grown;
    }
    if (code < CLEAR) {
      output[filled] = code;
    } else {
      const from = starts[code]!;
      for (let i = 0; i < length; i++) output[filled + i] = output[from + i]!;
    }
    lastStart = filled;
    lastLength = length;
    filled = needed;
    high += 1;
    if (high >= limit) {
      if (width === MAX_WIDTH) {
        // Full: nothing is learned until the next clear code.
        lastStart = -1;
        high -= 1;
      } else {
        width += 1;
        limit = 1 << width;
      }
    }
  }
}
