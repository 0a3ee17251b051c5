/**
 * The bytes of Scuttlebutt, version 1.
 *
 * @module
 */
export { DecodeError } from "./decode_error.ts";
export type { DecodeErrorOptions, DecodeReason } from "./decode_error.ts";
export { decodePacket, decodeStream, encodeFrame, encodeStream } from "./codec.ts";
export { clusterTag } from "./frame.ts";
export { encodedLength } from "./lengths.ts";
