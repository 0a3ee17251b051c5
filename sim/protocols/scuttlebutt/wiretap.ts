import type { Packet as Said, StreamMessage } from "../../../gossip/scuttlebutt/messages.ts";
import {
  decodePacket,
  decodeStream,
  encodeFrame,
  encodeStream,
} from "../../../gossip/scuttlebutt/wire/codec.ts";
import { clusterTag } from "../../../gossip/scuttlebutt/wire/frame.ts";
import type { Facts, Message, Packet, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";

/** Every so many messages one is encoded again, of those that are longer than others one of more. */
const EVERY = 4;
const SHORT = 2048;
const LONG_EVERY = 16;

/** What a {@link Wiretap} tells of all that is said. */
export interface Listener {
  /** A packet, as its sender means it. */
  packet?(said: Said, packet: Packet): void;
  /** The messages of a request or reply by stream. */
  stream?(said: readonly StreamMessage[], message: Message): void;
}

/**
 * Reads along what Scuttlebutt nodes say, with the codec of the tests. Invariant `canonical`: whatever is sent is read as it was meant,
 * and no packet is longer than the limit.
 */
export class Wiretap implements Watcher {
  /** When a packet last carried entries, microseconds. */
  lastBlockAt = -Infinity;
  readonly #facts: Facts;
  readonly #limitOf: (name: string) => number;
  readonly #listeners: readonly Listener[];
  readonly #tags = new Map<string, number>();
  #short = 0;
  #long = 0;

  /** `limitOf`: the longest packet that a node may send. */
  constructor(
    facts: Facts,
    limitOf: (name: string) => number,
    listeners: readonly Listener[],
  ) {
    this.#facts = facts;
    this.#limitOf = limitOf;
    this.#listeners = listeners;
  }

  /** See {@link Watcher.sent}. */
  sent(packet: Packet): void {
    const { from, bytes } = packet;
    if (packet.tampered) return;
    if (bytes.length > this.#limitOf(from.name)) {
      throw new ViolationError("canonical", `${from.name} sends a packet of ${bytes.length} bytes`);
    }
    const tag = this.#tagOf(from.clusterName);
    const said = read(from.name, () => decodePacket(bytes, tag));
    if (this.#looks(bytes)) check(from.name, bytes, encodeFrame(said, tag));
    if ("delta" in said && said.delta.length > 0) this.lastBlockAt = this.#facts.now;
    for (const listener of this.#listeners) listener.packet?.(said, packet);
  }

  /** See {@link Watcher.written}. */
  written(message: Message): void {
    const { from, bytes } = message;
    const tag = this.#tagOf(from.clusterName);
    const said = read(from.name, () => decodeStream(bytes, tag));
    if (this.#looks(bytes)) check(from.name, bytes, encodeStream(said, tag));
    for (const listener of this.#listeners) listener.stream?.(said, message);
  }

  #looks(bytes: Uint8Array): boolean {
    return bytes.length <= SHORT ? this.#short++ % EVERY === 0 : this.#long++ % LONG_EVERY === 0;
  }

  #tagOf(clusterName: string): number {
    let tag = this.#tags.get(clusterName);
    if (tag === undefined) this.#tags.set(clusterName, tag = clusterTag(clusterName));
    return tag;
  }
}

function read<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new ViolationError("canonical", `${name} sends what cannot be read: ${error}`);
  }
}

function check(name: string, sent: Uint8Array, again: Uint8Array): void {
  if (sent.length === again.length && sent.every((byte, i) => byte === again[i])) return;
  throw new ViolationError("canonical", `${name} sends what is not encoded as it should be`);
}
