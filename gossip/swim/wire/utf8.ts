/**
 * Text as UTF-8 without loss. Go strings are any bytes: what is not UTF-8 becomes lone surrogates U+DC80…U+DCFF, one a byte (as in
 * PEP 383), and is written back as it was. So a name that a peer made up survives being gossiped on unchanged.
 *
 * @module
 */

// Neither keeps state between calls: no streaming is used.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

const ESCAPED = /[\uDC80-\uDCFF]/u;
const SHORT_CHARS = 48;

/** Decodes `bytes[start, end)`. Every byte sequence decodes, and different ones to different texts. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  // Names are short and ASCII: a loop beats the native decoder's call there.
  if (end - start <= SHORT_CHARS) {
    let text = "";
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte > 0x7f) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  const part = bytes.subarray(start, end);
  try {
    return strict.decode(part);
  } catch {
    return decodeEscaped(part);
  }
}

/** Encodes text; the inverse of {@link decodeUtf8}. Other lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  if (!ESCAPED.test(text)) return encoder.encode(text);
  const parts: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) parts.push(code - 0xdc00);
    else for (const byte of encoder.encode(char)) parts.push(byte);
  }
  return Uint8Array.from(parts);
}

function decodeEscaped(bytes: Uint8Array): string {
  const pieces: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      pieces.push(String.fromCharCode(0xdc00 + bytes[at]!));
      at += 1;
    } else {
      let end = at + length;
      for (let next; end < bytes.length && (next = sequenceLength(bytes, end)) > 0;) end += next;
      pieces.push(strict.decode(bytes.subarray(at, end)));
      at = end;
    }
  }
  return pieces.join("");
}

/** Length of the well-formed sequence at `at` (Unicode table 3-7); 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead <= 0x7f) return 1;
  const second = bytes[at + 1] ?? 0;
  if (lead >= 0xc2 && lead <= 0xdf) return isTrail(second) ? 2 : 0;
  const third = bytes[at + 2] ?? 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && isTrail(third) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && isTrail(third) && isTrail(bytes[at + 3] ?? 0) ? 4 : 0;
  }
  return 0;
}

function isTrail(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}
