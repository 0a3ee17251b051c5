/**
 * Whole nodes over a network in memory, for the tests of this room.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { scuttlebutt } from "../gossip/scuttlebutt/mod.ts";
import type { GossipStrategy } from "../gossip/strategy.ts";
import { swim } from "../gossip/swim/mod.ts";
import type { Peer } from "../shard/peer.ts";
import { memoryNetwork } from "../transport/memory.ts";
import type { MemoryNetwork } from "../transport/memory.ts";
import { keptLog, peer, seeded, VirtualClock } from "./_harness.ts";
import { Node } from "./node.ts";
import type { NodeOptions } from "./options.ts";

/** Where the node of a one-letter name lives. */
export const addressOf = (name: string): string => `10.0.0.${name.charCodeAt(0) - 96}:80`;
/** The names of peers, as one word. */
export const names = (peers: readonly Peer[]): string => peers.map((peer) => peer.name).join("");
/** What a node sees, with states. */
export const states = (node: Node): string =>
  node.peers.map((peer) => `${peer.name}:${peer.state}`).join(" ");

/** Nodes over a network in memory, on virtual time. */
export interface World {
  readonly network: MemoryNetwork;
  readonly clock: VirtualClock;
  /** Creates a node; its address comes of its name. */
  readonly create: (name: string, options?: Partial<NodeOptions>) => Node;
  /** Waits, in virtual time, for an action that needs time to pass. */
  readonly during: <T>(action: Promise<T>, withinMs?: number) => Promise<T>;
  /** Creates, starts and joins nodes, named `a`, `b`, … */
  readonly cluster: (count: number, options?: Partial<NodeOptions>) => Promise<Node[]>;
  /** Stops all nodes; nothing of them may be left. */
  readonly end: () => Promise<void>;
}

/** A world of each protocol: what a node owes its user, it owes with all of them. */
export const worlds: readonly (readonly [protocol: string, world: (seed?: number) => World])[] = [
  ["swim", (seed) => world(seed)],
  ["scuttlebutt", (seed) => world(seed, scuttlebutt({ gossipIntervalMs: 100 }))],
];

/** Creates a world without nodes. */
export function world(seed = 1, gossip: GossipStrategy = swim("fast")): World {
  const network = memoryNetwork();
  const clock = new VirtualClock();
  const nodes: Node[] = [];
  const create = (name: string, options: Partial<NodeOptions> = {}) => {
    const advertiseAddr = options.advertiseAddr ?? addressOf(name);
    const node = new Node({
      name,
      advertiseAddr,
      clusterName: "test",
      gossip,
      transport: options.transport ?? network.transport(advertiseAddr),
      logger: keptLog(),
      generation: 1,
      clock,
      random: seeded(seed * 100 + nodes.length),
      ...options,
    });
    nodes.push(node);
    return node;
  };
  const during = async <T>(action: Promise<T>, withinMs = 30_000): Promise<T> => {
    let settled = false;
    const mark = () => void (settled = true);
    action.then(mark, mark);
    assert(await clock.until(() => settled, withinMs), "the action did not end in time");
    return await action;
  };
  const cluster = async (count: number, options: Partial<NodeOptions> = {}) => {
    const formed = Array.from({ length: count }, (_, i) => create("abcdefgh"[i]!, options));
    await during(formed[0]!.start([]));
    for (const node of formed.slice(1)) await during(node.start([addressOf("a")]));
    const all = names(formed.map((node) => peer(node.name)));
    assert(await clock.until(() => formed.every((node) => names(node.peers) === all), 10_000));
    return formed;
  };
  const end = async () => {
    await during(Promise.all(nodes.map((node) => node.stop())));
    assertEquals(clock.pending, 0, "a stopped node holds no timer");
  };
  return { network, clock, create, during, cluster, end };
}
