import type { PacketMessage, StreamMessage } from "../../../gossip/swim/messages.ts";
import { PacketCodec } from "../../../gossip/swim/wire/packet.ts";
import { StreamCodec } from "../../../gossip/swim/wire/stream.ts";
import type { Message, Packet } from "../../observation.ts";

interface Codecs {
  readonly packets: PacketCodec;
  readonly streams: StreamCodec;
}

/**
 * Reads along what SWIM nodes say, with codecs of its own. What all watchers ask for one after the other, as it is said, is decoded
 * once.
 */
export class Wiretap {
  readonly #codecs = new Map<string, Codecs>();
  #packetBytes: Uint8Array | undefined;
  #packetMessages: readonly PacketMessage[] = [];
  #streamBytes: Uint8Array | undefined;
  #streamMessage: StreamMessage | undefined;

  /** The messages of a packet, as its sender means them. */
  packet({ from, bytes }: Packet): readonly PacketMessage[] {
    if (bytes !== this.#packetBytes) {
      this.#packetMessages = this.#codecsOf(from.clusterName).packets.open(bytes).messages;
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

  #codecsOf(label: string): Codecs {
    let codecs = this.#codecs.get(label);
    if (codecs === undefined) {
      const options = { label, random: () => 0.5 };
      codecs = { packets: new PacketCodec(options), streams: new StreamCodec(options) };
      this.#codecs.set(label, codecs);
    }
    return codecs;
  }
}
