import { misuse } from "./_options.ts";
import type { Node, NodeSpec } from "./node.ts";

/**
 * Orders names as their UTF-8 bytes are ordered. UTF-16 differs from that only where a surrogate meets U+E000…U+FFFF, so those two
 * ranges change places.
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) return (x + 0x2000 & 0xffff) - (y + 0x2000 & 0xffff);
    return x - y;
  }
  return a.length - b.length;
}

/** Nodes as every algorithm wants them: one for each name, sorted by name, with their weights and zones. */
export class Roster {
  readonly specs: ReadonlyMap<string, NodeSpec>;
  readonly names: readonly string[];
  /** The weight all nodes have, or `undefined` if they differ. */
  readonly commonWeight: number | undefined;
  #zones: ReadonlyMap<string, number> | undefined;

  constructor(nodes: Iterable<Node>) {
    const specs = new Map<string, NodeSpec>();
    let common: number | undefined;
    let mixed = false;
    for (const node of nodes) {
      const spec: NodeSpec = typeof node === "string" ? { name: node } : normalise(node);
      specs.set(spec.name, spec);
    }
    for (const { weight = 1 } of specs.values()) {
      if (common === undefined) common = weight;
      else if (common !== weight) mixed = true;
    }
    this.specs = specs;
    this.names = Object.freeze([...specs.keys()].sort(compareNames));
    this.commonWeight = mixed ? undefined : common ?? 1;
  }

  /** Number of the zone of each node, by name. */
  get zones(): ReadonlyMap<string, number> {
    if (this.#zones !== undefined) return this.#zones;
    const numbers = new Map<string, number>();
    const zones = new Map<string, number>();
    let next = 0;
    for (const [name, { zone }] of this.specs) {
      const number = zone === undefined ? next++ : numbers.get(zone) ?? next++;
      if (zone !== undefined) numbers.set(zone, number);
      zones.set(name, number);
    }
    return this.#zones = zones;
  }

  /** Whether both hold the same nodes with the same weights and zones. */
  equals(other: Roster): boolean {
    if (this.names.length !== other.names.length) return false;
    for (const [name, { weight = 1, zone }] of this.specs) {
      const theirs = other.specs.get(name);
      if (theirs === undefined || (theirs.weight ?? 1) !== weight || theirs.zone !== zone) {
        return false;
      }
    }
    return true;
  }

  with(node: Node): Roster {
    return new Roster([...this.specs.values(), node]);
  }

  without(name: string): Roster {
    const kept = new Map(this.specs);
    return kept.delete(name) ? new Roster(kept.values()) : this;
  }

  /** Throws unless all weights are 1: for the algorithms that know none. */
  assertUnweighted(algorithm: string): void {
    for (const { weight = 1 } of this.specs.values()) {
      if (weight !== 1) {
        throw new RangeError(
          misuse("place nodes", `${algorithm} takes nodes of weight 1 only`, weight),
        );
      }
    }
  }
}

function normalise(node: NodeSpec): NodeSpec {
  const { name, weight = 1, zone } = node ?? {};
  if (typeof name !== "string" || !(zone === undefined || typeof zone === "string")) {
    const [field, value] = typeof name === "string" ? ["zone", zone] : ["name", name];
    throw new TypeError(
      misuse("place nodes", `'${field}' must be a text`, value),
    );
  }
  if (!(typeof weight === "number" && weight > 0 && weight <= 1_000)) {
    throw new RangeError(
      misuse("place nodes", "'weight' must be above 0 and at most 1000", weight),
    );
  }
  return zone === undefined ? { name, weight } : { name, weight, zone };
}

/**
 * Chooses `count` of the nodes that `next` gives in order of preference, as numbers of `names`, so that zones are used as evenly as their
 * sizes allow: each round takes the best remaining node of every zone.
 */
export function spread(
  next: () => number,
  count: number,
  { names, zones }: { readonly names: readonly string[]; readonly zones: Roster["zones"] },
): number[] {
  const used = new Map<number, number>();
  const rounds: number[][] = [[]];
  for (let pulled = 0; pulled < zones.size && rounds[0]!.length < count; pulled++) {
    const node = next();
    const zone = zones.get(names[node]!)!;
    const round = used.get(zone) ?? 0;
    used.set(zone, round + 1);
    (rounds[round] ??= []).push(node);
  }
  return rounds.flat().slice(0, count);
}
