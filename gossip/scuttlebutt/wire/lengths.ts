/**
 * The exact number of bytes that the codec writes, computed without writing: what fills a packet to the byte.
 *
 * @module
 */
import type { Block, DigestEntry, Packet, Prefix, StreamMessage } from "../messages.ts";
import type { Entry } from "../model.ts";

/** Bytes before a message's body. */
export const HEADER_BYTES = 12;

/** Bytes of a number. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Bytes of a text in UTF-8. A lone surrogate counts as U+FFFD, which takes its place. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit <= 0xdbff && isLow(text.charCodeAt(i + 1))) {
      bytes += 2; // two units, four bytes
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/** Bytes of a text with its length before it. */
export function stringLength(text: string): number {
  const bytes = utf8Length(text);
  return varintLength(bytes) + bytes;
}

/** Bytes of a digest entry; `idBytes` is the {@link stringLength} of its id. */
export function digestEntryLength(
  entry: Omit<DigestEntry, "id" | "left" | "down" | "want">,
  idBytes: number,
): number {
  return idBytes + varintLength(entry.generation) + varintLength(entry.heartbeat) +
    varintLength(entry.version) + 1;
}

/** Bytes of an entry apart from its version. */
export function entryBodyLength(entry: Entry): number {
  return 1 + stringLength(entry.key) + (entry.deleted ? 0 : stringLength(entry.value));
}

/** Bytes of a block with all its entries. */
export function blockLength(block: Block): number {
  let bytes = stringLength(block.id) + varintLength(block.generation) + stringLength(block.addr) +
    1 + varintLength(block.heartbeat) + varintLength(block.from) +
    varintLength(block.entries.length);
  let version = block.from;
  for (const entry of block.entries) {
    bytes += varintLength(entry.version - version) + entryBodyLength(entry);
    version = entry.version;
  }
  return bytes;
}

/** Bytes of what a message begins with. */
export function prefixLength(prefix: Prefix): number {
  const { source, known, exchange } = prefix;
  return stringLength(source.id) + varintLength(source.generation) + stringLength(source.addr) +
    varintLength(known) + varintLength(exchange);
}

/** Bytes of a frame: of a packet, or of one message of a stream without its length before it. */
export function encodedLength(message: Packet | StreamMessage): number {
  if (message.type === "reject") {
    return HEADER_BYTES + 1 + varintLength(message.a) + varintLength(message.b);
  }
  const before = HEADER_BYTES + prefixLength(message);
  switch (message.type) {
    case "syn":
      return before + digestLength(message.digest);
    case "synAck":
      return before + sectionLength(message.digest) + deltaLength(message.delta);
    case "ack":
      return before + sectionLength(message.wants) + deltaLength(message.delta);
    case "fin":
      return before + deltaLength(message.delta);
    case "join":
    case "sync":
      return before + stringLength(message.label) + 1 + sectionLength(message.digest) +
        deltaLength(message.delta);
    case "joinReply":
    case "leave":
      return before + stringLength(message.label) + 1 + deltaLength(message.delta);
    case "leaveAck":
      return before;
    default:
      return message satisfies never;
  }
}

/** Bytes of digest entries. */
export function digestLength(digest: readonly DigestEntry[]): number {
  return digest.reduce((sum, entry) => sum + digestEntryLength(entry, stringLength(entry.id)), 0);
}

/** Bytes of blocks. */
export function deltaLength(delta: readonly Block[]): number {
  return delta.reduce((sum, block) => sum + blockLength(block), 0);
}

function sectionLength(digest: readonly DigestEntry[]): number {
  const bytes = digestLength(digest);
  return varintLength(bytes) + bytes;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
