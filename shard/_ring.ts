import { RosterPlacement } from "./_base.ts";
import { assertCount, type KeySpace } from "./_key_space.ts";
import { OwnerLists } from "./_owner_lists.ts";
import { filterTokens, mergeTokens, RingTable, sortTokens } from "./_ring_table.ts";
import { compareNames, type Roster, spread } from "./_roster.ts";
import { makeTokens, tokenCount, tokenCounts } from "./_tokens.ts";
import type { Engine } from "./hash/_engine.ts";
import type { Key } from "./key.ts";
import type { Locator, LookupOptions } from "./placement.ts";
import type { RingPlacement } from "./ring.ts";

/** What a ring was made with. */
export interface RingSettings {
  readonly tokens: number;
  readonly cachedLists: number;
  readonly keys: KeySpace;
}

/** The nodes of a table. A node keeps its slot while it is on the ring, so nobody's tokens are renumbered when others come and go. */
interface Slots {
  /** Name of each slot; of a free one the last name it had. */
  readonly names: readonly string[];
  /** Tokens of each slot; 0 for a free one. */
  readonly counts: readonly number[];
}

/** A ring placement. */
export class Ring extends RosterPlacement<RingPlacement> implements RingPlacement {
  readonly #table: RingTable;
  readonly #settings: RingSettings;
  readonly #roster: Roster;
  readonly #slots: Slots;

  constructor(settings: RingSettings, roster: Roster, { slots, table }: Layout) {
    super(settings.keys.family, roster);
    this.#table = table;
    this.#settings = settings;
    this.#roster = roster;
    this.#slots = slots;
    Object.freeze(this);
  }

  static build(settings: RingSettings, roster: Roster): Ring {
    return new Ring(settings, roster, layOut(settings, roster));
  }

  get tokens(): number {
    return this.#table.size;
  }

  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** The sorted tokens of a ring and the names of the slots that own them: for `movement` only. */
  static reveal(ring: Ring): { readonly table: RingTable; readonly names: readonly string[] } {
    return { table: ring.#table, names: ring.#slots.names };
  }

  project<T>(value: (node: string) => T): Locator<T> {
    const { names, counts } = this.#slots;
    const values: T[] = new Array(names.length);
    for (let slot = 0; slot < names.length; slot++) {
      if (counts[slot] !== 0) values[slot] = value(names[slot]!);
    }
    return new RingLocator(this.#table, this.#settings, {
      values,
      names,
      roster: this.#roster,
    });
  }

  protected override derive(roster: Roster): RingPlacement {
    const { names, counts } = this.#slots;
    const { tokens } = this.#settings;
    const kept = new Set<string>();
    const free: number[] = [];
    let removed = 0;
    for (let slot = 0; slot < names.length; slot++) {
      const spec = roster.specs.get(names[slot]!);
      const count = counts[slot]!;
      if (count !== 0 && spec !== undefined && tokenCount(tokens, spec.weight ?? 1) === count) {
        kept.add(spec.name);
      } else {
        free.push(slot);
        removed += count;
      }
    }
    const added = roster.names.filter((name) => !kept.has(name));
    const addedCounts = added.map((name) =>
      tokenCount(tokens, roster.specs.get(name)!.weight ?? 1)
    );
    const addedTokens = addedCounts.reduce((sum, count) => sum + count, 0);
    const keptTokens = this.#table.size - removed;
    // Block-wise merging pays while the stretches between new tokens are long; below that a new sort is faster.
    if (addedTokens * 8 > keptTokens) return Ring.build(this.#settings, roster);
    return new Ring(
      this.#settings,
      roster,
      relay(this.#settings, { table: this.#table, slots: this.#slots }, {
        free,
        removed,
        added,
        addedCounts,
      }),
    );
  }
}

interface Layout {
  readonly slots: Slots;
  readonly table: RingTable;
}

