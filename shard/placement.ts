import type { HashFamily } from "./hash/family.ts";
import type { Key } from "./key.ts";
import type { Node } from "./node.ts";

/** How owners are chosen in one lookup. */
export interface LookupOptions {
  /**
   * Whether to spread the owners over zones: first the best node of each zone, in the order of preference, then each zone's
   * second, and so on. The first owner stays the same. @default {false}
   */
  readonly spreadZones?: boolean;
}

/** Answers who owns a key, with values of the caller's in place of names. */
export interface Locator<T> {
  /**
   * The owners of a key, the first owner first.
   *
   * @param key The key, or a text that is hashed with the placement's family.
   * @param count How many distinct owners, a non-negative integer.
   * @param options How they are chosen.
   * @returns A frozen list of exactly `count` values; lists may be shared between calls.
   * @throws {NotEnoughNodesError} If there are fewer nodes than `count`.
   * @throws {RangeError} If `count` is negative or fractional, or `key` does not fit in 64 bits.
   */
  lookup(key: Key | string, count: number, options?: LookupOptions): readonly T[];
}

/**
 * Which nodes there are and who owns which key: an immutable value. Equal algorithms and equal sets of nodes give equal
 * owners, in whatever order the nodes were given or came and went.
 */
export interface Placement {
  /** The hash family that texts and node names go through. */
  readonly hash: HashFamily;
  /** Names of the nodes, sorted bytewise. Frozen. */
  readonly nodes: readonly string[];
  /**
   * The names of the owners of a key, the first owner first.
   *
   * @param key The key, or a text that is hashed with the placement's family.
   * @param count How many distinct owners, a non-negative integer.
   * @param options How they are chosen.
   * @returns A frozen list of exactly `count` names; lists may be shared between calls.
   * @throws {NotEnoughNodesError} If there are fewer nodes than `count`.
   * @throws {RangeError} If `count` is negative or fractional, or `key` does not fit in 64 bits.
   */
  owners(key: Key | string, count: number, options?: LookupOptions): readonly string[];
  /** The same placement with one node more; one of the same name is replaced. */
  with(node: Node): Placement;
  /** The same placement without the node of that name; itself if there is none. */
  without(name: string): Placement;
  /** The placement of exactly these nodes, reusing what this one knows; itself if nothing changed. */
  update(nodes: Iterable<Node>): Placement;
  /**
   * The same owners as values of the caller's, such as addresses or connections.
   *
   * @param value Gives the value of a node; called once for each node, now.
   */
  project<T>(value: (node: string) => T): Locator<T>;
}

/** A way to place keys on nodes. Immutable; holds settings only, no nodes. */
export interface Algorithm<P extends Placement = Placement> {
  /** What the algorithm is called. */
  readonly name: string;
  /**
   * Places keys on nodes.
   *
   * @param nodes The nodes, in any order; of two with one name the later counts.
   * @returns The placement.
   * @throws {RangeError} If a weight is out of range or not supported.
   */
  place(nodes: Iterable<Node>): P;
}
