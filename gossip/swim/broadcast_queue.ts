import { retransmitLimit } from "./formulas.ts";

/** A message waiting to be carried by a number of packets. */
export interface Broadcast {
  /** A newer broadcast of the same name replaces this one. */
  readonly name: string;
  /** The encoded message. */
  readonly bytes: Uint8Array;
  /** Called once it was carried often enough, or was replaced or pruned. */
  readonly finished?: () => void;
}

interface Entry extends Broadcast {
  readonly id: number;
  transmits: number;
}

/** The entries of one transmit count: by length, newest last. Lengths descend; few differ in practice. */
class Tier {
  readonly #lengths: number[] = [];
  readonly #buckets = new Map<number, Entry[]>();

  add(entry: Entry): void {
    const length = entry.bytes.length;
    let bucket = this.#buckets.get(length);
    if (bucket === undefined) {
      this.#buckets.set(length, bucket = []);
      this.#lengths.splice(this.#firstAtMost(length), 0, length);
    }
    if (bucket.length === 0 || bucket[bucket.length - 1]!.id < entry.id) bucket.push(entry);
    else bucket.splice(position(bucket, entry.id), 0, entry);
  }

  remove(entry: Entry): void {
    const length = entry.bytes.length;
    const bucket = this.#buckets.get(length)!;
    bucket.splice(position(bucket, entry.id), 1);
    if (bucket.length === 0) this.#forget(length);
  }

  /** Removes and returns the longest entry of at most `maxBytes`, the newest among equals. */
  take(maxBytes: number): Entry | undefined {
    const length = this.#lengths[this.#firstAtMost(maxBytes)];
    if (length === undefined) return undefined;
    const bucket = this.#buckets.get(length)!;
    const entry = bucket.pop();
    if (bucket.length === 0) this.#forget(length);
    return entry;
  }

  #forget(length: number): void {
    this.#buckets.delete(length);
    this.#lengths.splice(this.#firstAtMost(length), 1);
  }

  #firstAtMost(length: number): number {
    let low = 0;
    let high = this.#lengths.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#lengths[middle]! > length) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function position(bucket: readonly Entry[], id: number): number {
  let low = 0;
  let high = bucket.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bucket[middle]!.id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The retransmit queue of SWIM's dissemination: fewest transmissions first, then longest, then newest. A broadcast leaves it after
 * `retransmitLimit(n)` packets. Enqueue and take cost O(log n) plus the number of distinct lengths.
 */
export class BroadcastQueue {
  readonly #tiers: Tier[] = [];
  readonly #byName = new Map<string, Entry>();
  readonly #retransmitMult: number;
  readonly #maxEntries: number;
  // Never reset: two entries of one id in one bucket would hide each other.
  #nextId = 0;

  /** @param maxEntries Beyond it the entry carried most often is given up. */
  constructor(retransmitMult: number, maxEntries: number) {
    this.#retransmitMult = retransmitMult;
    this.#maxEntries = maxEntries;
  }

  /** Broadcasts waiting. */
  get size(): number {
    return this.#byName.size;
  }

  /** Adds a broadcast in place of the one of the same name, which counts as finished. */
  enqueue(broadcast: Broadcast): void {
    this.drop(broadcast.name);
    const entry: Entry = { ...broadcast, id: this.#nextId++, transmits: 0 };
    this.#byName.set(entry.name, entry);
    this.#tier(0).add(entry);
    if (this.#byName.size > this.#maxEntries) this.#prune(entry);
  }

  /** Gives a broadcast up; it counts as finished. */
  drop(name: string): void {
    const entry = this.#byName.get(name);
    if (entry !== undefined) this.#finish(entry);
  }

  /**
   * Takes what fits into one packet and counts it as transmitted.
   *
   * @param overheadBytes Added to the length of each.
   * @param options `maxBytes`: room in the packet; `n`: nodes, for the limit.
   */
  take(
    overheadBytes: number,
    options: { readonly maxBytes: number; readonly n: number },
  ): readonly Uint8Array[] {
    if (this.#byName.size === 0) return NONE;
    const limit = retransmitLimit(options.n, this.#retransmitMult);
    const taken: Entry[] = [];
    let used = 0;
    for (const tier of this.#tiers) {
      for (;;) {
        const free = options.maxBytes - used - overheadBytes;
        const entry = free > 0 ? tier.take(free) : undefined;
        if (entry === undefined) break;
        used += overheadBytes + entry.bytes.length;
        taken.push(entry);
      }
    }
    for (const entry of taken) {
      entry.transmits++;
      if (entry.transmits < limit) this.#tier(entry.transmits).add(entry);
      else {
        this.#byName.delete(entry.name);
        entry.finished?.();
      }
    }
    return taken.map((entry) => entry.bytes);
  }

  #tier(transmits: number): Tier {
    while (this.#tiers.length <= transmits) this.#tiers.push(new Tier());
    return this.#tiers[transmits]!;
  }

  #finish(entry: Entry): void {
    this.#tier(entry.transmits).remove(entry);
    this.#byName.delete(entry.name);
    entry.finished?.();
  }

  #prune(newest: Entry): void {
    for (let transmits = this.#tiers.length - 1; transmits >= 0; transmits--) {
      const tier = this.#tiers[transmits]!;
      const entry = tier.take(Infinity);
      if (entry === undefined) continue;
      tier.add(entry);
      // In tier 0 the longest of all goes, but never the one just asked for.
      if (entry !== newest) return this.#finish(entry);
    }
  }
}

const NONE: readonly Uint8Array[] = Object.freeze([]);
