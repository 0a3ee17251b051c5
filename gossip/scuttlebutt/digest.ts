import type { DigestEntry } from "./messages.ts";
import type { NodeRecord } from "./record.ts";
import type { NodeTable } from "./table.ts";
import type { Turn } from "./turn.ts";
import { varintLength } from "./wire/lengths.ts";

/** A page of a digest. */
export interface Page {
  readonly entries: readonly DigestEntry[];
  readonly bytes: number;
}

/** What {@link DigestPager} works on. */
export interface DigestPagerOptions {
  readonly turn: Turn;
  readonly table: NodeTable;
  readonly self: NodeRecord;
}

/**
 * Chooses which nodes a packet lists when not all fit: the node itself; nodes of which peers have more; nodes that changed lately, the
 * latest first; and the rest by turns. The second and third together take half a page, so that none waits for ever.
 */
export class DigestPager {
  readonly #parts: DigestPagerOptions;
  /** All other ids, shuffled once; newcomers at random places. */
  #ring: string[] = [];
  readonly #inRing = new Set<string>();
  #at = 0;

  /** Begins without others. */
  constructor(options: DigestPagerOptions) {
    this.#parts = options;
  }

  /** A node is to be listed. */
  add(id: string): void {
    if (this.#inRing.has(id)) return;
    this.#inRing.add(id);
    const at = this.#parts.turn.below(this.#ring.length + 1);
    this.#ring.splice(at, 0, id);
    if (at < this.#at) this.#at++;
  }

  /** Bytes of a digest of all nodes. */
  get bytes(): number {
    let bytes = 0;
    for (const record of this.#listed()) bytes += lengthOf(record);
    return bytes;
  }

  /** How many nodes a digest of all would list. */
  get known(): number {
    let count = 0;
    for (const _ of this.#listed()) count++;
    return count;
  }

  /** A digest of all nodes. */
  whole(): readonly DigestEntry[] {
    return [...this.#listed()].map(entryOf);
  }

  /** At most `budget` bytes of digest. `wanted`: ids that the other side has just shown to have more of. */
  page(budget: number, wanted: readonly string[] = []): Page {
    const { table, self } = this.#parts;
    const records = [...this.#listed()];
    const total = records.reduce((sum, record) => sum + lengthOf(record), 0);
    if (total <= budget) return { entries: records.map(entryOf), bytes: total };
    const draft = new PageDraft(budget);
    draft.offer(self);
    const half = draft.bytes + Math.floor((budget - draft.bytes) / 2);
    for (const id of wanted) {
      const record = table.get(id);
      if (record !== undefined && table.isListed(record)) draft.offer(record, half);
    }
    for (const record of records) if (table.isBehind(record)) draft.offer(record, half);
    for (const record of this.#recent(records)) {
      if (!draft.offer(record, half)) break;
    }
    this.#fill(draft);
    return { entries: draft.entries, bytes: draft.bytes };
  }

  *#listed(): Iterable<NodeRecord> {
    const { table } = this.#parts;
    for (const record of table.records) if (table.isListed(record)) yield record;
  }

  #recent(records: readonly NodeRecord[]): readonly NodeRecord[] {
    const { turn, self } = this.#parts;
    const since = turn.round - (4 + 3 * Math.ceil(Math.log2(Math.max(2, records.length))));
    return records.filter((record) => record !== self && record.changedRound >= since)
      .sort((a, b) => b.changedOrder - a.changedOrder);
  }

  #fill(draft: PageDraft): void {
    const { table } = this.#parts;
    this.#prune();
    for (let tried = 0; tried < this.#ring.length; tried++) {
      if (this.#at >= this.#ring.length) this.#at = 0;
      const record = table.get(this.#ring[this.#at]!);
      if (record !== undefined && table.isListed(record) && !draft.offer(record)) return;
      this.#at++;
    }
  }

  // Removed nodes leave the ring together, once they are many.
  #prune(): void {
    const { table } = this.#parts;
    if (this.#ring.length <= 2 * table.size) return;
    let at = 0;
    this.#ring = this.#ring.filter((id, i) => {
      const known = table.get(id) !== undefined;
      if (known && i < this.#at) at++;
      if (!known) this.#inRing.delete(id);
      return known;
    });
    this.#at = at;
  }
}

class PageDraft {
  readonly entries: DigestEntry[] = [];
  bytes = 0;
  readonly #budget: number;
  readonly #ids = new Set<string>();

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Adds a record unless it is there; `false` when it does not fit. */
  offer(record: NodeRecord, limit = this.#budget): boolean {
    if (this.#ids.has(record.id)) return true;
    const bytes = lengthOf(record);
    if (this.bytes + bytes > limit) return false;
    this.#ids.add(record.id);
    this.entries.push(entryOf(record));
    this.bytes += bytes;
    return true;
  }
}

/** Bytes of the digest entry of a record. */
export function lengthOf(record: NodeRecord): number {
  return record.idBytes + varintLength(record.generation) + varintLength(record.heartbeat) +
    varintLength(record.version) + 1;
}

/** The digest entry of a record. */
export function entryOf(record: NodeRecord): DigestEntry {
  const { id, generation, heartbeat, version, left, down } = record;
  return { id, generation, heartbeat, version, left, down, want: false };
}
