/**
 * memberlist's encryption: version + nonce (12) + ciphertext + tag (16), AES-GCM. Version 0 pads the plaintext to blocks of 16, version 1
 * does not. ckit uses none.
 *
 * @module
 */
import { gcm } from "@noble/ciphers/aes.js";
import type { Prng } from "../../strategy.ts";
import { DecodeError } from "./decode_error.ts";

/** 0: padded, for protocol version 1. 1: what current nodes send. */
export type EncryptionVersion = 0 | 1;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/** Bytes that encryption adds at most, by version. */
export const ENCRYPTION_OVERHEAD_BYTES: readonly [number, number] = Object.freeze(
  [1 + NONCE_BYTES + BLOCK_BYTES + TAG_BYTES, 1 + NONCE_BYTES + TAG_BYTES] as const,
);

/** Options of {@link encrypt}. */
export interface EncryptOptions {
  /** 16, 24 or 32 bytes. */
  readonly key: Uint8Array;
  /** Authenticated with the message but not sent. */
  readonly associatedData: Uint8Array;
  /** Draws the nonce. It must be unpredictable and never repeat under one key: a repeated nonce gives the messages away. */
  readonly random: Prng;
  /** The format. @default {1} */
  readonly version?: EncryptionVersion;
}

/** Length of `plainBytes` bytes once encrypted. */
export function encryptedLength(plainBytes: number, version: EncryptionVersion): number {
  const padding = version === 0 ? BLOCK_BYTES - plainBytes % BLOCK_BYTES : 0;
  return 1 + NONCE_BYTES + plainBytes + padding + TAG_BYTES;
}

/** Encrypts one message. */
export function encrypt(
  message: Uint8Array,
  { key, associatedData, random, version = 1 }: EncryptOptions,
): Uint8Array {
  const sealed = new Uint8Array(encryptedLength(message.length, version));
  sealed[0] = version;
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  for (let i = 0; i < NONCE_BYTES; i++) nonce[i] = Math.floor(random() * 256);
  let plaintext = message;
  if (version === 0) {
    plaintext = new Uint8Array(sealed.length - 1 - NONCE_BYTES - TAG_BYTES);
    plaintext.fill(plaintext.length - message.length, message.length);
    plaintext.set(message);
  }
  sealed.set(gcm(key, nonce, associatedData).encrypt(plaintext), 1 + NONCE_BYTES);
  return sealed;
}

/** Options of {@link decrypt}. */
export interface DecryptOptions {
  /** Tried in order. */
  readonly keys: readonly Uint8Array[];
  /** Must be what the sender authenticated. */
  readonly associatedData: Uint8Array;
}

/**
 * Decrypts one message.
 *
 * @throws {DecodeError} With reason `decrypt` when it is too short, of an unknown version, or no key fits.
 */
export function decrypt(
  bytes: Uint8Array,
  { keys, associatedData }: DecryptOptions,
): Uint8Array {
  const version = bytes[0];
  if (version !== 0 && version !== 1) {
    throw refused(`its version must be 0 or 1: current value is ${version ?? "missing"}`, 0);
  }
  if (bytes.length < ENCRYPTION_OVERHEAD_BYTES[version]) {
    throw refused(
      `it must have at least ${
        ENCRYPTION_OVERHEAD_BYTES[version]
      } bytes: current value is ${bytes.length}`,
      bytes.length,
    );
  }
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const ciphertext = bytes.subarray(1 + NONCE_BYTES);
  for (const key of keys) {
    let plaintext: Uint8Array;
    try {
      plaintext = gcm(key, nonce, associatedData).decrypt(ciphertext);
    } catch {
      continue;
    }
    return version === 0 ? unpadded(plaintext) : plaintext;
  }
  throw refused(`one of ${keys.length} keys must fit`, 1 + NONCE_BYTES);
}

function unpadded(plaintext: Uint8Array): Uint8Array {
  const padding = plaintext.at(-1) ?? 0;
  if (padding < 1 || padding > BLOCK_BYTES || padding > plaintext.length) {
    throw refused(
      `its padding must be 1 to ${BLOCK_BYTES} bytes: current value is ${padding}`,
      plaintext.length,
    );
  }
  return plaintext.subarray(0, plaintext.length - padding);
}

function refused(rule: string, offset: number): DecodeError {
  return new DecodeError(`Cannot decrypt a message as ${rule}`, { offset, reason: "decrypt" });
}
