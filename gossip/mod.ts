/**
 * Gossip protocols as pure state machines, and the contract that they share.
 *
 * @module
 */
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
} from "./strategy.ts";
export { PhiEstimator } from "./phi.ts";
export type { PhiOptions } from "./phi.ts";
export type { Peer, PeerState } from "../shard/peer.ts";
