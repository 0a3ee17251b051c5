import { misuse, settle } from "./_options.ts";
import { compareNames } from "./_roster.ts";
import type { Key } from "./key.ts";
import type { Node, NodeSpec } from "./node.ts";
import type { Operation, Peer, PeerState } from "./peer.ts";
import type { Algorithm, Locator, LookupOptions, Placement } from "./placement.ts";

/** Settings of a sharder. */
export interface SharderOptions {
  /**
   * Weight and zone of a peer, for instance from a table of one's own; called once for each peer of each new sharder. All members
   * must answer alike. @default {() => ({})}
   */
  readonly describe?: (peer: Peer) => Omit<NodeSpec, "name">;
}

/** Who owns a key among the peers of a cluster: an immutable value, made anew when peers change. */
export interface Sharder {
  /** How keys are placed. */
  readonly algorithm: Algorithm;
  /** The peers that can own keys (all but viewers), sorted by name, bytewise. Frozen. */
  readonly peers: readonly Peer[];
  /**
   * The owners of a key, the first owner first.
   *
   * @param key The key, or a text that is hashed with the algorithm's family.
   * @param count How many distinct owners, a non-negative integer; 0 gives an empty list.
   * @param op `read` asks participants and terminating peers, `readWrite` participants only.
   * @param options How owners are chosen.
   * @returns A frozen list of exactly `count` peers; lists may be shared between calls.
   * @throws {NotEnoughNodesError} If fewer than `count` peers are eligible.
   * @throws {TypeError} If `op` is none of the two, or `key` neither integer nor text.
   * @throws {RangeError} If `count` is negative or fractional, or `key` does not fit in 64 bits.
   */
  lookup(
    key: Key | string,
    count: number,
    op?: Operation,
    options?: LookupOptions,
  ): readonly Peer[];
  /**
   * The sharder of exactly these peers, reusing what this one knows: after a few changes no tokens are made but those of new peers.
   *
   * @param peers All peers, in any order; of two with one name the later counts.
   * @returns A new sharder; this one stays as it is.
   */
  withPeers(peers: Iterable<Peer>): Sharder;
}

/**
 * Creates a sharder: places keys on peers by their state. Two placements are kept, one for reads (participants and terminating
 * peers) and one for reads with writes (participants only); they share everything while nobody is terminating.
 *
 * @example Usage
 * ```ts
 * import { type Peer, ring, sharder } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const peer = (name: string, state: Peer["state"]): Peer =>
 *   ({ name, addr: `${name}:80`, self: false, state });
 * const before = sharder(ring(), [peer("a", "participant"), peer("b", "participant")]);
 * const after = before.withPeers([peer("a", "participant"), peer("b", "terminating")]);
 *
 * assertEquals(after.lookup("user:42", 2, "read").length, 2);
 * assertEquals(after.lookup("user:42", 1).map(({ name }) => name), ["a"]); // b takes no new writes
 * ```
 *
 * @param algorithm How to place keys.
 * @param peers The peers.
 * @param options Settings.
 * @returns The sharder.
 * @throws {TypeError} If there is no option of a name that is given, a name is no text, or a state none of the three.
 */
export function sharder(
  algorithm: Algorithm,
  peers: Iterable<Peer> = [],
  options: SharderOptions = {},
): Sharder {
  settle("create a sharder", options, {
    describe: (_peer: Peer): Omit<NodeSpec, "name"> => ({}),
  });
  const nothing = algorithm.place([]);
  return new PeerSharder(algorithm, options, peers, { read: nothing, readWrite: nothing });
}

const states: readonly PeerState[] = ["viewer", "participant", "terminating"];

interface Placements {
  readonly read: Placement;
  readonly readWrite: Placement;
}

class PeerSharder implements Sharder {
  readonly algorithm: Algorithm;
  readonly peers: readonly Peer[];
  readonly #options: SharderOptions;
  readonly #placements: Placements;
  readonly #read: Locator<Peer>;
  readonly #readWrite: Locator<Peer>;

  constructor(
    algorithm: Algorithm,
    options: SharderOptions,
    peers: Iterable<Peer>,
    before: Placements,
  ) {
    const byName = new Map<string, Peer>();
    for (const { name, addr, self, state } of peers) {
      if (!states.includes(state)) {
        throw new TypeError(
          misuse("place peers", `'state' must be ${states.join(" or ")}`, state),
        );
      }
      byName.set(name, Object.freeze({ name, addr, self, state }));
    }
    for (const [name, { state }] of byName) if (state === "viewer") byName.delete(name);
    const owners = [...byName.values()].sort((a, b) => compareNames(a.name, b.name));
    const node = (peer: Peer): Node =>
      options.describe === undefined ? peer.name : { ...options.describe(peer), name: peer.name };
    const nodes = owners.map(node);
    const writable = nodes.filter((_, i) => owners[i]!.state === "participant");

    const read = before.read.update(nodes);
    // Either way no tokens are made: from the former placement nodes are taken away only, if it has all of them; from `read` always.
    const known = new Set(before.readWrite.nodes);
    const had = owners.every(({ name, state }) => state !== "participant" || known.has(name));
    const readWrite = writable.length === nodes.length
      ? read
      : (had ? before.readWrite : read).update(writable);
    const value = (name: string) => byName.get(name)!;

    this.algorithm = algorithm;
    this.peers = Object.freeze(owners);
    this.#options = options;
    this.#placements = { read, readWrite };
    this.#read = read.project(value);
    this.#readWrite = readWrite === read ? this.#read : readWrite.project(value);
    Object.freeze(this);
  }

  lookup(
    key: Key | string,
    count: number,
    op: Operation = "readWrite",
    options?: LookupOptions,
  ): readonly Peer[] {
    if (op === "readWrite") return this.#readWrite.lookup(key, count, options);
    if (op === "read") return this.#read.lookup(key, count, options);
    throw new TypeError(
      misuse("look up owners", "'op' must be read or readWrite", op),
    );
  }

  withPeers(peers: Iterable<Peer>): Sharder {
    return new PeerSharder(this.algorithm, this.#options, peers, this.#placements);
  }
}
