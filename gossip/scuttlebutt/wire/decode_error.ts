/** Why bytes were refused: a metric label. */
export type DecodeReason =
  /** The checksum does not match. */
  | "crc"
  /** Another wire version. */
  | "version"
  /** Another cluster. */
  | "label"
  /** A frame of another gossip protocol. */
  | "strategy"
  /** A message type that does not exist or does not belong here. */
  | "type"
  /** More or larger than allowed. */
  | "limit"
  /** Anything else. */
  | "decode";

/** Options of {@link DecodeError}. */
export interface DecodeErrorOptions {
  /** Where in the frame the fault was seen, 0-based. */
  readonly offset: number;
  /** Why. @default {"decode"} */
  readonly reason?: DecodeReason;
}

/** Bytes from a peer that are no message. Nothing changed. */
export class DecodeError extends SyntaxError {
  /** For `switch` across realms. */
  override readonly name = "DecodeError";
  /** Where in the frame, 0-based. */
  readonly offset: number;
  /** Why: a metric label. */
  readonly reason: DecodeReason;

  /** Creates the error. */
  constructor(message: string, options: DecodeErrorOptions) {
    super(message);
    this.offset = options.offset;
    this.reason = options.reason ?? "decode";
  }
}
