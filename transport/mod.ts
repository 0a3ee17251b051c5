/**
 * Transports: the interface, HTTP/2, memory, and a decorator that loses and delays.
 *
 * @module
 */
export { certificateFiles, type CertificateFilesOptions } from "./certificate_files.ts";
export { faulty, type FaultyOptions } from "./faulty.ts";
export { encodeFrame, FrameReader, type FrameReaderOptions } from "./frame.ts";
export { type Hono, http2, type Http2Transport } from "./http2.ts";
export type { ClientTlsOptions, Http2Options, TlsCredentials } from "./http2.ts";
export { listen, type Listener, type ListenOptions, type ServerTlsOptions } from "./listen.ts";
export { memoryNetwork } from "./memory.ts";
export type { MemoryNetwork, MemoryTransportOptions } from "./memory.ts";
export { type SharedTransport, shareTransport } from "./shared.ts";
export { ConnResetError, UnreachableError } from "./transport.ts";
export type {
  Conn,
  DialOptions,
  SendOptions,
  Transport,
  TransportHandlers,
  TransportStats,
} from "./transport.ts";
