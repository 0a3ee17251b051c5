import type { PeerState } from "../../shard/peer.ts";
import type { PhiEstimator } from "../phi.ts";
import { type Entry, type NodeState, STATE_KEY } from "./model.ts";
import type { Turn } from "./turn.ts";
import { entryBodyLength, stringLength, varintLength } from "./wire/lengths.ts";

/** An entry and the bytes it takes on the wire apart from its version. */
export interface StoredEntry {
  readonly entry: Entry;
  readonly bytes: number;
}

const STATES: ReadonlySet<string> = new Set<PeerState>(["viewer", "participant", "terminating"]);
/** Overwritten entries that may stand in the log before it is rewritten. */
const MIN_STALE = 32;

/**
 * What is held of one life of one node.
 *
 * Invariant (PREFIX): for every key whose current version at the owner is at most {@link version}, exactly that entry is held; any other
 * entry held is an older write of the owner. So `version` alone says what is missing: everything above.
 */
export class NodeRecord {
  readonly id: string;
  readonly addr: string;
  /** Bytes of the id on the wire. */
  readonly idBytes: number;
  /** The greatest version held; of the own record: the last one issued. */
  version = 0;
  /** The greatest heartbeat heard. */
  heartbeat = 0;
  left = false;
  down = false;
  /** Whether a heartbeat was heard since the node went down. */
  heard = false;
  /** On the clock of silence; set while left or down. */
  expiry: number | undefined;
  /** The round in which the life, its version or its leaving became known. */
  changedRound = 0;
  /** Which of all changes that was: later ones have greater numbers. */
  changedOrder = 0;
  /** The round in which a peer had more of it. */
  behindRound = -Infinity;
  /** Judges its silence; the own record has none. */
  detector: PhiEstimator | undefined;
  /** Live keys of the user. */
  liveKeys = 0;
  /** Bytes of all entries. */
  bytes = 0;
  /** Deleted entries. */
  tombstones = 0;
  #generation: number;
  #identityBytes = 0;
  readonly #entries = new Map<string, StoredEntry>();
  // All entries ever put, ascending by version; an overwritten one is stale and skipped.
  #log: StoredEntry[] = [];
  #snapshot: readonly Entry[] | undefined;

  /** Begins a life of which nothing is held. */
  constructor(identity: { id: string; generation: number; addr: string }) {
    this.id = identity.id;
    this.addr = identity.addr;
    this.idBytes = stringLength(identity.id);
    this.#generation = identity.generation;
    this.generation = identity.generation;
  }

  /** Which life of the name. */
  get generation(): number {
    return this.#generation;
  }
  set generation(generation: number) {
    this.#generation = generation;
    this.#identityBytes = this.idBytes + varintLength(generation) + stringLength(this.addr);
  }

  /** Bytes of id, generation and address on the wire. */
  get identityBytes(): number {
    return this.#identityBytes;
  }

  /** Entries held, tombstones and internal ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** What the node declared; a viewer as long as it has not. */
  get state(): PeerState {
    const entry = this.#entries.get(STATE_KEY)?.entry;
    return entry !== undefined && entry.internal && STATES.has(entry.value)
      ? entry.value as PeerState
      : "viewer";
  }

  /** The entry of a key. */
  entry(key: string): Entry | undefined {
    return this.#entries.get(key)?.entry;
  }

  /** Holds an entry in place of its key's older one. Its version must be above all before. */
  put(entry: Entry): void {
    const stored = { entry, bytes: entryBodyLength(entry) };
    const old = this.#entries.get(entry.key);
    if (old !== undefined) this.#uncount(old);
    this.#entries.set(entry.key, stored);
    this.#log.push(stored);
    this.bytes += stored.bytes;
    if (entry.deleted) this.tombstones++;
    else if (!entry.internal) this.liveKeys++;
    this.version = entry.version;
    this.#snapshot = undefined;
    const stale = this.#log.length - this.#entries.size;
    if (stale > MIN_STALE && stale * 2 > this.#log.length) {
      this.#log = this.#log.filter((one) => this.#isCurrent(one));
    }
  }

  /** Notes that the life, its version or its leaving became known just now. */
  touch(turn: Turn): void {
    this.changedRound = turn.round;
    this.changedOrder = ++turn.changes;
  }

  /** Removes all entries up to a version; those removed, ascending. */
  removeUpTo(version: number): readonly Entry[] {
    const kept = this.#after(version);
    const removed: Entry[] = [];
    for (const stored of this.#log.slice(0, kept)) {
      if (!this.#isCurrent(stored)) continue;
      removed.push(stored.entry);
      this.#entries.delete(stored.entry.key);
      this.#uncount(stored);
    }
    this.#log = this.#log.slice(kept);
    this.#snapshot = undefined;
    return removed;
  }

  /** The entry with the smallest version above `version`. */
  next(version: number): StoredEntry | undefined {
    for (let at = this.#after(version); at < this.#log.length; at++) {
      const stored = this.#log[at]!;
      if (this.#isCurrent(stored)) return stored;
    }
    return undefined;
  }

  /** About how many bytes all entries above `version` take; counting ends once `enough` are there. */
  backlogBytes(version: number, enough: number): number {
    let bytes = 0;
    for (let at = this.#after(version); at < this.#log.length && bytes < enough; at++) {
      const stored = this.#log[at]!;
      if (this.#isCurrent(stored)) bytes += stored.bytes + 2;
    }
    return bytes;
  }

  /** All entries, ascending by version. Frozen. */
  get entries(): readonly Entry[] {
    this.#snapshot ??= Object.freeze(
      this.#log.filter((one) => this.#isCurrent(one)).map(({ entry }) => entry),
    );
    return this.#snapshot;
  }

  /** All of it, frozen. `expiry` is the instant in the driver's time. */
  snapshot(expiry: number | undefined): NodeState {
    const { id, generation, addr, version, heartbeat, left, down, state, entries } = this;
    return Object.freeze({
      id,
      generation,
      addr,
      version,
      heartbeat,
      left,
      down,
      expiry,
      state,
      entries,
    });
  }

  #isCurrent(stored: StoredEntry): boolean {
    return this.#entries.get(stored.entry.key) === stored;
  }

  #uncount({ entry, bytes }: StoredEntry): void {
    this.bytes -= bytes;
    if (entry.deleted) this.tombstones--;
    else if (!entry.internal) this.liveKeys--;
  }

  // The first place in the log with a version above `version`.
  #after(version: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#log[middle]!.entry.version <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Orders ids by UTF-16 code units: the same everywhere. */
export function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
