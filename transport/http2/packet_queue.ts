/**
 * Packets that wait to be sent: one line an address, one bound over all.
 *
 * @module
 */

/** Options of {@link PacketQueue}. */
export interface PacketQueueOptions {
  /** Most packets in all; above it the oldest goes. */
  readonly maxPackets: number;
  /** Most bytes in all; above it the oldest go. */
  readonly maxBytes: number;
}

/** What {@link PacketQueue.push} did. */
export interface Pushed {
  /** Packets dropped to make room, the new one included when it alone is too large. */
  readonly dropped: number;
  /** Whether a waiting packet was replaced. */
  readonly replaced: boolean;
}

interface Waiting {
  readonly order: number;
  readonly to: string;
  readonly key: string | undefined;
  bytes: Uint8Array;
}

interface Line {
  readonly packets: Map<number, Waiting>;
  readonly byKey: Map<string, Waiting>;
}

/** First in, first out per address; the oldest of all is dropped first. Every operation takes constant time per packet. */
export class PacketQueue {
  readonly #maxPackets: number;
  readonly #maxBytes: number;
  /** By order of arrival: the first is the oldest. */
  readonly #all = new Map<number, Waiting>();
  readonly #lines = new Map<string, Line>();
  #bytes = 0;
  #nextOrder = 0;

  constructor({ maxPackets, maxBytes }: PacketQueueOptions) {
    this.#maxPackets = maxPackets;
    this.#maxBytes = maxBytes;
  }

  /** Packets waiting. */
  get size(): number {
    return this.#all.size;
  }

  /** Bytes waiting. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether packets wait for `to`. */
  has(to: string): boolean {
    return this.#lines.has(to);
  }

  /** Adds a packet, or puts it in the place of the one with the same key. */
  push(to: string, bytes: Uint8Array, key?: string): Pushed {
    const line = this.#lines.get(to);
    const known = key === undefined ? undefined : line?.byKey.get(key);
    if (known !== undefined) {
      this.#bytes += bytes.length - known.bytes.length;
      known.bytes = bytes;
      return { dropped: this.#shrink(), replaced: true };
    }
    const packet: Waiting = { order: this.#nextOrder++, to, key, bytes };
    this.#all.set(packet.order, packet);
    this.#bytes += bytes.length;
    const own = line ?? { packets: new Map(), byKey: new Map() };
    if (line === undefined) this.#lines.set(to, own);
    own.packets.set(packet.order, packet);
    if (key !== undefined) own.byKey.set(key, packet);
    return { dropped: this.#shrink(), replaced: false };
  }

  /** Takes the next packets for `to`: at least one if any waits, then as many as both limits allow. */
  take(to: string, maxPackets: number, maxBytes: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let bytes = 0;
    for (const packet of this.#lines.get(to)?.packets.values() ?? []) {
      if (taken.length === maxPackets) break;
      if (taken.length > 0 && bytes + packet.bytes.length > maxBytes) break;
      bytes += packet.bytes.length;
      taken.push(packet.bytes);
      this.#remove(packet);
    }
    return taken;
  }

  /** Drops everything; tells how many packets that were. */
  clear(): number {
    const dropped = this.#all.size;
    this.#all.clear();
    this.#lines.clear();
    this.#bytes = 0;
    return dropped;
  }

  #shrink(): number {
    let dropped = 0;
    for (const packet of this.#all.values()) {
      if (this.#all.size <= this.#maxPackets && this.#bytes <= this.#maxBytes) break;
      this.#remove(packet);
      dropped++;
    }
    return dropped;
  }

  #remove(packet: Waiting): void {
    this.#all.delete(packet.order);
    this.#bytes -= packet.bytes.length;
    const line = this.#lines.get(packet.to)!;
    line.packets.delete(packet.order);
    if (packet.key !== undefined) line.byKey.delete(packet.key);
    if (line.packets.size === 0) this.#lines.delete(packet.to);
  }
}
