/**
 * The bytes that members of a group exchange.
 *
 * @module
 */
export { DecodeError, type DecodeReason } from "./decode_error.ts";
export { decodeEntries, EntriesEncoder } from "./entries_codec.ts";
export type { EntriesBounds } from "./entries_codec.ts";
export { type Frame, FrameAssembler, type FrameAssemblerOptions } from "./frame.ts";
export { FrameType, MAX_VERSION, MIN_VERSION } from "./frame.ts";
export { answerHello, decodeHello, decodeHelloReply, encodeHello } from "./hello.ts";
export { encodeHelloReply } from "./hello.ts";
export type { Hello, HelloRefusal, HelloReply, Lane } from "./hello.ts";
export { decodeMessage, encodeMessage } from "./messages_codec.ts";
export type { DecodeOptions, EncodeOptions, OutgoingFrame } from "./messages_codec.ts";
