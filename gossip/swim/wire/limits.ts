/** How much a peer may make this node hold. Defaults follow memberlist's newest version; 0.5.3 itself has almost none. */
export interface WireLimits {
  /** Entries of a push/pull, and of a ckit local state. @default {1_048_576} */
  readonly maxNodes: number;
  /** Bytes of a push/pull's user state. @default {20_971_520} */
  readonly maxUserStateBytes: number;
  /** Bytes of a user message on a stream. @default {20_971_520} */
  readonly maxUserMessageBytes: number;
  /** Bytes that one packet or stream may inflate to, all levels together. @default {41_943_040} */
  readonly maxInflatedBytes: number;
  /** Bytes of an encrypted stream message. @default {20_971_520} */
  readonly maxEncryptedStreamBytes: number;
  /** Bytes of one packet as it arrives, and of the largest frame that carries one. @default {33_554_432} */
  readonly maxPacketBytes: number;
  /** Bytes of one stream message as it arrives, and of the largest frame on a stream. @default {67_108_864} */
  readonly maxStreamBytes: number;
  /** Messages, compounds and compressed parts in one packet, nested ones included. @default {4_096} */
  readonly maxPacketParts: number;
}

const MEBIBYTE = 1 << 20;

/** The defaults of {@link WireLimits}. */
export const defaultWireLimits: WireLimits = Object.freeze({
  maxNodes: 1_048_576,
  maxUserStateBytes: 20 * MEBIBYTE,
  maxUserMessageBytes: 20 * MEBIBYTE,
  maxInflatedBytes: 40 * MEBIBYTE,
  maxEncryptedStreamBytes: 20 * MEBIBYTE,
  maxPacketBytes: 32 * MEBIBYTE,
  maxStreamBytes: 64 * MEBIBYTE,
  maxPacketParts: 4_096,
});

/**
 * Completes limits with the defaults.
 *
 * @throws {RangeError} When a limit is no integer of at least 0.
 */
export function wireLimits(limits: Partial<WireLimits> = {}): WireLimits {
  const whole = { ...defaultWireLimits, ...limits };
  for (const [name, value] of Object.entries(whole)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(
        `Cannot limit the wire as '${name}' must be an integer of at least 0: current value is ${value}`,
      );
    }
  }
  return Object.freeze(whole);
}
