import { RosterPlacement } from "./_base.ts";
import { hashOption, type KeySpace } from "./_key_space.ts";
import { RankedLocator } from "./_ranked.ts";
import { Roster } from "./_roster.ts";
import { rankWeighted } from "./_weighted.ts";
import { RESIDENT } from "./hash/_engine.ts";
import type { HashFamily } from "./hash/family.ts";
import type { Key } from "./key.ts";
import type { Node } from "./node.ts";
import type { Algorithm, Locator, Placement } from "./placement.ts";

/** Settings of an algorithm that needs a hash family only. */
export interface HashOptions {
  /** Hash family; all members must use the same. @default {xxh64} */
  readonly hash?: HashFamily;
}

/**
 * Rendezvous hashing (Thaler and Ravishankar 1998), the same as ckit's: every node gets a score for the key, xorshift64* of key XOR
 * hash(name), and the lowest scores own it. The best balance and exactly minimal movement, at a cost per lookup that grows with the number
 * of nodes.
 *
 * With weights that differ, the score is −ln(1 − s/2^64) / weight, where s is the score above: the lowest wins with a probability in
 * proportion to its weight, equal weights give the unweighted order, and changing one weight moves keys from or to that node only.
 * (It is −weight/ln(u), highest wins, of the weighted rendezvous literature with u = 1 − s/2^64.) The logarithm is computed with basic
 * arithmetic, so that all runtimes agree on every bit.
 *
 * @example Usage
 * ```ts
 * import { rendezvous } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const placement = rendezvous().place(["a", "b", { name: "big", weight: 4 }]);
 * const first = Array.from({ length: 600 }, (_, i) => placement.owners(`user:${i}`, 1)[0]);
 *
 * assertEquals(Math.round(first.filter((node) => node === "big").length / 100), 4);
 * ```
 *
 * @param options Settings.
 * @returns The algorithm.
 * @throws {TypeError} If there is no option of a name that is given, or `hash` is no hash family.
 */
export function rendezvous(options: HashOptions = {}): Algorithm {
  const keys = hashOption("create rendezvous hashing", options);
  return Object.freeze({
    name: "rendezvous",
    place: (nodes: Iterable<Node>): Placement => new Rendezvous(keys, new Roster(nodes)),
  });
}

class Rendezvous extends RosterPlacement {
  readonly #keys: KeySpace;
  readonly #roster: Roster;
  /** Hash of each node, low word first: what the engine keeps resident. */
  readonly #hashes: Uint32Array;

  constructor(keys: KeySpace, roster: Roster) {
    super(keys.family, roster);
    this.#keys = keys;
    this.#roster = roster;
    this.#hashes = keys.hashNames(roster.names);
    Object.freeze(this);
  }

  project<T>(value: (node: string) => T): Locator<T> {
    return new RankedLocator(
      this.#keys,
      this.#roster,
      (key, count) => this.#rank(key, count),
      value,
    );
  }

  /** A name is hashed in 0.1 µs or less, so there is nothing worth keeping. */
  protected override derive(roster: Roster): Placement {
    return new Rendezvous(this.#keys, roster);
  }

  #rank(key: Key | string, count: number): ArrayLike<number> {
    const { engine } = this.#keys;
    const hashes = this.#hashes;
    const nodes = hashes.length / 2;
    const high = this.#keys.high(key);
    const low = engine.words[0]!;
    if (this.#roster.commonWeight === undefined) {
      const out = engine.load(hashes, nodes * 8);
      engine.run.scores(high, low, RESIDENT, nodes, out);
      return rankWeighted(engine.memory, { at: out / 4, count, roster: this.#roster });
    }
    const best = engine.load(hashes, count * 12);
    engine.run.rank(high, low, RESIDENT, nodes, count, best);
    const at = best / 4 + count * 2;
    const ranks: number[] = []; // a view of the memory would cost more than the ranking of ten nodes
    for (let i = at; i < at + count; i++) ranks.push(engine.memory[i]!);
    return ranks;
  }
}
