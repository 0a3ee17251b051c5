import { parseAddress } from "../swim/address.ts";
import type { Address } from "../strategy.ts";
import { type Lack, packDelta } from "./delta.ts";
import type { Block, DigestEntry, Packet, Source } from "./messages.ts";
import { REJECT_CLUSTER, REJECT_VERSION } from "./messages.ts";
import {
  applyDelta,
  compare,
  type Comparison,
  countEntries,
  type Parts,
  prefixOf,
  send,
} from "./parts.ts";
import { decodePacket } from "./wire/codec.ts";
import { DecodeError } from "./wire/decode_error.ts";
import { refusableSource, WIRE_VERSION } from "./wire/frame.ts";
import { digestEntryLength, encodedLength, stringLength } from "./wire/lengths.ts";

/** One refusal a peer and this time. */
const REFUSAL_MS = 60_000;
/** Peers whose refusals are remembered. */
const MAX_REFUSED = 256;
/** Bytes by which the length before a digest may grow beyond that of an empty one, within a packet. */
const SECTION_BYTES = 2;

/** What {@link Packets} works on. */
export interface PacketsOptions extends Parts {
  /** A peer has more than packets should carry. */
  readonly more: (from: Address) => void;
}

/**
 * The exchange by packets: SYN → SYNACK → ACK, and FIN when the ACK asked for something. Each leg stands for itself: nothing is
 * remembered between them, and the loss of one costs a round.
 */
export class Packets {
  readonly #parts: PacketsOptions;
  readonly #refused = new Map<Address, number>();
  #exchange = 0;
  #backlogBytes = 0;

  /** Works on the parts of one core. */
  constructor(options: PacketsOptions) {
    this.#parts = options;
  }

  /** The largest number of bytes that did not fit since the last call. */
  takeBacklogBytes(): number {
    const bytes = this.#backlogBytes;
    this.#backlogBytes = 0;
    return bytes;
  }

  /** Begins an exchange; `wants`: what is asked for beyond the digest. */
  syn(to: Address, wants: readonly DigestEntry[] = []): void {
    this.#exchange = (this.#exchange + 1) % 2 ** 31;
    const empty = { type: "syn" as const, ...prefixOf(this.#parts, this.#exchange), digest: [] };
    const digest = this.#digest(this.#room(empty), wants);
    send(this.#parts, to, { ...empty, digest: digest.entries });
  }

  /** Takes a packet. */
  receive(bytes: Uint8Array): void {
    const { counts, turn, tag } = this.#parts;
    counts.packetsInbound++;
    counts.packetBytesInbound += bytes.length;
    let packet: Packet;
    try {
      packet = decodePacket(bytes, tag);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      turn.refuse(error.reason, error.message);
      return this.#answerForeign(bytes, error);
    }
    if (packet.type === "reject") {
      return turn.refuse("rejected", `A peer rejected a packet with code ${packet.code}`);
    }
    countEntries(this.#parts, packet, "Inbound");
    if (!this.#speaksForItself(packet.source)) return;
    switch (packet.type) {
      case "syn":
        return this.#syn(packet);
      case "synAck":
        return this.#synAck(packet);
      case "ack":
        return this.#ack(packet);
      case "fin":
        return this.#apply(packet);
      default:
        packet satisfies never;
    }
  }

  #syn(packet: Packet & { type: "syn" }): void {
    const parts = this.#parts;
    const { lacks, wants } = this.#compare(packet);
    const empty = {
      type: "synAck" as const,
      ...prefixOf(parts, packet.exchange),
      digest: [],
      delta: [],
    };
    const room = this.#room(empty) - SECTION_BYTES;
    const wantBytes = wants.reduce((sum, want) => sum + lengthOf(want), 0);
    const pageBytes = Math.min(Math.floor(room / 2), parts.pager.bytes + wantBytes);
    const delta = this.#pack(lacks, room - pageBytes);
    const digest = this.#digest(room - delta.bytes, wants);
    send(parts, packet.source.addr, { ...empty, digest: digest.entries, delta: delta.blocks });
  }

  #synAck(packet: Packet & { type: "synAck" }): void {
    const parts = this.#parts;
    this.#apply(packet);
    const { lacks, wants } = this.#compare(packet);
    const empty = {
      type: "ack" as const,
      ...prefixOf(parts, packet.exchange),
      wants: [],
      delta: [],
    };
    const room = this.#room(empty) - SECTION_BYTES;
    const asked = upTo(Math.floor(parts.settings.maxPacketBytes / 4), wants);
    const delta = this.#pack(lacks, room - asked.bytes);
    send(parts, packet.source.addr, { ...empty, wants: asked.entries, delta: delta.blocks });
  }

  #ack(packet: Packet & { type: "ack" }): void {
    const parts = this.#parts;
    this.#apply(packet);
    if (packet.wants.length === 0) return;
    const { lacks } = compare(parts, packet.wants, -1, packet.source);
    const empty = { type: "fin" as const, ...prefixOf(parts, packet.exchange), delta: [] };
    const delta = this.#pack(lacks, this.#room(empty));
    if (delta.blocks.length === 0) return;
    send(parts, packet.source.addr, { ...empty, delta: delta.blocks });
  }

  #compare(packet: Packet & { type: "syn" | "synAck" }): Comparison {
    const { digest, known, source } = packet;
    const { table, more } = this.#parts;
    table.hearing.page(digest, known, table.size - 1);
    const comparison = compare(this.#parts, digest, known, source);
    // What no page lists, no packet brings: page by page it would take a minute until the last of a thousand nodes is met.
    if (comparison.more) more(source.addr);
    return comparison;
  }

  #apply({ source, delta }: { source: Source; delta: readonly Block[] }): void {
    if (applyDelta(this.#parts, delta)) this.#parts.more(source.addr);
  }

  #pack(lacks: readonly Lack[], budget: number): ReturnType<typeof packDelta> {
    const { turn, self, settings: { maxPacketBytes } } = this.#parts;
    const delta = packDelta(lacks, { turn, self: self.record, budget, maxPacketBytes });
    this.#backlogBytes = Math.max(this.#backlogBytes, delta.leftBytes);
    return delta;
  }

  /** What is asked for, up to half of the room, and a page. */
  #digest(
    room: number,
    wants: readonly DigestEntry[],
  ): { readonly entries: readonly DigestEntry[] } {
    const unknown = upTo(Math.floor(room / 2), wants.filter(({ want }) => want));
    // Of what is held in part, the page tells how much; of another life than the one held, the want tells more than the page.
    const page = this.#parts.pager.page(room - unknown.bytes, wants.map(({ id }) => id));
    const asked = new Set(unknown.entries.map(({ id }) => id));
    const held = page.entries.filter(({ id }) => !asked.has(id));
    return { entries: [...held, ...unknown.entries] };
  }

  #room(empty: Packet): number {
    return this.#parts.settings.maxPacketBytes - encodedLength(empty);
  }

