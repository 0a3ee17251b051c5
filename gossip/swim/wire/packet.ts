import type { Refusal } from "../../strategy.ts";
import type { PacketMessage, User } from "../messages.ts";
import type { CodecOptions } from "./codec_options.ts";
import {
  COMPOUND_HEADER_BYTES,
  COMPOUND_PART_OVERHEAD_BYTES,
  decodeCompound,
  encodeCompound,
  MAX_COMPOUND_PART_BYTES,
  MAX_COMPOUND_PARTS,
} from "./compound.ts";
import { compressIfShorter, decodeCompressed } from "./compress.ts";
import { crc32 } from "./crc32.ts";
import { DecodeError } from "./decode_error.ts";
import { decrypt, encrypt, ENCRYPTION_OVERHEAD_BYTES } from "./encryption.ts";
import { addLabel, labelBytes, labelHeaderBytes, removeLabel } from "./label.ts";
import { type WireLimits, wireLimits } from "./limits.ts";
import { MessageType } from "./message_type.ts";
import { NO_BYTES } from "./msgpack_reader.ts";
import { decodeMessage, encodeMessage, encodeMessageBehind } from "./messages_codec.ts";

/** ckit's packet buffer, 10 MiB. */
export const DEFAULT_MAX_PACKET_BYTES = 10_485_760;

const CRC_BYTES = 5;

/** Options of {@link PacketCodec}. */
export interface PacketCodecOptions extends CodecOptions {
  /** Bytes of one packet sent, before compression, at least 64. Several messages are split to stay below; a single larger one goes alone. @default {10_485_760} */
  readonly maxPacketBytes?: number;
}

/** Options of {@link PacketCodec.seal}. */
export interface SealOptions {
  /** Whether to add a checksum. memberlist does when it knows that the receiver understands it. */
  readonly crc: boolean;
}

/** What a packet held. */
export interface OpenedPacket {
  /** The messages, in order, sharing no memory with the packet. */
  readonly messages: readonly PacketMessage[];
  /** The parts that were refused. */
  readonly refusals: readonly Refusal[];
}

/**
 * Packs messages into packets and takes packets apart: compound, compression, checksum, encryption, label, from the inside out.
 *
 * Holds no state besides its settings: one codec serves all peers.
 *
 * @example Usage
 * ```ts
 * import { encodeMessage, PacketCodec } from "@ck/cluster/gossip/swim";
 * import { assertEquals } from "@std/assert";
 *
 * const codec = new PacketCodec({ label: "prod", random: () => 0.5 });
 * const nack = encodeMessage({ type: "nack", seqNo: 7 });
 * const [packet] = codec.seal([nack, nack], { crc: true });
 *
 * assertEquals(codec.open(packet!), {
 *   messages: [{ type: "nack", seqNo: 7 }, { type: "nack", seqNo: 7 }],
 *   refusals: [],
 * });
 * ```
 */
export class PacketCodec {
  /** What label and encryption cost a packet, bytes: for size budgets. A part costs 2 more in a compound, the compound 2, a checksum 5. */
  readonly overheadBytes: number;
  readonly #options: PacketCodecOptions;
  readonly #label: Uint8Array;
  /** The label's. */
  readonly #header: Uint8Array;
  readonly #limits: WireLimits;
  readonly #encrypts: boolean;
  readonly #compresses: boolean;
  readonly #maxPacketBytes: number;

