import { RosterPlacement } from "./_base.ts";
import { misuse, settle } from "./_options.ts";
import { compareNames, Roster } from "./_roster.ts";
import { NotEnoughNodesError } from "./errors.ts";
import { type Key, stringKey } from "./key.ts";
import type { Node } from "./node.ts";
import type { Algorithm, Locator, Placement } from "./placement.ts";
import { ring, ringDefaults, type RingOptions, type RingPlacement } from "./ring.ts";

/** Settings of consistent hashing with bounded loads. */
export interface BoundedOptions extends RingOptions {
  /**
   * How far above its fair share a node may be loaded: of m keys, a node of weight w among weights W takes at most
   * ⌈loadFactor · m · w / W⌉. Nearer to 1 is more even, but each change then moves more keys (O(1/ε²) for a factor of 1 + ε) and a lookup tries
   * more nodes. Above 1, at most 1,000. @default {1.25}
   */
  readonly loadFactor?: number;
  /** Most keys of single nodes, by name, whatever their share; non-negative integers. @default {new Map()} */
  readonly caps?: ReadonlyMap<string, number>;
}

/** Where one key goes. */
export interface Choice {
  /** Name of the node. */
  readonly node: string;
  /** Whether every node was full, so that the least loaded was taken against its bound. */
  readonly relaxed: boolean;
  /** The bound of that node, in keys. */
  readonly bound: number;
}

/** Where many keys go. */
export interface Assignment {
  /** The node of each key; a key given twice counts once. */
  readonly owners: ReadonlyMap<Key | string, string>;
  /** Keys of each node, idle ones included. */
  readonly loads: ReadonlyMap<string, number>;
  /** Bound of each node, in keys. */
  readonly bounds: ReadonlyMap<string, number>;
  /** Keys that went to a full node because no other had room. Frozen; empty unless `caps` leave too little room. */
  readonly relaxed: readonly (Key | string)[];
}

/** A ring whose nodes take no more than their bound. */
export interface BoundedPlacement extends Placement {
  /** See {@link Placement.with}. */
  with(node: Node): BoundedPlacement;
  /** See {@link Placement.without}. */
  without(name: string): BoundedPlacement;
  /** See {@link Placement.update}. */
  update(nodes: Iterable<Node>): BoundedPlacement;
  /**
   * Chooses a node for one more key: the first owner on the ring that has room. Never throws for load: when all are full, it takes
   * the one with the smallest load for its weight and says so.
   *
   * @param key The new key.
   * @param loads How many keys each node has now; a node that is missing has none.
   * @returns The choice, frozen.
   * @throws {NotEnoughNodesError} If there is no node.
   * @throws {RangeError} If the load of a node is negative or not a number.
   */
  choose(key: Key | string, loads: ReadonlyMap<string, number>): Choice;
  /**
   * Assigns a set of keys. The result depends on the set only, not on the order of the keys.
   *
   * @param keys The keys.
   * @returns The assignment.
   * @throws {NotEnoughNodesError} If there are keys but no node.
   */
  assign(keys: Iterable<Key | string>): Assignment;
}

/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018): a ring on which a key passes by nodes that are full. Loads
 * are the caller's: they are passed in, and no placement changes.
 *
 * `owners` gives the order in which nodes are tried, regardless of loads: it is the order of `ring`.
 *
 * @example Usage
 * ```ts
 * import { bounded } from "@ck/cluster/shard";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const placement = bounded({ loadFactor: 1.1 }).place(["a", "b", "c"]);
 * const { loads, relaxed } = placement.assign(Array.from({ length: 300 }, (_, i) => `job:${i}`));
 *
 * assert([...loads.values()].every((load) => load <= 110));
 * assertEquals(relaxed, []);
 * ```
 *
 * @param options Settings.
 * @returns The algorithm.
 * @throws {TypeError} If there is no option of a name that is given, or one is of the wrong kind.
 * @throws {RangeError} If a setting is out of range.
 */
