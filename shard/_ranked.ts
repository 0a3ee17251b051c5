import { assertCount, type KeySpace } from "./_key_space.ts";
import { type Roster, spread } from "./_roster.ts";
import type { Key } from "./key.ts";
import type { Locator, LookupOptions } from "./placement.ts";

/** Numbers of the best `count` nodes of a roster for a key, the best first; `count` is 1 … number of nodes. */
export type Rank = (key: Key | string, count: number) => ArrayLike<number>;

/** Lookups of an algorithm that ranks nodes anew for each key. */
export class RankedLocator<T> implements Locator<T> {
  readonly #keys: KeySpace;
  readonly #roster: Roster;
  readonly #rank: Rank;
  readonly #values: readonly T[];

  constructor(keys: KeySpace, roster: Roster, rank: Rank, value: (node: string) => T) {
    this.#keys = keys;
    this.#roster = roster;
    this.#rank = rank;
    this.#values = roster.names.map((name) => value(name));
  }

  lookup(key: Key | string, count: number, options?: LookupOptions): readonly T[] {
    const values = this.#values;
    assertCount(count, values.length);
    if (count === 0) {
      this.#keys.high(key); // a key that is no key is refused whatever the count
      return Object.freeze([]);
    }
    if (options?.spreadZones === true) return this.#spread(key, count);
    const ranks = this.#rank(key, count);
    const list: T[] = [];
    for (let i = 0; i < count; i++) list.push(values[ranks[i]!]!);
    return Object.freeze(list);
  }

  #spread(key: Key | string, count: number): readonly T[] {
    const ranks = Array.from(this.#rank(key, this.#values.length));
    let i = 0;
    const chosen = spread(() => ranks[i++]!, count, this.#roster);
    return Object.freeze(chosen.map((rank) => this.#values[rank]!));
  }
}