  /** Whether a message may be answered: it comes from another node, at an address that exists. */
  #speaksForItself({ id, generation, addr }: Source): boolean {
    const { self, turn } = this.#parts;
    if (parseAddress(addr) === undefined) {
      turn.refuse("address", `A peer says that it is at ${addr}`);
      return false;
    }
    if (id !== self.record.id) return true;
    if (addr !== self.record.addr) self.claimed({ generation, version: 0, heartbeat: 0, addr });
    return false;
  }

  #answerForeign(bytes: Uint8Array, error: DecodeError): void {
    if (error.reason !== "label" && error.reason !== "version") return;
    const to = refusableSource(bytes);
    if (to === undefined || parseAddress(to) === undefined) return;
    const { turn } = this.#parts;
    if (to === this.#parts.self.record.addr) return;
    const last = this.#refused.get(to);
    if (last !== undefined && turn.now - last < REFUSAL_MS) return;
    if (last === undefined && this.#refused.size >= MAX_REFUSED) {
      for (const [address, at] of this.#refused) {
        if (turn.now - at >= REFUSAL_MS) this.#refused.delete(address);
      }
      if (this.#refused.size >= MAX_REFUSED) return;
    }
    this.#refused.set(to, turn.now);
    send(
      this.#parts,
      to,
      error.reason === "label"
        ? { type: "reject", code: REJECT_CLUSTER, a: 0, b: 0 }
        : { type: "reject", code: REJECT_VERSION, a: WIRE_VERSION, b: WIRE_VERSION },
    );
  }
}

/** The first entries that fit. */
function upTo(
  budget: number,
  entries: readonly DigestEntry[],
): { readonly entries: readonly DigestEntry[]; readonly bytes: number } {
  const taken: DigestEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const length = lengthOf(entry);
    if (bytes + length > budget) break;
    taken.push(entry);
    bytes += length;
  }
  return { entries: taken, bytes };
}

function lengthOf(entry: DigestEntry): number {
  return digestEntryLength(entry, stringLength(entry.id));
}
