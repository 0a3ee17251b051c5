import type { Block } from "./messages.ts";
import type { Entry } from "./model.ts";
import type { NodeRecord, StoredEntry } from "./record.ts";
import type { Turn } from "./turn.ts";
import { varintLength } from "./wire/lengths.ts";

/** Bytes that every node gets in the first pass, if there are any. */
const LEAST_SHARE_BYTES = 256;
/** No block is shorter: two names of one byte, flags, and four numbers. */
const LEAST_BLOCK_BYTES = 9;
/** Packets beyond which a backlog is a matter for a stream. */
const MAX_BACKLOG_PACKETS = 8;

/** What an asker lacks of one node. */
export interface Lack {
  readonly record: NodeRecord;
  /** The version that the asker holds. */
  readonly from: number;
  /** Whether the asker does not know the node at all: then the address alone is news. */
  readonly unknown: boolean;
}

/** Options of {@link packDelta}. */
export interface PackOptions {
  readonly turn: Turn;
  readonly self: NodeRecord;
  /** Bytes for all blocks. */
  readonly budget: number;
  /** The limit of a packet: what a large backlog is measured by. */
  readonly maxPacketBytes: number;
}

/** Blocks and their exact length. */
export interface Delta {
  readonly blocks: readonly Block[];
  readonly bytes: number;
  /** About how many bytes did not fit; counted up to eight packets a node. */
  readonly leftBytes: number;
}

/**
 * Fills `budget` bytes with what an asker lacks.
 *
 * First breadth: the own node, then by turns the one with the least to send and a random one, each for its share. So a node with much to
 * tell starves nobody, and everybody's turn comes. Then depth: what room is left goes to the same nodes in the same order. Within a node
 * versions always ascend, and only the end of it is left out.
 */
export function packDelta(lacks: readonly Lack[], options: PackOptions): Delta {
  const { budget, maxPacketBytes } = options;
  const enough = budget + MAX_BACKLOG_PACKETS * maxPacketBytes + 1;
  const drafts = lacks.map((lack) => new Draft(lack, enough));
  let total = 0;
  for (const draft of drafts) total += draft.backlog;
  const ordered = total <= budget ? drafts : byTurns(drafts, options);
  let left = budget;
  let nodes = ordered.length;
  const taken: Draft[] = [];
  for (const draft of ordered) {
    const share = Math.max(LEAST_SHARE_BYTES, Math.floor(left / nodes--));
    left -= draft.fill(Math.min(share, left), left);
    draft.checkSize(budget);
    if (draft.oversize && draft.bytes === 0) left -= draft.announce(left);
    if (draft.bytes > 0) taken.push(draft);
    if (left < LEAST_BLOCK_BYTES) break;
  }
  for (const draft of taken) left -= draft.fill(draft.bytes + left, draft.bytes + left);
  const bytes = budget - left;
  const leftBytes = drafts.reduce((sum, draft) => sum + draft.leftBytes(enough), 0);
  const last = taken.at(-1);
  if (last !== undefined && leftBytes > MAX_BACKLOG_PACKETS * maxPacketBytes) last.oversize = true;
  return { blocks: taken.map((draft) => draft.block()), bytes, leftBytes };
}

/** Options of {@link streamDeltas}. */
export interface StreamDeltaOptions {
  readonly self: NodeRecord;
  /** Bytes of one delta, unless a single entry is larger. */
  readonly chunkBytes: number;
  /** Bytes of all. */
  readonly totalBytes: number;
}

/** All that an asker lacks, in deltas of about `chunkBytes`, the own node first. What exceeds `totalBytes` is marked as more. */
export function streamDeltas(
  lacks: readonly Lack[],
  options: StreamDeltaOptions,
): readonly (readonly Block[])[] {
  const { self, chunkBytes, totalBytes } = options;
  const ordered = [...lacks].sort((a, b) => Number(b.record === self) - Number(a.record === self));
  const chunks: Block[][] = [];
  let chunk: Draft[] = [];
  let chunkLeft = chunkBytes;
  let left = totalBytes;
  const flush = (): void => {
    if (chunk.length > 0) chunks.push(chunk.map((draft) => draft.block()));
    chunk = [];
    chunkLeft = chunkBytes;
  };
  for (const lack of ordered) {
    let { from, unknown } = lack;
    while (unknown || lack.record.next(from) !== undefined) {
      const draft = new Draft({ ...lack, from, unknown }, 0);
      let used = draft.fill(chunkLeft, chunkLeft);
      if (used === 0 && chunk.length > 0) {
        flush();
        used = draft.fill(chunkLeft, chunkLeft);
      }
      // Alone in its chunk it may be as large as it is.
      if (used === 0) used = draft.takeOne();
      if (used === 0) break;
      chunk.push(draft);
      chunkLeft -= used;
      left -= used;
      from = draft.version;
      unknown = false;
      if (left <= 0) {
        draft.oversize = true;
        flush();
        return chunks;
      }
    }
  }
  flush();
  return chunks;
}

