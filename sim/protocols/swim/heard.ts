import type { PacketMessage } from "../../../gossip/swim/messages.ts";
import { MessageType } from "../../../gossip/swim/wire/message_type.ts";
import { decodeMessage } from "../../../gossip/swim/wire/messages_codec.ts";

/** Slots: a power of two. Two messages of one slot push each other out. */
const SLOTS = 8192;
/** What news is told in; the rest is said once. */
const NEWS: ReadonlySet<number> = new Set([
  MessageType.alive,
  MessageType.suspect,
  MessageType.dead,
  MessageType.user,
]);

interface Heard {
  readonly bytes: Uint8Array;
  readonly message: PacketMessage;
}

/**
 * Decodes messages that come again and again: in a cluster of n nodes every piece of news is sent some n log n times, byte for byte the
 * same. Equal bytes give the same frozen message.
 */
export class HeardBefore {
  readonly #slots: (Heard | undefined)[] = new Array(SLOTS).fill(undefined);

  /** The message in `bytes[start, end)`. @throws {DecodeError} As `decodeMessage` does. */
  message(bytes: Uint8Array, start: number, end: number): PacketMessage {
    if (!NEWS.has(bytes[start]!)) return decodeMessage(bytes.subarray(start, end));
    const slot = slotOf(bytes, start, end);
    const heard = this.#slots[slot];
    if (heard !== undefined && equals(heard.bytes, bytes, start, end)) return heard.message;
    const copy = bytes.slice(start, end);
    const message = decodeMessage(copy);
    this.#slots[slot] = { bytes: copy, message };
    return message;
  }
}

// FNV-1a of four bytes at a time, its halves folded.
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c_9dc5 ^ end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    hash = Math.imul(hash ^ word, 0x0100_0193);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x0100_0193);
  return (hash ^ hash >>> 16) & SLOTS - 1;
}

function equals(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