/** Lays a ring out from nothing. */
function layOut({ keys, tokens }: RingSettings, roster: Roster): Layout {
  const { names } = roster;
  const counts = tokenCounts(roster, tokens);
  const { high, low } = makeTokens(keys, names, counts);
  // Slots are in the order of names here, so the smaller slot is the smaller name.
  return { slots: { names, counts }, table: sortTokens(high, low, counts, (a, b) => a - b) };
}

interface Change {
  /** Slots without a node from now on, those that were free included. */
  readonly free: readonly number[];
  /** Tokens that those held. */
  readonly removed: number;
  /** Names of new nodes. */
  readonly added: readonly string[];
  /** Their tokens. */
  readonly addedCounts: readonly number[];
}

/** Lays a ring out from another one. */
function relay({ keys }: RingSettings, before: Layout, change: Change): Layout {
  const names = [...before.slots.names];
  const counts = [...before.slots.counts];
  let { table } = before;
  if (change.removed > 0) {
    const dropped = new Uint8Array(names.length);
    for (const slot of change.free) dropped[slot] = 1;
    table = filterTokens(table, dropped, table.size - change.removed);
  }
  for (const slot of change.free) counts[slot] = 0;
  if (change.added.length === 0) return { slots: { names, counts }, table };
  const slots = change.added.map((name, i) => {
    const slot = change.free[i] ?? names.length;
    names[slot] = name;
    counts[slot] = change.addedCounts[i]!;
    return slot;
  });
  const { high, low } = makeTokens(keys, change.added, change.addedCounts);
  const sorted = sortTokens(high, low, change.addedCounts, (a, b) => a - b);
  const owner = Uint32Array.from(sorted.owner, (i) => slots[i]!);
  const added = new RingTable(sorted.high, sorted.low, owner, sorted.buckets);
  return {
    slots: { names, counts },
    table: mergeTokens(table, added, {
      slots: names.length,
      order: (a, b) => compareNames(names[a]!, names[b]!),
    }),
  };
}

interface Values<T> {
  readonly values: readonly T[];
  readonly names: readonly string[];
  readonly roster: Roster;
}

/** Lookups on a ring. */
class RingLocator<T> implements Locator<T> {
  readonly #table: RingTable;
  readonly #keys: KeySpace;
  readonly #values: readonly T[];
  readonly #have: number;
  /** Largest count of the usual case. */
  readonly #plain: number;
  readonly #native: boolean;
  readonly #engine: Engine;
  readonly #high: Uint32Array;
  readonly #buckets: Uint32Array;
  readonly #shift: number;
  readonly #lists: OwnerLists<T>;
  /** Whether a list's slot follows from the top bits of the key instead of the position. */
  readonly #byKey: boolean;
  readonly #listShift: number;
  readonly #names: readonly string[];
  readonly #roster: Roster;

  constructor(
    table: RingTable,
    { keys, cachedLists }: RingSettings,
    { values, names, roster }: Values<T>,
  ) {
    this.#table = table;
    this.#keys = keys;
    this.#values = values;
    this.#names = names;
    this.#roster = roster;
    this.#have = roster.names.length;
    this.#plain = Math.min(7, this.#have);
    this.#native = keys.native;
    this.#engine = keys.engine;
    this.#high = table.high;
    this.#buckets = table.buckets;
    this.#shift = table.shift;
    this.#lists = new OwnerLists(table.size, cachedLists);
    // With fewer slots than positions there are collisions either way; from the key, the slot is fetched while the position is sought.
    this.#byKey = keys.native && table.size > 2 ** this.#lists.bits;
    this.#listShift = 32 - this.#lists.bits;
  }

