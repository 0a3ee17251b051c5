/** Why bytes were refused: a metric label. */
export type DecodeReason =
  /** The label header is malformed, or names another cluster. */
  | "label"
  /** Encrypted without a key that fits, or plain where encryption is demanded. */
  | "decrypt"
  /** The checksum does not match. */
  | "crc"
  /** A message type that does not exist or does not belong here. */
  | "type"
  /** Larger, deeper or more than the own limits allow. */
  | "limit"
  /** Anything else: truncated, not msgpack, a value outside its field's range. */
  | "decode";

/** Options of {@link DecodeError}. */
export interface DecodeErrorOptions extends ErrorOptions {
  /** Where in the bytes being decoded the fault was seen, 0-based. For compressed or encrypted content: within that content. */
  readonly offset: number;
  /** Why. @default {"decode"} */
  readonly reason?: DecodeReason;
  /** What the acceptor of a stream tells the peer before it closes; without it the stream is closed in silence. */
  readonly answer?: string | undefined;
}

/** Bytes from a peer that are no message. Nothing changed; what was decoded so far is lost. */
export class DecodeError extends SyntaxError {
  /** For `switch` across realms. */
  override readonly name = "DecodeError";
  /** Where in the decoded bytes, 0-based. */
  readonly offset: number;
  /** Why: a metric label. */
  readonly reason: DecodeReason;
  /** Text of the error message that memberlist's acceptor would send; `undefined`: close in silence. */
  readonly answer: string | undefined;

  /** Creates the error. */
  constructor(message: string, options: DecodeErrorOptions) {
    super(message, options);
    this.offset = options.offset;
    this.reason = options.reason ?? "decode";
    this.answer = options.answer;
  }
}
