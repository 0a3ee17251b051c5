/**
 * Names of ckit's HTTP protocol.
 *
 * @module
 */

/** Under which both routes lie. */
export const BASE_PATH = "/api/v1/ckit/transport/";

/** Takes packets. */
export const MESSAGE_PATH = "/api/v1/ckit/transport/message";

/** Opens a connection. */
export const STREAM_PATH = "/api/v1/ckit/transport/stream";

/** Answered with 404 by every peer: a sign of life where there is no PING. */
export const PING_PATH = "/api/v1/ckit/transport/ping";

/** Compared exactly, as ckit does. */
export const CONTENT_TYPE = "application/x.ckit";

/** The first byte of a header that never ends: readers fail on it, ckit's as well. */
export const TORN_FRAME: Uint8Array = Uint8Array.of(0xcc);

/** RFC 9113 §7: "the stream is no longer needed". */
export const CANCEL = 0x8;

/** RFC 9113 §7: the stream was not looked at, so trying again is safe. */
export const REFUSED_STREAM = 0x7;
