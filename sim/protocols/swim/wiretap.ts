import type { PacketMessage, StreamMessage } from "../../../gossip/swim/messages.ts";
import { PacketCodec } from "../../../gossip/swim/wire/packet.ts";
import { StreamCodec } from "../../../gossip/swim/wire/stream.ts";
import type { Message, Packet } from "../../observation.ts";

interface Codecs {
  readonly packets: PacketCodec;
  readonly streams: StreamCodec;
}

/** Reads along what SWIM nodes say, with codecs of its own. Each packet is decoded once, for all who ask. */
export class Wiretap {
  readonly #codecs = new Map<string, Codecs>();
  readonly #packets = new WeakMap<Uint8Array, readonly PacketMessage[]>();
  readonly #messages = new WeakMap<Uint8Array, StreamMessage>();

  /** The messages of a packet, as its sender means them. */
  packet(packet: Packet): readonly PacketMessage[] {
    let messages = this.#packets.get(packet.bytes);
    if (messages === undefined) {
      messages = this.#codecsOf(packet.from.clusterName).packets.open(packet.bytes).messages;
      this.#packets.set(packet.bytes, messages);
    }
    return messages;
  }

  /** The message of a stream. */
  message({ from, kind, bytes }: Message): StreamMessage {
    let message = this.#messages.get(bytes);
    if (message === undefined) {
      const { streams } = this.#codecsOf(from.clusterName);
      message = streams.open(bytes, { label: kind === "request" });
      this.#messages.set(bytes, message);
    }
    return message;
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