/** One block in the making. */
class Draft {
  readonly lack: Lack;
  readonly backlog: number;
  /** Exact bytes of the block; 0: it is not in the message. */
  bytes = 0;
  /** The last version taken. */
  version: number;
  oversize = false;
  readonly #entries: Entry[] = [];
  #bodyBytes = 0;

  constructor(lack: Lack, enough: number) {
    this.lack = lack;
    this.version = lack.from;
    const entries = lack.record.backlogBytes(lack.from, enough);
    this.backlog = entries === 0 && !lack.unknown ? 0 : entries + lack.record.identityBytes + 16;
  }

  /** Takes entries up to `share` bytes in all, and one even beyond, up to `most`; the bytes that were added. */
  fill(share: number, most: number): number {
    const before = this.bytes;
    const { record, unknown } = this.lack;
    if (this.bytes === 0 && unknown && this.#length(0) <= most) this.bytes = this.#length(0);
    for (let next = record.next(this.version); next !== undefined;) {
      const bytes = this.#withEntry(next);
      if (bytes > (this.#entries.length === 0 ? most : share)) break;
      this.#take(next, bytes);
      next = record.next(this.version);
    }
    return this.bytes - before;
  }

  /** Takes the next entry whatever its size; the bytes that were added. */
  takeOne(): number {
    const next = this.lack.record.next(this.version);
    if (next === undefined) return 0;
    const before = this.bytes;
    this.#take(next, this.#withEntry(next));
    return this.bytes - before;
  }

  /** Notes whether the next entry is too large for any message of `budget` bytes. */
  checkSize(budget: number): void {
    const next = this.lack.record.next(this.version);
    if (next === undefined) return;
    const alone = this.#header(1, this.version) +
      varintLength(next.entry.version - this.version) + next.bytes;
    if (alone > budget) this.oversize = true;
  }

  /** An empty block, to say that there is more; the bytes that were added. */
  announce(most: number): number {
    const bytes = this.#length(0);
    if (bytes > most) return 0;
    this.bytes = bytes;
    return bytes;
  }

  /** About how many bytes are not in the block. */
  leftBytes(enough: number): number {
    if (this.bytes === 0) return this.backlog;
    return this.lack.record.backlogBytes(this.version, enough);
  }

  block(): Block {
    const { record, from } = this.lack;
    const { id, generation, addr, heartbeat, left, down } = record;
    const entries = this.#entries;
    return { id, generation, addr, heartbeat, left, down, more: this.oversize, from, entries };
  }

  #withEntry({ entry, bytes }: StoredEntry): number {
    return this.#length(1) + varintLength(entry.version - this.version) + bytes;
  }

  #take({ entry }: StoredEntry, bytes: number): void {
    this.#bodyBytes += bytes - this.#length(1);
    this.#entries.push(entry);
    this.version = entry.version;
    this.bytes = bytes;
  }

  #length(added: number): number {
    return this.#header(this.#entries.length + added, this.lack.from) + this.#bodyBytes;
  }

  #header(count: number, from: number): number {
    const { record } = this.lack;
    return record.identityBytes + 1 + varintLength(record.heartbeat) + varintLength(from) +
      varintLength(count);
  }
}

function byTurns(drafts: readonly Draft[], options: PackOptions): readonly Draft[] {
  const { self, turn, budget } = options;
  const rest = drafts.filter(({ backlog }) => backlog > 0).sort((a, b) =>
    Number(b.lack.unknown) - Number(a.lack.unknown) || a.backlog - b.backlog
  );
  const ordered: Draft[] = [];
  const own = rest.findIndex(({ lack }) => lack.record === self);
  if (own >= 0) ordered.push(...rest.splice(own, 1));
  const most = Math.ceil(budget / LEAST_BLOCK_BYTES);
  for (let smallest = true; rest.length > 0 && ordered.length < most; smallest = !smallest) {
    ordered.push(...rest.splice(smallest ? 0 : turn.below(rest.length), 1));
  }
  return ordered;
}
