import { KeySpace } from "./_key_space.ts";
import { misuse, settle } from "./_options.ts";
import { Ring } from "./_ring.ts";
import { Roster } from "./_roster.ts";
import type { HashFamily } from "./hash/family.ts";
import { xxh64 } from "./hash/xxh64.ts";
import type { Node } from "./node.ts";
import type { Algorithm, Placement } from "./placement.ts";

/** Settings of a ring. */
export interface RingOptions {
  /**
   * Tokens of a node of weight 1. The spread of loads falls with 1/√tokens (512: about ±4.4 % standard deviation), memory and
   * rebuild time grow with tokens. 1 … 65,536; all members must use the same. @default {512}
   */
  readonly tokens?: number;
  /** Hash family; all members must use the same. @default {xxh64} */
  readonly hash?: HashFamily;
  /**
   * Most owner lists that one placement (or projection) remembers, each about 88 bytes for three owners. Beyond it lookups make a new
   * list each time, which costs about 0.1 µs. 1 … 1,048,576. @default {65_536}
   */
  readonly cachedLists?: number;
}

/** The settings of a ring that is given none. */
export const ringDefaults: Required<RingOptions> = {
  tokens: 512,
  hash: xxh64,
  cachedLists: 65_536,
};

/** Nodes on a ring of tokens. */
export interface RingPlacement extends Placement {
  /** Number of tokens on the ring. */
  readonly tokens: number;
  /** Bytes that the token table holds, without the remembered owner lists. */
  readonly tableBytes: number;
  /** See {@link Placement.with}. Generates the tokens of that node only. */
  with(node: Node): RingPlacement;
  /** See {@link Placement.without}. Generates no tokens. */
  without(name: string): RingPlacement;
  /** See {@link Placement.update}. Generates the tokens of new nodes only. */
  update(nodes: Iterable<Node>): RingPlacement;
}

/**
 * Consistent hashing on a ring of tokens (Karger et al. 1997), the same ring as ckit's: each node owns the stretches of the key space
 * that end at its tokens; the further owners of a key are the next different nodes.
 *
 * A lookup takes constant time on average. A placement derived from another one generates tokens for new nodes only and merges
 * or filters the sorted rest. When a node joins or leaves, only keys of that node's stretches move.
 *
 * @example Usage
 * ```ts
 * import { ring } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const before = ring({ tokens: 128 }).place(["a", "b", "c"]);
 * const owners = before.owners("user:42", 3);
 * const after = before.without(owners[0]!);
 *
 * assertEquals(after.owners("user:42", 2), owners.slice(1)); // the runner-up inherits
 * assertEquals(before.nodes, ["a", "b", "c"]); // and the old placement is as it was
 * ```
 *
 * @param options Settings.
 * @returns The algorithm.
 * @throws {TypeError} If there is no option of a name that is given, or `hash` is no hash family.
 * @throws {RangeError} If a setting is out of range.
 */
export function ring(options: RingOptions = {}): Algorithm<RingPlacement> {
  const { tokens, hash, cachedLists } = settle("create a ring", options, ringDefaults);
  assertRange("tokens", tokens, 65_536);
  assertRange("cachedLists", cachedLists, 1_048_576);
  const settings = { tokens, cachedLists, keys: new KeySpace(hash) };
  return Object.freeze({
    name: "ring",
    place: (nodes: Iterable<Node>): RingPlacement => Ring.build(settings, new Roster(nodes)),
  });
}

function assertRange(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(
      misuse("create a ring", `'${name}' must be an integer from 1 to ${most}`, value),
    );
  }
}
