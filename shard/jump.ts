import { RosterPlacement } from "./_base.ts";
import { hashOption, type KeySpace } from "./_key_space.ts";
import { RankedLocator } from "./_ranked.ts";
import { Roster } from "./_roster.ts";
import type { Key } from "./key.ts";
import type { Node } from "./node.ts";
import type { Algorithm, Locator, Placement } from "./placement.ts";
import type { HashOptions } from "./rendezvous.ts";

/**
 * Jump consistent hash (Lamping and Veach 2014): no memory, perfect balance, O(log nodes) a lookup.
 *
 * Nodes are numbered in the order of their names. Movement is minimal only when nodes come and go at the **end** of that order
 * (`shard-000`, `shard-001`, …); a node in the middle renumbers all behind it. Further owners are found by jumping with keys derived
 * by xorshift64*, skipping those already found; after many repeats the remaining nodes follow in order.
 *
 * @example Usage
 * ```ts
 * import { jump } from "@ck/cluster/shard";
 * import { assert } from "@std/assert";
 *
 * const before = jump().place(["shard-0", "shard-1", "shard-2"]);
 * const after = before.with("shard-3");
 * const [was] = before.owners("user:42", 1);
 * const [is] = after.owners("user:42", 1);
 *
 * assert(is === was || is === "shard-3");
 * ```
 *
 * @param options Settings.
 * @returns The algorithm. Its `place` throws a `RangeError` for weights other than 1.
 * @throws {TypeError} If there is no option of a name that is given, or `hash` is no hash family.
 */
export function jump(options: HashOptions = {}): Algorithm {
  const keys = hashOption("create jump hashing", options);
  return Object.freeze({
    name: "jump",
    place: (nodes: Iterable<Node>): Placement => new Jump(keys, new Roster(nodes)),
  });
}

class Jump extends RosterPlacement {
  readonly #keys: KeySpace;
  readonly #roster: Roster;

  constructor(keys: KeySpace, roster: Roster) {
    super(keys.family, roster);
    roster.assertUnweighted("jump");
    this.#keys = keys;
    this.#roster = roster;
    Object.freeze(this);
  }

  project<T>(value: (node: string) => T): Locator<T> {
    const rank = (key: Key | string, count: number) => this.#rank(key, count);
    return new RankedLocator(this.#keys, this.#roster, rank, value);
  }

  protected override derive(roster: Roster): Placement {
    return new Jump(this.#keys, roster);
  }

  #rank(key: Key | string, count: number): number[] {
    const { engine } = this.#keys;
    const nodes = this.nodes.length;
    let high = this.#keys.high(key);
    let low = engine.words[0]!;
    const found = new Set([engine.run.jump(high, low, nodes)]);
    for (let left = 8 + 4 * count; found.size < count && left > 0; left--) {
      // The constant keeps key 0, the fixed point of xorshift, from deriving itself for ever.
      high = engine.run.derive(high ^ 0x9e3779b9, low) >>> 0;
      low = engine.words[0]!;
      found.add(engine.run.jump(high, low, nodes));
    }
    for (let node = 0; found.size < count; node++) found.add(node);
    return [...found];
  }
}
