/**
 * memberlist's compress message: a struct with an algorithm (0: LZW) and the compressed bytes.
 *
 * @module
 */
import { DecodeError } from "./decode_error.ts";
import { lzwDecode, lzwEncode, lzwEncodeWithin } from "./lzw.ts";
import { MessageType } from "./message_type.ts";
import { msgpackKey, MsgpackWriter } from "./msgpack_writer.ts";
import { MsgpackReader, NO_BYTES, structFields } from "./msgpack_reader.ts";

const ALGO = msgpackKey("Algo");
const BUF = msgpackKey("Buf");
const FIELDS = structFields("Algo", "Buf");
const LZW = 0;

/** What the message costs besides the compressed bytes, at least. */
const HEADER_BYTES = 13;
/** Even one byte 25 times makes 7 codes of 9 bits, with clear and end code 11 bytes; acks and nacks are shorter. */
const LEAST_COMPRESSIBLE_BYTES = 25;

/** Wraps a message in a compress message, also when that makes it longer. */
export function encodeCompressed(message: Uint8Array): Uint8Array {
  return wrap(lzwEncode(message));
}

function wrap(compressed: Uint8Array): Uint8Array {
  const writer = new MsgpackWriter(compressed.length + HEADER_BYTES + 4);
  writer.byte(MessageType.compress);
  writer.mapHeader(2);
  writer.verbatim(ALGO);
  writer.uint(LZW);
  writer.verbatim(BUF);
  writer.raw(compressed);
  return writer.finish();
}

/** The compress message when it is strictly shorter than `message`, else `message` itself: memberlist's rule for packets. */
export function compressIfShorter(message: Uint8Array): Uint8Array {
  if (message.length < LEAST_COMPRESSIBLE_BYTES) return message;
  const compressed = lzwEncodeWithin(message, message.length - HEADER_BYTES - 1);
  if (compressed === undefined) return message;
  const wrapped = wrap(compressed);
  return wrapped.length < message.length ? wrapped : message;
}

/** Options of {@link decodeCompressed}. */
export interface DecodeCompressedOptions {
  /** Bytes the message may inflate to. */
  readonly maxInflatedBytes: number;
}

/**
 * Unwraps a compress message.
 *
 * @param bytes The whole message with its type byte; what follows the struct is ignored.
 * @throws {DecodeError} When it is malformed, of another algorithm, or inflates beyond the cap.
 */
export function decodeCompressed(
  bytes: Uint8Array,
  { maxInflatedBytes }: DecodeCompressedOptions,
): Uint8Array {
  const reader = new MsgpackReader(bytes, 1);
  let algorithm = LZW;
  let compressed = NO_BYTES;
  reader.struct(FIELDS, (field) => {
    if (field === 0) algorithm = reader.uint(0xff);
    else compressed = reader.view() ?? NO_BYTES;
  });
  if (algorithm !== LZW) {
    throw new DecodeError(
      `Cannot inflate a message as its algorithm must be ${LZW}: current value is ${algorithm}`,
      { offset: 1 },
    );
  }
  return lzwDecode(compressed, { maxBytes: maxInflatedBytes });
}
