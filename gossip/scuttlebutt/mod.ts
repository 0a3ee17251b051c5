/**
 * Scuttlebutt: keys that each node owns and all others come to hold, failure detection by φ accrual, and watcher events.
 *
 * @module
 */
export { scuttlebutt } from "./scuttlebutt.ts";
export type { ScuttlebuttStrategy } from "./scuttlebutt.ts";
export { ScuttlebuttCore } from "./core.ts";
export type { ScuttlebuttOptions, ScuttlebuttSettings } from "./options.ts";
export type { ScuttlebuttStats } from "./stats.ts";
export type { Entry, LocalWrite, NodeMetadata, NodeState, ScuttlebuttEvent } from "./model.ts";
export type {
  Block,
  DigestEntry,
  Packet,
  Prefix,
  Reject,
  Source,
  StreamMessage,
} from "./messages.ts";
export type {
  Address,
  AddressFailure,
  GossipContext,
  GossipCore,
  GossipCounter,
  GossipEffect,
  GossipInput,
  GossipStats,
  GossipStrategy,
  MessageReader,
  Prng,
  Refusal,
  StrategyEvent,
} from "../strategy.ts";
export type { Peer, PeerState } from "../../shard/peer.ts";
export * from "./wire/mod.ts";
