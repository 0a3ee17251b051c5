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

/**
 * Asks for {@link EMPTY_FRAME} as an answer to all that arrives on a connection; ours alone, ckit does not know it.
 *
 * Deno's `fetch` leaves Nagle's algorithm on (RFC 896): a small write waits until the kernel at the other end acknowledges the one before. With
 * nothing to send of its own it does so up to 40 ms late (RFC 1122 §4.2.3.2); with an answer, at once.
 */
export const ANSWER_HEADER = "x-ck-answer";

/** No payload: readers skip it, ckit's as well. */
export const EMPTY_FRAME: Uint8Array = Uint8Array.of(0xcc, 0, 0);

/** The first byte of a header that never ends: readers fail on it, ckit's as well. */
export const TORN_FRAME: Uint8Array = Uint8Array.of(0xcc);

/** RFC 9113 §7: "the stream is no longer needed". */
export const CANCEL = 0x8;

/** RFC 9113 §7: the stream was not looked at, so trying again is safe. */
export const REFUSED_STREAM = 0x7;
