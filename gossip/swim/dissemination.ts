import type { Address } from "../strategy.ts";
import { BroadcastQueue } from "./broadcast_queue.ts";
import { ALIVE, DEAD, isPeer, type Member, SUSPECT } from "./member.ts";
import type { MemberTable } from "./member_table.ts";
import type { PacketMessage, StateMessage, User } from "./messages.ts";
import type { SwimSettings } from "./options.ts";
import type { Self } from "./self.ts";
import type { Timer } from "./timers.ts";
import type { Turn } from "./turn.ts";
import { encodeStateMessage } from "./wire/ckit.ts";
import { COMPOUND_HEADER_BYTES, COMPOUND_PART_OVERHEAD_BYTES } from "./wire/compound.ts";
import { encodeMessage } from "./wire/messages_codec.ts";
import type { PacketCodec } from "./wire/packet.ts";

/** What a checksum costs. */
const CRC_BYTES = 5;
/** Room below which memberlist does not ask the layer above for more. */
const LEAST_ROOM_BYTES = 3;
/** Broadcasts that each queue holds at most. */
const MAX_BROADCASTS = 65_536;
/** The first protocol version whose speakers check CRCs. */
const CRC_PROTOCOL = 5;

/** What {@link Dissemination} works on. */
export interface DisseminationOptions {
  readonly turn: Turn;
  readonly settings: SwimSettings;
  readonly self: Self;
  readonly table: MemberTable;
  readonly codec: PacketCodec;
}

/** What goes out as packets: direct messages, and news by gossip and on the back of those. */
export class Dissemination {
  readonly #parts: DisseminationOptions;
  readonly #members: BroadcastQueue;
  readonly #states: BroadcastQueue;
  readonly #phase: number;
  #timer: Timer | undefined;
  /** For news that does not wait for the round. */
  #early: Timer | undefined;
  /** Whether there is news that was never gossiped. */
  #fresh = false;
  #gossipedAt = -Infinity;

  /** Works on the parts of one core. */
  constructor(options: DisseminationOptions) {
    this.#parts = options;
    const { turn, settings } = options;
    this.#members = new BroadcastQueue(settings.retransmitMult, MAX_BROADCASTS);
    this.#states = new BroadcastQueue(settings.retransmitMult, MAX_BROADCASTS);
    this.#phase = turn.now + turn.random() * settings.gossipIntervalMs;
  }

  /** Broadcasts waiting. */
  get size(): number {
    return this.#members.size + this.#states.size;
  }

  /** Spreads news about a member, in place of older news under the same name. */
  broadcast(name: string, news: PacketMessage, finished?: () => void): void {
    const bytes = encodeMessage(news);
    this.#members.enqueue({ name, bytes, ...(finished && { finished }) });
    this.#fresh = true;
  }

  /** Spreads what a node declared. */
  broadcastState(state: StateMessage, finished?: () => void): void {
    const bytes = encodeMessage({ type: "user", payload: encodeStateMessage(state) });
    this.#states.enqueue({ name: state.nodeName, bytes, ...(finished && { finished }) });
    this.#fresh = true;
  }

  /** Spreads no more news of a name that was collected: where there was nobody to tell, it would pile up. */
  drop(name: string): void {
    this.#members.drop(name);
    this.dropState(name);
  }

  /** Spreads no more what a node declared. */
  dropState(name: string): void {
    this.#states.drop(name);
  }

  /** Sends one message, and news in the room that it leaves. */
  send(to: Address, message: Exclude<PacketMessage, User>): void {
    if (this.size === 0) {
      const { turn, codec } = this.#parts;
      return turn.emit({ type: "send", to, bytes: codec.sealMessage(message) });
    }
    const bytes = encodeMessage(message);
    this.#seal(to, [bytes, ...this.#news(bytes.length)], false);
  }

  /** Sends just these messages, in one packet. */
  sendAlone(to: Member, messages: readonly PacketMessage[]): void {
    this.#seal(to.address, messages.map(encodeMessage), checksCrc(to));
  }

  /**
   * Sets the timers for the next gossip round, if there is anything to tell and anybody to tell it to.
   *
   * Fresh news does not wait for the round: with a fan-out of 3 the first wave alone, x = 1 − e^(−3x), reaches 94 % of the cluster as fast as
   * packets travel, and rounds are left with the rest. How often each piece of news is sent stays the same.
   */
  arm(): void {
    const { table } = this.#parts;
    if (this.size === 0 || table.size < 2) return;
    if (this.#fresh) this.#gossipEarly();
    this.#armRound();
  }

  #gossipEarly(): void {
    if (this.#early !== undefined) return;
    const { turn, settings } = this.#parts;
    if (settings.gossipGapMs >= settings.gossipIntervalMs) return;
    const at = this.#gossipedAt + settings.gossipGapMs;
    if (at <= turn.now) return this.#gossip();
    // Never after the next round, which would have told it already.
    if (at >= this.#nextRound()) return;
    this.#early = turn.timers.set(at, () => {
      this.#early = undefined;
      this.#gossip();
      this.arm();
    });
  }

  #armRound(): void {
    if (this.#timer !== undefined || this.size === 0) return;
    const { turn } = this.#parts;
    this.#timer = turn.timers.set(this.#nextRound(), () => {
      this.#timer = undefined;
      this.#gossip();
      this.arm();
    });
  }

  /** When the next round is, whether or not anybody will wake up for it. */
  #nextRound(): number {
    const { turn, settings } = this.#parts;
    // Rounds keep their phase while the queues are empty and nobody wakes up for them.
    const rounds = Math.floor((turn.now - this.#phase) / settings.gossipIntervalMs) + 1;
    const at = this.#phase + Math.max(0, rounds) * settings.gossipIntervalMs;
    // Rounding may find the instant of the round that just was.
    return at > turn.now ? at : at + settings.gossipIntervalMs;
  }

  #gossip(): void {
    const { turn, settings, self, table } = this.#parts;
    this.#fresh = false;
    this.#gossipedAt = turn.now;
    const since = turn.now - settings.gossipToTheDeadMs;
    const targets = table.pick(settings.gossipNodes, (member) =>
      member.name !== self.name &&
      (isPeer(member.state) || (member.state === DEAD && member.changedAt >= since)));
    for (const target of targets) {
      const crc = checksCrc(target);
      const parts = this.#news(crc ? CRC_BYTES : 0);
      if (parts.length === 0) return;
      this.#seal(target.address, parts, crc);
    }
  }

  #news(usedBytes: number): readonly Uint8Array[] {
    if (this.size === 0) return NONE;
    const { settings, table, codec } = this.#parts;
    let maxBytes = settings.maxPacketBytes - usedBytes - COMPOUND_HEADER_BYTES -
      codec.overheadBytes;
    const overhead = COMPOUND_PART_OVERHEAD_BYTES;
    const news = this.#members.take(overhead, { maxBytes, n: table.size });
    for (const part of news) maxBytes -= overhead + part.length;
    if (maxBytes <= LEAST_ROOM_BYTES || this.#states.size === 0) return news;
    const peers = table.count(ALIVE) + table.count(SUSPECT);
    return [...news, ...this.#states.take(overhead, { maxBytes, n: peers })];
  }

  #seal(to: Address, parts: readonly Uint8Array[], crc: boolean): void {
    const { turn, codec } = this.#parts;
    for (const bytes of codec.seal(parts, { crc })) turn.emit({ type: "send", to, bytes });
  }
}

function checksCrc(member: Member): boolean {
  return member.vsn[1]! >= CRC_PROTOCOL;
}

const NONE: readonly Uint8Array[] = Object.freeze([]);