export function bounded(options: BoundedOptions = {}): Algorithm<BoundedPlacement> {
  const { loadFactor, caps, ...settings } = settle("bound loads", options, {
    loadFactor: 1.25,
    caps: new Map<string, number>() as ReadonlyMap<string, number>,
    ...ringDefaults,
  });
  if (!(typeof loadFactor === "number" && loadFactor > 1 && loadFactor <= 1_000)) {
    throw new RangeError(
      misuse("bound loads", "'loadFactor' must be above 1 and at most 1000", loadFactor),
    );
  }
  if (!(caps instanceof Map)) {
    throw new TypeError(
      misuse("bound loads", "'caps' must be a Map", caps),
    );
  }
  for (const cap of caps.values()) {
    if (!Number.isInteger(cap) || cap < 0) {
      throw new RangeError(
        misuse("bound loads", "each of 'caps' must be a non-negative integer", cap),
      );
    }
  }
  const limits = { loadFactor, caps: new Map(caps) };
  const base = ring(settings);
  return Object.freeze({
    name: "bounded",
    place(nodes: Iterable<Node>): BoundedPlacement {
      const roster = new Roster(nodes);
      return new Bounded(base.place(roster.specs.values()), roster, limits);
    },
  });
}

interface Limits {
  readonly loadFactor: number;
  readonly caps: ReadonlyMap<string, number>;
}

/** Orders keys of one hash: integers before texts, texts bytewise. */
function compareKeys(a: Key | string, b: Key | string): number {
  if (typeof a === "string" && typeof b === "string") return compareNames(a, b);
  return typeof a === "string" ? 1 : -1;
}

class Bounded extends RosterPlacement<BoundedPlacement> implements BoundedPlacement {
  readonly #ring: RingPlacement;
  readonly #roster: Roster;
  readonly #limits: Limits;
  readonly #totalWeight: number;

  constructor(base: RingPlacement, roster: Roster, limits: Limits) {
    super(base.hash, roster);
    this.#ring = base;
    this.#roster = roster;
    this.#limits = limits;
    let total = 0;
    for (const name of roster.names) total += this.#weight(name);
    this.#totalWeight = total;
    Object.freeze(this);
  }

  project<T>(value: (node: string) => T): Locator<T> {
    return this.#ring.project(value);
  }

  choose(key: Key | string, loads: ReadonlyMap<string, number>): Choice {
    let keys = 1;
    for (const name of this.nodes) {
      const load = loads.get(name) ?? 0;
      if (!(load >= 0)) {
        throw new RangeError(
          misuse("choose a node", "each of 'loads' must not be negative", load),
        );
      }
      keys += load;
    }
    return Object.freeze(this.#choose(key, loads, keys));
  }

  assign(keys: Iterable<Key | string>): Assignment {
    const unique = [...new Set(keys)];
    const bounds = new Map(this.nodes.map((name) => [name, this.#bound(name, unique.length)]));
    const loads = new Map(this.nodes.map((name) => [name, 0]));
    const owners = new Map<Key | string, string>();
    const relaxed: (Key | string)[] = [];
    const ordered = unique
      .map((key) => ({ key, at: typeof key === "string" ? stringKey(key) : key }))
      .sort((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : compareKeys(a.key, b.key));
    for (const { key } of ordered) {
      const choice = this.#choose(key, loads, unique.length);
      owners.set(key, choice.node);
      loads.set(choice.node, loads.get(choice.node)! + 1);
      if (choice.relaxed) relaxed.push(key);
    }
    return Object.freeze({ owners, loads, bounds, relaxed: Object.freeze(relaxed) });
  }

  protected override derive(roster: Roster): BoundedPlacement {
    return new Bounded(this.#ring.update(roster.specs.values()), roster, this.#limits);
  }

  #choose(key: Key | string, loads: ReadonlyMap<string, number>, keys: number): Choice {
    const have = this.nodes.length;
    if (have === 0) throw new NotEnoughNodesError(1, 0);
    // Most keys find room at their first owners, so the order is asked for in doubling steps.
    for (let tried = 0, count = 1; tried < have; tried = count, count = Math.min(have, 2 * count)) {
      const owners = this.#ring.owners(key, count);
      for (let i = tried; i < count; i++) {
        const node = owners[i]!;
        const bound = this.#bound(node, keys);
        if ((loads.get(node) ?? 0) < bound) return { node, relaxed: false, bound };
      }
    }
    const order = this.#ring.owners(key, have);
    let node = order[0]!;
    let least = Infinity;
    for (const name of order) {
      const load = (loads.get(name) ?? 0) / this.#weight(name);
      if (load < least) {
        least = load;
        node = name;
      }
    }
    return { node, relaxed: true, bound: this.#bound(node, keys) };
  }

  #weight(name: string): number {
    return this.#roster.specs.get(name)!.weight ?? 1;
  }

  #bound(name: string, keys: number): number {
    const { loadFactor, caps } = this.#limits;
    const share = Math.ceil(loadFactor * keys * this.#weight(name) / this.#totalWeight);
    return Math.min(share, caps.get(name) ?? Infinity);
  }
}