  /**
   * Creates a codec.
   *
   * @throws {RangeError} When the label is too long, or a limit or the packet size is out of range.
   */
  constructor(options: PacketCodecOptions) {
    const { maxPacketBytes = DEFAULT_MAX_PACKET_BYTES } = options;
    if (!Number.isSafeInteger(maxPacketBytes) || maxPacketBytes < 64) {
      throw new RangeError(
        `Cannot create a packet codec as 'maxPacketBytes' must be an integer of at least 64: current value is ${maxPacketBytes}`,
      );
    }
    this.#options = options;
    this.#label = labelBytes(options.label ?? "");
    this.#limits = wireLimits(options.limits);
    this.#encrypts = options.keyring !== undefined && (options.verifyOutgoing ?? true);
    this.#compresses = options.compression ?? true;
    this.#maxPacketBytes = maxPacketBytes;
    this.#header = addLabel(this.#label, NO_BYTES);
    this.overheadBytes = labelHeaderBytes(this.#label) +
      (this.#encrypts ? ENCRYPTION_OVERHEAD_BYTES[1] : 0);
  }

  /**
   * Packs encoded messages into as few packets as their order allows.
   *
   * One message goes bare. Several become compounds of at most 255 parts within the packet size; those above 65535 bytes go alone,
   * after the others. Compresses only where that makes a packet strictly shorter.
   *
   * @param parts Encoded messages, type byte first. The first of them is in the first packet unless it is above 65535 bytes.
   * @returns The packets, none for no parts.
   */
  seal(parts: readonly Uint8Array[], { crc }: SealOptions): readonly Uint8Array[] {
    if (parts.length === 1) return [this.#wrap(parts[0]!, crc)];
    const packets: Uint8Array[] = [];
    const alone: Uint8Array[] = [];
    const budget = this.#maxPacketBytes - this.overheadBytes - (crc ? CRC_BYTES : 0);
    let group: Uint8Array[] = [];
    let size = COMPOUND_HEADER_BYTES;
    const flush = (): void => {
      if (group.length === 0) return;
      packets.push(this.#wrap(group.length === 1 ? group[0]! : encodeCompound(group), crc));
      group = [];
      size = COMPOUND_HEADER_BYTES;
    };
    for (const part of parts) {
      if (part.length > MAX_COMPOUND_PART_BYTES) {
        alone.push(part);
        continue;
      }
      const partBytes = COMPOUND_PART_OVERHEAD_BYTES + part.length;
      if (group.length === MAX_COMPOUND_PARTS || size + partBytes > budget) flush();
      group.push(part);
      size += partBytes;
    }
    flush();
    for (const part of alone) packets.push(this.#wrap(part, crc));
    return packets;
  }

  /**
   * Packs one message, which is not yet encoded, without a checksum: as {@link PacketCodec.seal} does, in one step where there is
   * nothing to compress and nothing to encrypt.
   */
  sealMessage(message: Exclude<PacketMessage, User>): Uint8Array {
    if (this.#compresses || this.#encrypts) return this.#wrap(encodeMessage(message), false);
    return encodeMessageBehind(this.#header, message);
  }

  /** Takes a packet apart. Never throws: what cannot be read is refused, and the rest counts. */
  open(packet: Uint8Array): OpenedPacket {
    const opening: Opening = {
      messages: [],
      refusals: undefined,
      parts: 0,
      inflatableBytes: this.#limits.maxInflatedBytes,
    };
    try {
      this.#dispatch(this.#unwrap(packet), opening);
    } catch (error) {
      refuse(opening, refusal(error));
    }
    return Object.freeze({
      messages: Object.freeze(opening.messages),
      refusals: opening.refusals === undefined ? NONE : Object.freeze(opening.refusals),
    });
  }

  #wrap(message: Uint8Array, crc: boolean): Uint8Array {
    if (!this.#compresses && !this.#encrypts) return this.#bare(message, crc);
    let packet = this.#compresses ? compressIfShorter(message) : message;
    if (crc) packet = addCrc(packet);
    const { keyring, random } = this.#options;
    if (this.#encrypts && keyring !== undefined) {
      packet = encrypt(packet, { key: keyring.primary, associatedData: this.#label, random });
    }
    return addLabel(this.#label, packet);
  }

  // What the layers would make of it one after the other, in one array.
  #bare(message: Uint8Array, crc: boolean): Uint8Array {
    const label = this.#label;
    const start = labelHeaderBytes(label);
    if (start === 0 && !crc) return message;
    const packet = new Uint8Array(start + (crc ? CRC_BYTES : 0) + message.length);
    if (start > 0) {
      packet[0] = MessageType.label;
      packet[1] = label.length;
      for (let i = 0; i < label.length; i++) packet[2 + i] = label[i]!;
    }
    if (crc) writeCrc(packet, start, crc32(message));
    packet.set(message, packet.length - message.length);
    return packet;
  }

  #unwrap(packet: Uint8Array): Uint8Array {
    if (packet.length > this.#limits.maxPacketBytes) {
      throw new DecodeError(
        `Cannot open a packet as it must have at most ${this.#limits.maxPacketBytes} bytes: current value is ${packet.length}`,
        { offset: 0, reason: "limit" },
      );
    }
    let message = removeLabel(this.#label, packet);
    const { keyring, verifyIncoming = true } = this.#options;
    if (keyring !== undefined) {
      try {
        message = decrypt(message, { keys: keyring.keys, associatedData: this.#label });
      } catch (error) {
        if (verifyIncoming) throw error;
      }
    }
    return removeCrc(message);
  }

  /** Works through nested compounds and compressed parts, in order, with a list instead of recursion. */
  #dispatch(message: Uint8Array, opening: Opening): void {
    const pending = [message];
    for (let part; (part = pending.pop()) !== undefined;) {
      if (opening.parts === this.#limits.maxPacketParts) {
        throw new DecodeError(
          `Cannot open a packet as it must have at most ${this.#limits.maxPacketParts} parts`,
          { offset: 0, reason: "limit" },
        );
      }
      opening.parts += 1;
      try {
        if (part[0] === MessageType.compound) {
          const { parts, truncated } = decodeCompound(part);
          if (truncated > 0) {
            refuse(
              opening,
              Object.freeze({
                reason: "decode",
                detail: `Cannot read a compound as ${truncated} of its parts are truncated`,
              }),
            );
          }
          for (let i = parts.length - 1; i >= 0; i--) pending.push(parts[i]!);
        } else if (part[0] === MessageType.compress) {
          // A part that fails has cost as much work as one that succeeds: it uses up the whole allowance.
          const maxInflatedBytes = opening.inflatableBytes;
          opening.inflatableBytes = 0;
          const inflated = decodeCompressed(part, { maxInflatedBytes });
          opening.inflatableBytes = maxInflatedBytes - inflated.length;
          pending.push(inflated);
        } else {
          opening.messages.push(decodeMessage(part));
        }
      } catch (error) {
        refuse(opening, refusal(error));
      }
    }
  }
}

/** A packet being taken apart. */
interface Opening {
  readonly messages: PacketMessage[];
  refusals: Refusal[] | undefined;
  parts: number;
  inflatableBytes: number;
}

const NONE: readonly Refusal[] = Object.freeze([]);

function refuse(opening: Opening, why: Refusal): void {
  (opening.refusals ??= []).push(why);
}

function addCrc(message: Uint8Array): Uint8Array {
  const packet = new Uint8Array(CRC_BYTES + message.length);
  writeCrc(packet, 0, crc32(message));
  packet.set(message, CRC_BYTES);
  return packet;
}

function writeCrc(packet: Uint8Array, at: number, checksum: number): void {
  packet[at] = MessageType.crc;
  for (let i = 1; i < CRC_BYTES; i++) packet[at + i] = checksum >>> 32 - 8 * i;
}

function removeCrc(packet: Uint8Array): Uint8Array {
  // Shorter than its header it is no checksum but a message of an unsupported type.
  if (packet[0] !== MessageType.crc || packet.length < CRC_BYTES) return packet;
  const expected = (packet[1]! << 24 | packet[2]! << 16 | packet[3]! << 8 | packet[4]!) >>> 0;
  const actual = crc32(packet, CRC_BYTES);
  if (actual !== expected) {
    throw new DecodeError(
      `Cannot open a packet as its checksum must be ${expected}: current value is ${actual}`,
      { offset: 1, reason: "crc" },
    );
  }
  return packet.subarray(CRC_BYTES);
}

function refusal(error: unknown): Refusal {
  if (!(error instanceof DecodeError)) throw error;
  return Object.freeze({ reason: error.reason, detail: error.message });
}
