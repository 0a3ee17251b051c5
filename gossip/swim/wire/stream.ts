import type { MessageReader } from "../../strategy.ts";
import type { StreamMessage } from "../messages.ts";
import type { CodecOptions } from "./codec_options.ts";
import { decodeCompressed, encodeCompressed } from "./compress.ts";
import { DecodeError } from "./decode_error.ts";
import { decrypt, encrypt, encryptedLength } from "./encryption.ts";
import { addLabel, labelBytes, removeLabel } from "./label.ts";
import { type WireLimits, wireLimits } from "./limits.ts";
import { MessageType } from "./message_type.ts";
import { decodeStreamMessage, encodeStreamMessage } from "./stream_messages.ts";
import { StreamReader } from "./stream_reader.ts";

const ENCRYPT_HEADER_BYTES = 5;

/** Which way a stream message goes. */
export interface StreamDirection {
  /** Whether a label header comes first: `true` for what the initiator sends, `false` for the answer. */
  readonly label: boolean;
}

/**
 * Turns one message into the bytes of a stream and back: compression, encryption, label, from the inside out.
 *
 * Holds no state besides its settings: one codec serves all streams.
 *
 * @example Usage
 * ```ts
 * import { StreamCodec } from "@ck/cluster/gossip/swim";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const codec = new StreamCodec({ label: "prod", random: () => 0.5 });
 * const bytes = codec.seal({ type: "error", error: "busy" }, { label: true });
 *
 * const reader = codec.reader({ label: true });
 * assert(!reader.push(bytes.subarray(0, 9)));
 * assert(reader.push(bytes.subarray(9)));
 * assertEquals(codec.open(reader.bytes, { label: true }), { type: "error", error: "busy" });
 * ```
 */
export class StreamCodec {
  readonly #options: CodecOptions;
  readonly #label: Uint8Array;
  readonly #limits: WireLimits;
  readonly #encrypts: boolean;
  readonly #demandsEncryption: boolean;
  readonly #compresses: boolean;

  /**
   * Creates a codec.
   *
   * @throws {RangeError} When the label is too long, or a limit is out of range.
   */
  constructor(options: CodecOptions) {
    this.#options = options;
    this.#label = labelBytes(options.label ?? "");
    this.#limits = wireLimits(options.limits);
    this.#encrypts = options.keyring !== undefined && (options.verifyOutgoing ?? true);
    this.#demandsEncryption = options.keyring !== undefined && (options.verifyIncoming ?? true);
    this.#compresses = options.compression ?? true;
  }

  /**
   * Encodes one message. Compressed even where that makes it longer, as memberlist does, unless compression is off.
   *
   * @throws {RangeError} When a number is outside its field's range.
   */
  seal(message: StreamMessage, { label }: StreamDirection): Uint8Array {
    let bytes = encodeStreamMessage(message);
    if (this.#compresses) bytes = encodeCompressed(bytes);
    const { keyring, random } = this.#options;
    if (this.#encrypts && keyring !== undefined) {
      const header = encryptHeader(encryptedLength(bytes.length, 1));
      bytes = concat(
        header,
        encrypt(bytes, {
          key: keyring.primary,
          associatedData: concat(header, this.#label),
          random,
        }),
      );
    }
    return label ? addLabel(this.#label, bytes) : bytes;
  }

  /**
   * Decodes one message; what follows it is ignored. The result shares no memory with `bytes`.
   *
   * @throws {DecodeError} With a `reason` for the refusal and, where memberlist's acceptor answers before it closes, the `answer`.
   */
  open(bytes: Uint8Array, { label }: StreamDirection): StreamMessage {
    let message = label ? removeLabel(this.#label, bytes) : bytes;
    if (message[0] === MessageType.encrypt) {
      message = this.#decrypt(message);
    } else if (this.#demandsEncryption && message.length > 0) {
      throw answered(
        new DecodeError("Cannot accept a message as it must be encrypted", {
          offset: 0,
          reason: "decrypt",
        }),
      );
    }
    if (message[0] === MessageType.compress) {
      const { maxInflatedBytes } = this.#limits;
      try {
        message = decodeCompressed(message, { maxInflatedBytes });
        if (message.length === 0) {
          throw new DecodeError("Cannot inflate a message as the result is empty", { offset: 0 });
        }
      } catch (error) {
        throw answered(error);
      }
    }
    return decodeStreamMessage(message, this.#limits);
  }

  /**
   * Creates a reader that cuts the bytes of one stream into one whole message, in linear time.
   *
   * It reports a message as whole as soon as it can tell that {@link open} will refuse it, so that the refusal has a reason; it throws
   * only for what exceeds the limits.
   */
  reader({ label }: StreamDirection): MessageReader {
    return new StreamReader({
      label: label ? this.#label : undefined,
      limits: this.#limits,
      decrypts: this.#options.keyring !== undefined,
      demandsEncryption: this.#demandsEncryption,
    });
  }

  #decrypt(message: Uint8Array): Uint8Array {
    const { keyring } = this.#options;
    try {
      if (keyring === undefined) {
        throw new DecodeError("Cannot read an encrypted message as no key is configured", {
          offset: 0,
          reason: "decrypt",
        });
      }
      const length = message.length < ENCRYPT_HEADER_BYTES
        ? Infinity
        : (message[1]! << 24 | message[2]! << 16 | message[3]! << 8 | message[4]!) >>> 0;
      if (length > message.length - ENCRYPT_HEADER_BYTES) {
        throw new DecodeError("Cannot decrypt a message as it ends too early", {
          offset: message.length,
        });
      }
      if (length > this.#limits.maxEncryptedStreamBytes) {
        throw new DecodeError(
          `Cannot decrypt a message as it must have at most ${this.#limits.maxEncryptedStreamBytes} bytes: current value is ${length}`,
          { offset: 1, reason: "limit" },
        );
      }
      return decrypt(message.subarray(ENCRYPT_HEADER_BYTES, ENCRYPT_HEADER_BYTES + length), {
        keys: keyring.keys,
        associatedData: concat(message.subarray(0, ENCRYPT_HEADER_BYTES), this.#label),
      });
    } catch (error) {
      throw answered(error);
    }
  }
}

function encryptHeader(length: number): Uint8Array {
  return Uint8Array.of(
    MessageType.encrypt,
    length >>> 24,
    length >>> 16,
    length >>> 8,
    length,
  );
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The same error with its message as the answer: memberlist's acceptor tells the peer what went wrong up to decompression. */
function answered(error: unknown): unknown {
  if (!(error instanceof DecodeError)) return error;
  const { message, offset, reason } = error;
  return new DecodeError(message, { offset, reason, answer: message, cause: error });
}
