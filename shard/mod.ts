/**
 * Consistent hashing: which node owns which key. Pure and immutable; ring, rendezvous and multiprobe place every key where
 * grafana/ckit places it.
 *
 * @module
 */
export type { Operation, Peer, PeerState } from "./peer.ts";
export { type PeerJson, peerJson } from "./peer_json.ts";
export { type Key, type KeyBuilder, keyBuilder, stringKey } from "./key.ts";
export type { Node, NodeSpec } from "./node.ts";
export type { Algorithm, Locator, LookupOptions, Placement } from "./placement.ts";
export { NotEnoughNodesError } from "./errors.ts";
export { ring, type RingOptions, type RingPlacement } from "./ring.ts";
export { type HashOptions, rendezvous } from "./rendezvous.ts";
export { type Sharder, sharder, type SharderOptions } from "./sharder.ts";
export type { HashFamily, HashStream } from "./hash/family.ts";
export { xxh64 } from "./hash/xxh64.ts";
export { fnv1a } from "./hash/fnv1a.ts";
export { murmur3 } from "./hash/murmur3.ts";
export { multiprobe } from "./multiprobe.ts";
export { jump } from "./jump.ts";
export { maglev, type MaglevOptions } from "./maglev.ts";
export { type Flow, type Movement, movement, type MovementOptions } from "./movement.ts";
export {
  type Assignment,
  bounded,
  type BoundedOptions,
  type BoundedPlacement,
  type Choice,
} from "./bounded.ts";