  /** Written out flat for the usual case: through calls it takes a third longer (measured on V8). */
  lookup(key: Key | string, count: number, options?: LookupOptions): readonly T[] {
    if (count >>> 0 !== count || count === 0 || count > this.#plain || options !== undefined) {
      return this.#lookUp(key, count, options);
    }
    const high = this.#native && typeof key === "string"
      ? this.#engine.hashText(key)
      : this.#keys.stretched(key);
    const tokens = this.#high;
    let at = this.#buckets[high >>> this.#shift]!;
    // The slot of the list lies near: to ask for it now has it fetched while the tokens are.
    const near = (this.#byKey ? high >>> this.#listShift : at) + count * 0x9e37;
    if (at + 5 <= tokens.length && this.#lists.reach(near)) {
      // How many of the next four lie below, by the sign of 31-bit differences: no branch that cannot be foretold.
      const half = high >>> 1;
      at += ((tokens[at]! >>> 1) - half >>> 31) + ((tokens[at + 1]! >>> 1) - half >>> 31) +
        ((tokens[at + 2]! >>> 1) - half >>> 31) + ((tokens[at + 3]! >>> 1) - half >>> 31);
      // Nearly always the one now reached lies above.
      if (tokens[at]! <= high) at = this.#find(high);
    } else at = this.#find(high);
    const number = (this.#byKey ? high >>> this.#listShift : at) + count * 0x9e37;
    const tag = at << 4 | count;
    return this.#lists.recall(number, tag) ??
      this.#lists.keep(number, tag, this.#collect(at, count));
  }

  #lookUp(key: Key | string, count: number, options?: LookupOptions): readonly T[] {
    assertCount(count, this.#have);
    const high = this.#keys.stretched(key);
    if (count === 0) return Object.freeze([]);
    const at = this.#find(high);
    const spreads = options?.spreadZones === true;
    if (count > 7) {
      return Object.freeze(spreads ? this.#spread(at, count) : this.#collect(at, count));
    }
    const variant = spreads ? count + 8 : count;
    const number = (this.#byKey ? high >>> this.#listShift : at) + variant * 0x9e37;
    const tag = at << 4 | variant;
    return this.#lists.recall(number, tag) ??
      this.#lists.keep(
        number,
        tag,
        spreads ? this.#spread(at, count) : this.#collect(at, count),
      );
  }

  /** Position of the first token at or above the key whose high word is given, around the ring. */
  #find(high: number): number {
    const at = this.#table.find(high, this.#engine.words[0]!);
    return at === this.#high.length ? 0 : at;
  }

  /** Up to three are written out: a list that need not grow is made in half the time. */
  #collect(at: number, count: number): T[] {
    if (count > 3) return this.#walk(at, count).map((slot) => this.#values[slot]!);
    const { owner } = this.#table;
    const values = this.#values;
    const a = owner[at]!;
    if (count === 1) return [values[a]!];
    let i = this.#after(at);
    while (owner[i] === a) i = this.#after(i);
    const b = owner[i]!;
    if (count === 2) return [values[a]!, values[b]!];
    do i = this.#after(i); while (owner[i] === a || owner[i] === b);
    return [values[a]!, values[b]!, values[owner[i]!]!];
  }

  /** The next token, around the ring. */
  #after(i: number): number {
    return i + 1 === this.#high.length ? 0 : i + 1;
  }

  /** The slots of the first `count` different nodes from token `at` on. */
  #walk(at: number, count: number): number[] {
    const { owner } = this.#table;
    const seen = new Uint8Array(this.#values.length);
    const slots: number[] = [];
    for (let i = at; slots.length < count; i = this.#after(i)) {
      const slot = owner[i]!;
      if (seen[slot] === 1) continue;
      seen[slot] = 1;
      slots.push(slot);
    }
    return slots;
  }

  #spread(at: number, count: number): T[] {
    const { owner } = this.#table;
    const seen = new Uint8Array(this.#values.length);
    let i = at;
    const next = (): number => {
      while (seen[owner[i]!] === 1) i = this.#after(i);
      seen[owner[i]!] = 1;
      return owner[i]!;
    };
    return spread(next, count, { names: this.#names, zones: this.#roster.zones })
      .map((slot) => this.#values[slot]!);
  }
}
