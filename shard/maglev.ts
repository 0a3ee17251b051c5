import { RosterPlacement } from "./_base.ts";
import { KeySpace } from "./_key_space.ts";
import { misuse, settle } from "./_options.ts";
import { RankedLocator } from "./_ranked.ts";
import { Roster } from "./_roster.ts";
import { xxh64 } from "./hash/xxh64.ts";
import type { Key } from "./key.ts";
import type { Node } from "./node.ts";
import type { Algorithm, Locator, Placement } from "./placement.ts";
import type { HashOptions } from "./rendezvous.ts";

/** Settings of Maglev hashing. */
export interface MaglevOptions extends HashOptions {
  /**
   * Entries of the lookup table: a prime from 2 to 1,048,573, not below the number of nodes. With 100 entries a node, nodes differ by at
   * most about 1 % (paper, §3.4). All members must use the same. @default {65_537}
   */
  readonly tableSize?: number;
}

/**
 * Maglev hashing (Eisenbud et al. 2016, §3.4): nodes take turns to claim entries of a table, each in an order of its own, and a key
 * belongs to the node of entry `key mod tableSize`. The most even balance and the quickest lookup; a change of nodes also moves a few
 * percent of the keys between nodes that stay. Further owners are the next different nodes in the table.
 *
 * @example Usage
 * ```ts
 * import { maglev } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const placement = maglev({ tableSize: 997 }).place(["a", "b", "c"]);
 *
 * assertEquals(placement.owners("user:42", 3).toSorted(), ["a", "b", "c"]);
 * ```
 *
 * @param options Settings.
 * @returns The algorithm. Its `place` throws a `RangeError` for weights other than 1 or more nodes than entries.
 * @throws {TypeError} If there is no option of a name that is given, or `hash` is no hash family.
 * @throws {RangeError} If `tableSize` is not a prime in its range.
 */
export function maglev(options: MaglevOptions = {}): Algorithm {
  const { hash, tableSize } = settle("create a maglev table", options, {
    hash: xxh64,
    tableSize: 65_537,
  });
  if (!(tableSize <= 1_048_573 && isPrime(tableSize))) {
    throw new RangeError(
      misuse("create a maglev table", "'tableSize' must be a prime up to 1048573", tableSize),
    );
  }
  const keys = new KeySpace(hash);
  return Object.freeze({
    name: "maglev",
    place: (nodes: Iterable<Node>): Placement => new Maglev(keys, new Roster(nodes), tableSize),
  });
}

function isPrime(value: number): boolean {
  if (!Number.isInteger(value) || value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) {
    if (value % divisor === 0) return false;
  }
  return true;
}

class Maglev extends RosterPlacement {
  readonly #keys: KeySpace;
  readonly #roster: Roster;
  readonly #table: Uint32Array;

  constructor(keys: KeySpace, roster: Roster, tableSize: number) {
    super(keys.family, roster);
    roster.assertUnweighted("maglev");
    if (roster.names.length > tableSize) {
      throw new RangeError(
        misuse(
          "place nodes",
          `a maglev table of ${tableSize} holds at most as many nodes`,
          roster.names.length,
        ),
      );
    }
    this.#keys = keys;
    this.#roster = roster;
    this.#table = populate(keys, roster.names, tableSize);
    Object.freeze(this);
  }

  project<T>(value: (node: string) => T): Locator<T> {
    const rank = (key: Key | string, count: number) => this.#rank(key, count);
    return new RankedLocator(this.#keys, this.#roster, rank, value);
  }

  protected override derive(roster: Roster): Placement {
    return new Maglev(this.#keys, roster, this.#table.length);
  }

  #rank(key: Key | string, count: number): number[] {
    const table = this.#table;
    const high = this.#keys.high(key);
    let at = modulo(high, this.#keys.engine.words[0]!, table.length);
    const first = table[at]!;
    if (count === 1) return [first];
    const found = new Set([first]);
    for (let left = table.length; found.size < count && left > 0; left--) {
      at = at + 1 === table.length ? 0 : at + 1;
      found.add(table[at]!);
    }
    return [...found];
  }
}

/** `high:low` mod a divisor below 2^21; every intermediate stays below 2^53. */
function modulo(high: number, low: number, divisor: number): number {
  return ((high % divisor) * 0x1_0000_0000 + low) % divisor;
}

/** The paper's "populate": node i claims offset + j·skip for its next free j, in turns, until the table is full. */
function populate(keys: KeySpace, names: readonly string[], size: number): Uint32Array {
  const table = new Uint32Array(size).fill(0xffff_ffff);
  const nodes = names.length;
  if (nodes === 0) return table;
  const next = new Float64Array(nodes);
  const skips = new Float64Array(nodes);
  for (const [i, name] of names.entries()) {
    const high = keys.high(name);
    const low = keys.engine.words[0]!;
    next[i] = modulo(high, low, size);
    const second = keys.engine.run.derive(high, low ^ 0x9e3779b9) >>> 0;
    skips[i] = modulo(second, keys.engine.words[0]!, Math.max(1, size - 1)) + 1;
  }
  for (let filled = 0;;) {
    for (let i = 0; i < nodes; i++) {
      let at = next[i]!;
      while (table[at] !== 0xffff_ffff) at = (at + skips[i]!) % size;
      table[at] = i;
      next[i] = (at + skips[i]!) % size;
      if (++filled === size) return table;
    }
  }
}
