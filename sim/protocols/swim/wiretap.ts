import type { PacketMessage, StreamMessage } from "../../../gossip/swim/messages.ts";
import {
  COMPOUND_HEADER_BYTES,
  COMPOUND_PART_OVERHEAD_BYTES,
} from "../../../gossip/swim/wire/compound.ts";
import { DecodeError } from "../../../gossip/swim/wire/decode_error.ts";
import { labelBytes, labelHeaderBytes } from "../../../gossip/swim/wire/label.ts";
import { MessageType } from "../../../gossip/swim/wire/message_type.ts";
import { PacketCodec } from "../../../gossip/swim/wire/packet.ts";
import { StreamCodec } from "../../../gossip/swim/wire/stream.ts";
import type { Message, Packet } from "../../observation.ts";
import { HeardBefore } from "./heard.ts";

/** What a checksum costs: its type byte and four more. */
const CRC_BYTES = 5;

interface Codecs {
  /** Bytes of the label's header. */
  readonly headerBytes: number;
  readonly packets: PacketCodec;
  readonly streams: StreamCodec;
}

/**
 * Reads along what SWIM nodes say, with codecs of its own. What all watchers ask for one after the other, as it is said, is decoded
 * once.
 */
export class Wiretap {
  readonly #codecs = new Map<string, Codecs>();
  readonly #heard = new HeardBefore();
  #packetBytes: Uint8Array | undefined;
  #packetMessages: readonly PacketMessage[] = [];
  #streamBytes: Uint8Array | undefined;
  #streamMessage: StreamMessage | undefined;

  /** The messages of a packet, as its sender means them. */
  packet({ from, bytes }: Packet): readonly PacketMessage[] {
    if (bytes !== this.#packetBytes) {
      const { headerBytes, packets } = this.#codecsOf(from.clusterName);
      this.#packetMessages = this.#plain(bytes, headerBytes) ?? packets.open(bytes).messages;
      this.#packetBytes = bytes;
    }
    return this.#packetMessages;
  }

  /** The message of a stream. */
  message({ from, kind, bytes }: Message): StreamMessage {
    if (bytes !== this.#streamBytes || this.#streamMessage === undefined) {
      const { streams } = this.#codecsOf(from.clusterName);
      this.#streamMessage = streams.open(bytes, { label: kind === "request" });
      this.#streamBytes = bytes;
    }
    return this.#streamMessage;
  }

  /** The messages of a packet in plain layers, as nearly all are; `undefined`: it has others, or is broken. */
  #plain(bytes: Uint8Array, headerBytes: number): readonly PacketMessage[] | undefined {
    let at = headerBytes;
    if (headerBytes > 0 && bytes[0] !== MessageType.label) return undefined;
    if (bytes[at] === MessageType.crc) at += CRC_BYTES;
    if (bytes[at] !== MessageType.compound) {
      return isLayer(bytes[at]) ? undefined : this.#parts(bytes, [at, bytes.length]);
    }
    const count = bytes[at + 1] ?? 0;
    const ends = [at + COMPOUND_HEADER_BYTES + count * COMPOUND_PART_OVERHEAD_BYTES];
    for (let i = 0; i < count; i++) {
      const lengthAt = at + COMPOUND_HEADER_BYTES + i * COMPOUND_PART_OVERHEAD_BYTES;
      const start = ends[i]!;
      const end = start + (bytes[lengthAt]! << 8 | bytes[lengthAt + 1]!);
      if (end > bytes.length || isLayer(bytes[start])) return undefined;
      ends.push(end);
    }
    return this.#parts(bytes, ends);
  }

  #parts(bytes: Uint8Array, bounds: readonly number[]): readonly PacketMessage[] | undefined {
    const messages: PacketMessage[] = [];
    try {
      for (let i = 1; i < bounds.length; i++) {
        messages.push(this.#heard.message(bytes, bounds[i - 1]!, bounds[i]!));
      }
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
    return messages;
  }

  #codecsOf(label: string): Codecs {
    let codecs = this.#codecs.get(label);
    if (codecs === undefined) {
      const options = { label, random: () => 0.5 };
      const headerBytes = labelHeaderBytes(labelBytes(label));
      codecs = {
        headerBytes,
        packets: new PacketCodec(options),
        streams: new StreamCodec(options),
      };
      this.#codecs.set(label, codecs);
    }
    return codecs;
  }
}

/** Whether it is the type of a layer with something else inside, or of nothing at all. */
function isLayer(type: number | undefined): boolean {
  return type === undefined || type === MessageType.compound || type === MessageType.compress;
}
