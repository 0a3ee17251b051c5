/**
 * Clusters for TypeScript servers, on Deno, Bun and Node: who is alive, in which state, and who owns a key.
 *
 * A {@link Node} is a member. It speaks {@link swim} over {@link http2}, mounted in your own server, and places keys by a {@link ring}
 * or another algorithm. With the defaults it is wire-compatible with Grafana's ckit. With {@link scuttlebutt} in place of swim, every node
 * also owns keys that reach all others.
 *
 * @example Usage
 * ```ts
 * import { listen, Node, ring } from "@ck/cluster";
 * import { assertEquals } from "@std/assert";
 *
 * const server = await listen({ fetch: (request, env) => node.routes().fetch(request, env as object) });
 * const node = new Node({
 *   name: "a",
 *   advertiseAddr: server.addr,
 *   clusterName: "example",
 *   sharder: ring({ tokens: 512 }),
 * });
 * await node.start([]); // the addresses of others, when there are any
 * await node.changeState("participant");
 *
 * assertEquals(node.sharder.lookup("user:42", 1).map((peer) => peer.name), ["a"]);
 *
 * await node.stop();
 * await server.close();
 * ```
 *
 * @module
 */

// A member of a cluster.
export { Node, participantObserver } from "./membership/mod.ts";
export type { CallOptions, NodeHealth, NodeOptions, NodeStats } from "./membership/mod.ts";
export type { Clock, Logger, Observer } from "./membership/mod.ts";
export { JoinError, LeaveError, StateTransitionError, StoppedError } from "./membership/mod.ts";
export type { Entry, NodeMetadata, NodeState } from "./membership/mod.ts";

// How members learn of each other.
export { scuttlebutt } from "./gossip/scuttlebutt/scuttlebutt.ts";
export type { ScuttlebuttOptions } from "./gossip/scuttlebutt/mod.ts";
export { swim } from "./gossip/swim/swim.ts";
export type { SwimOptions, SwimPreset } from "./gossip/swim/mod.ts";
export type { GossipStrategy } from "./gossip/mod.ts";

// Who owns a key.
export { bounded, jump, maglev, multiprobe, rendezvous, ring } from "./shard/mod.ts";
export { NotEnoughNodesError, sharder, stringKey } from "./shard/mod.ts";
export type { Key, Operation, Peer, PeerState, Sharder } from "./shard/mod.ts";

// How bytes move.
export { http2, listen, memoryNetwork } from "./transport/mod.ts";
export type { Http2Options, Listener, ListenOptions, Transport } from "./transport/mod.ts";
