/**
 * memberlist's and ckit's bytes: pure codecs for packets and streams.
 *
 * @module
 */
export {
  decodeLocalState,
  decodeStateMessage,
  encodeLocalState,
  encodeStateMessage,
} from "./ckit.ts";
export type { CodecOptions } from "./codec_options.ts";
export { COMPOUND_HEADER_BYTES, COMPOUND_PART_OVERHEAD_BYTES } from "./compound.ts";
export { DecodeError, type DecodeErrorOptions, type DecodeReason } from "./decode_error.ts";
export { Keyring } from "./keyring.ts";
export { defaultWireLimits, type WireLimits } from "./limits.ts";
export { decodeMessage, encodeMessage } from "./messages_codec.ts";
export {
  DEFAULT_MAX_PACKET_BYTES,
  type OpenedPacket,
  PacketCodec,
  type PacketCodecOptions,
  type SealOptions,
} from "./packet.ts";
export { StreamCodec, type StreamDirection } from "./stream.ts";
