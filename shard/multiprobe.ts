import { RosterPlacement } from "./_base.ts";
import { assertCount, hashOption, type KeySpace } from "./_key_space.ts";
import { OwnerLists } from "./_owner_lists.ts";
import { Roster, spread } from "./_roster.ts";
import { RESIDENT } from "./hash/_engine.ts";
import type { Key } from "./key.ts";
import type { Node } from "./node.ts";
import type { Algorithm, Locator, LookupOptions, Placement } from "./placement.ts";
import type { HashOptions } from "./rendezvous.ts";

/**
 * Multi-probe consistent hashing (Appleton and O'Reilly 2015), the same as ckit's: one token a node, 21 probes a key, and the node
 * whose token is nearest to any probe owns it. Memory of one token a node with the balance of many; the further owners of a key are
 * the next nodes in token order, so a node's load falls to one other node when it leaves.
 *
 * @example Usage
 * ```ts
 * import { multiprobe } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const placement = multiprobe().place(["a", "b", "c"]);
 *
 * assertEquals(placement.owners("user:42", 3).toSorted(), ["a", "b", "c"]);
 * ```
 *
 * @param options Settings.
 * @returns The algorithm. Its `place` throws a `RangeError` for weights other than 1.
 * @throws {TypeError} If there is no option of a name that is given, or `hash` is no hash family.
 */
export function multiprobe(options: HashOptions = {}): Algorithm {
  const keys = hashOption("create multiprobe hashing", options);
  return Object.freeze({
    name: "multiprobe",
    place: (nodes: Iterable<Node>): Placement => new Multiprobe(keys, new Roster(nodes)),
  });
}

class Multiprobe extends RosterPlacement {
  readonly #keys: KeySpace;
  readonly #roster: Roster;
  readonly #tokens: SortedTokens;

  constructor(keys: KeySpace, roster: Roster) {
    super(keys.family, roster);
    roster.assertUnweighted("multiprobe");
    this.#keys = keys;
    this.#roster = roster;
    this.#tokens = sortNodes(keys, roster.names);
    Object.freeze(this);
  }

  project<T>(value: (node: string) => T): Locator<T> {
    return new ProbeLocator(this.#keys, this.#roster, this.#tokens, value);
  }

  protected override derive(roster: Roster): Placement {
    return new Multiprobe(this.#keys, roster);
  }
}

interface SortedTokens {
  /** Node number (in name order) of each token. */
  readonly nodes: Uint32Array;
  /** What the engine keeps resident: the tokens, low word first, then the index over their top bits. */
  readonly resident: Uint32Array;
  /** 64 − (bits of the index). */
  readonly shift: number;
}

function sortNodes(keys: KeySpace, names: readonly string[]): SortedTokens {
  const words = keys.hashNames(names);
  if (keys.short) {
    for (let i = 0; i < words.length; i += 2) {
      words[i + 1] = words[i]!;
      words[i] = 0;
    }
  }
  // Names are sorted, so the smaller number breaks a tie.
  const nodes = Uint32Array.from(names.keys()).sort((a, b) =>
    words[2 * a + 1]! - words[2 * b + 1]! || words[2 * a]! - words[2 * b]! || a - b
  );
  // Four to eight buckets a token: most probes find their neighbours without a second look.
  const bits = Math.min(20, Math.ceil(Math.log2(Math.max(1, names.length))) + 3);
  const resident = new Uint32Array(2 * names.length + 2 ** bits);
  let bucket = 2 * names.length;
  for (const [i, node] of nodes.entries()) {
    resident[2 * i] = words[2 * node]!;
    resident[2 * i + 1] = words[2 * node + 1]!;
    const top = words[2 * node + 1]! >>> (32 - bits);
    while (bucket - 2 * names.length <= top) resident[bucket++] = i;
  }
  resident.fill(names.length, bucket);
  return { nodes, resident, shift: 64 - bits };
}

class ProbeLocator<T> implements Locator<T> {
  readonly #keys: KeySpace;
  readonly #roster: Roster;
  readonly #tokens: SortedTokens;
  readonly #values: readonly T[];
  readonly #lists: OwnerLists<T>;

  constructor(
    keys: KeySpace,
    roster: Roster,
    tokens: SortedTokens,
    value: (node: string) => T,
  ) {
    this.#keys = keys;
    this.#roster = roster;
    this.#tokens = tokens;
    this.#values = roster.names.map((name) => value(name));
    this.#lists = new OwnerLists(roster.names.length * 4, 65_536);
  }

  lookup(key: Key | string, count: number, options?: LookupOptions): readonly T[] {
    assertCount(count, this.#values.length);
    const high = this.#keys.high(key);
    if (count === 0) return Object.freeze([]);
    const winner = this.#nearest(high);
    const spreads = options?.spreadZones === true;
    if (count > 7) return Object.freeze(this.#collect(winner, count, spreads));
    const variant = spreads ? count + 8 : count;
    const number = winner + variant * 0x9e37;
    const tag = winner << 4 | variant;
    return this.#lists.recall(number, tag) ??
      this.#lists.keep(number, tag, this.#collect(winner, count, spreads));
  }

  #collect(winner: number, count: number, spreads: boolean): T[] {
    const { nodes } = this.#tokens;
    let at = winner;
    const next = (): number => {
      const node = nodes[at]!;
      at = at + 1 === nodes.length ? 0 : at + 1;
      return node;
    };
    const chosen = spreads
      ? spread(next, count, this.#roster)
      : Array.from({ length: count }, () => next());
    return chosen.map((node) => this.#values[node]!);
  }

  #nearest(high: number): number {
    const { engine } = this.#keys;
    const { resident, shift } = this.#tokens;
    const nodes = this.#values.length;
    const low = engine.words[0]!;
    if (this.#keys.native) {
      engine.load(resident, 0);
      return engine.run.multiprobe(high, low, RESIDENT, nodes, RESIDENT + nodes * 8, shift);
    }
    const h1High = this.#hashDigits(high, low);
    const h1Low = engine.words[0]!;
    const digits = this.#keys.short ? [0, h1High] as const : [h1High, h1Low] as const;
    const h2High = this.#hashDigits(digits[0], digits[1]);
    const h2Low = engine.words[0]!;
    engine.load(resident, 0);
    return engine.run.probe(
      h1High,
      h1Low,
      h2High,
      h2Low,
      RESIDENT,
      nodes,
      RESIDENT + nodes * 8,
      shift,
    );
  }

  /** Hash of a word's lowercase hexadecimal digits, stretched over 64 bits. */
  #hashDigits(high: number, low: number): number {
    const value = BigInt(high) << 32n | BigInt(low);
    return this.#keys.stretched(value.toString(16));
  }
}
