/** Why bytes were refused: a metric label. */
export type DecodeReason =
  /** A checksum does not match. */
  | "crc"
  /** Another wire version. */
  | "version"
  /** A frame type that does not exist or does not belong here. */
  | "type"
  /** More or larger than allowed. */
  | "limit"
  /** Anything else. */
  | "decode";

/** Bytes from a peer that are no message. Nothing changed; the stream that they came on cannot be read any further. */
export class DecodeError extends SyntaxError {
  /** For `switch` across realms. */
  override readonly name = "DecodeError";
  /** Where in the frame the fault was seen, 0-based. */
  readonly offset: number;
  /** Why: a metric label. */
  readonly reason: DecodeReason;

  /** Creates the error. */
  constructor(what: string, offset: number, reason: DecodeReason = "decode") {
    super(`Cannot decode a frame as ${what}`);
    this.offset = offset;
    this.reason = reason;
  }
}
