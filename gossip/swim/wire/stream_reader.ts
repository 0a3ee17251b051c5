import type { MessageReader } from "../../strategy.ts";
import { DecodeError } from "./decode_error.ts";
import type { WireLimits } from "./limits.ts";
import { MessageType } from "./message_type.ts";
import { NO_BYTES } from "./msgpack_reader.ts";
import { readPushPullHeader } from "./push_pull.ts";
import { readUserHeader } from "./stream_messages.ts";
import { ValueScanner } from "./value_scanner.ts";

const FIRST_CAPACITY_BYTES = 1024;
const ENCRYPT_HEADER_BYTES = 5;

/** Options of {@link StreamReader}. */
export interface StreamReaderOptions {
  /** The label header expected; empty: none may come. `undefined`: this direction has no label step. */
  readonly label: Uint8Array | undefined;
  /** What the peer may make this node hold. */
  readonly limits: WireLimits;
  /** Whether there are keys. */
  readonly decrypts: boolean;
  /** Whether anything unencrypted will be refused. */
  readonly demandsEncryption: boolean;
}

type Stage =
  /** Before the label header, if any. */
  | "label"
  /** Before the type byte. */
  | "type"
  /** Before the length of an encrypted message. */
  | "encrypted"
  /** In the one struct that is the whole message. */
  | "struct"
  /** In the header struct of a push/pull or user message. */
  | "header"
  /** In the node structs of a push/pull. */
  | "nodes"
  /** In bytes whose number is known. */
  | "tail"
  /** The message is whole, or will be refused as it is. */
  | "done";

/**
 * Finds the end of one stream message while its bytes arrive. Every byte is looked at once, however the stream is cut; memory stays
 * within twice what arrived.
 */
export class StreamReader implements MessageReader {
  readonly #options: StreamReaderOptions;
  readonly #scanner = new ValueScanner();
  #buffer = new Uint8Array(0);
  #length = 0;
  #stage: Stage;
  /** Everything before it was understood. */
  #at = 0;
  #typeAt = 0;
  #nodesLeft = 0;
  /** Bytes of the last stage. */
  #tailBytes = 0;

  /** Creates a reader for one stream. */
  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#stage = options.label === undefined ? "type" : "label";
  }

  /** The bytes of the message, label header included. Valid once {@link push} returned `true`. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  /**
   * Takes the next bytes.
   *
   * @returns `true` once the message is whole, or is sure to be refused as it is.
   * @throws {RangeError} When it exceeds a limit; discard the reader.
   */
  push(chunk: Uint8Array): boolean {
    if (this.#stage === "done") return true;
    this.#append(chunk);
    try {
      while (this.#advance());
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      if (error.reason === "limit") throw tooLarge(error.message, error);
      this.#refuse();
    }
    if (this.#isDone()) return true;
    const { maxStreamBytes } = this.#options.limits;
    const { missingBytes } = this.#scanner;
    if (this.#length > maxStreamBytes || missingBytes > maxStreamBytes - this.#at) {
      throw tooLarge(
        `Cannot read a stream as a message must have at most ${maxStreamBytes} bytes`,
      );
    }
    return false;
  }

  /** Whether the message is whole. A method, as the stage changes behind the type checker's back. */
  #isDone(): boolean {
    return this.#stage === "done";
  }

  /** One step; `false` when more bytes are needed, or none. */
  #advance(): boolean {
    switch (this.#stage) {
      case "label":
        return this.#readLabel();
      case "type":
        return this.#readType();
      case "encrypted":
        return this.#readEncryptedLength();
      case "struct":
        return this.#scan() && this.#finish();
      case "header":
        return this.#readHeader();
      case "nodes":
        if (this.#nodesLeft === 0) {
          this.#stage = "tail";
          return true;
        }
        if (!this.#scan()) return false;
        this.#nodesLeft -= 1;
        this.#scanner.reset();
        return true;
      case "tail":
        if (this.#length - this.#at < this.#tailBytes) return false;
        this.#at += this.#tailBytes;
        return this.#finish();
      case "done":
        return false;
    }
  }

  #readLabel(): boolean {
    const { label = NO_BYTES } = this.#options;
    const bytes = this.#buffer.subarray(this.#at, this.#length);
    if (bytes.length === 0) return false;
    if (bytes[0] === MessageType.label) {
      if (bytes.length < 2) return false;
      // Any other length is already wrong: nothing more need arrive.
      if (bytes[1] !== label.length || label.length === 0) return this.#refuse();
      if (bytes.length < 2 + label.length) return false;
      if (label.some((byte, i) => byte !== bytes[2 + i])) return this.#refuse();
      this.#at = 2 + label.length;
    } else if (label.length > 0) {
      return this.#refuse();
    }
    this.#stage = "type";
    return true;
  }

  #readType(): boolean {
    if (this.#at === this.#length) return false;
    this.#typeAt = this.#at;
    const type = this.#buffer[this.#at]!;
    if (type === MessageType.encrypt) {
      if (!this.#options.decrypts) return this.#refuse();
      this.#stage = "encrypted";
      return true;
    }
    if (this.#options.demandsEncryption) return this.#refuse();
    this.#at += 1;
    switch (type) {
      case MessageType.pushPull:
      case MessageType.user:
        this.#stage = "header";
        return true;
      case MessageType.compress:
      case MessageType.ping:
      case MessageType.ack:
      case MessageType.error:
        this.#stage = "struct";
        return true;
      default:
        return this.#refuse();
    }
  }

  #readEncryptedLength(): boolean {
    const bytes = this.#buffer.subarray(this.#at, this.#length);
    if (bytes.length < ENCRYPT_HEADER_BYTES) return false;
    const length = (bytes[1]! << 24 | bytes[2]! << 16 | bytes[3]! << 8 | bytes[4]!) >>> 0;
    const { maxEncryptedStreamBytes } = this.#options.limits;
    if (length > maxEncryptedStreamBytes) {
      throw tooLarge(
        `Cannot read a stream as an encrypted message must have at most ${maxEncryptedStreamBytes} bytes: current value is ${length}`,
      );
    }
    this.#tailBytes = ENCRYPT_HEADER_BYTES + length;
    this.#stage = "tail";
    return true;
  }

  #readHeader(): boolean {
    if (!this.#scan()) return false;
    const { limits } = this.#options;
    const message = this.#buffer.subarray(0, this.#at);
    const offset = this.#typeAt + 1;
    if (message[this.#typeAt] === MessageType.user) {
      this.#tailBytes = readUserHeader(message, { offset, limits }).payloadBytes;
      this.#stage = "tail";
    } else {
      const header = readPushPullHeader(message, { offset, limits });
      this.#nodesLeft = header.nodes;
      this.#tailBytes = header.userStateBytes;
      this.#stage = "nodes";
    }
    this.#scanner.reset();
    return true;
  }

  /** Moves over the value under way; whether it is complete. */
  #scan(): boolean {
    this.#at = this.#scanner.scan(this.#buffer, this.#at, this.#length);
    return this.#scanner.done;
  }

  #finish(): boolean {
    this.#stage = "done";
    return false;
  }

  /** Ends with all that arrived: enough to tell why it is refused. */
  #refuse(): boolean {
    this.#at = this.#length;
    return this.#finish();
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.max(length, this.#buffer.length * 2, FIRST_CAPACITY_BYTES),
      );
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }
}

function tooLarge(message: string, cause?: Error): RangeError {
  return new RangeError(message, { cause });
}
