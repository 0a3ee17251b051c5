/**
 * SWIM membership, compatible with ckit on the wire: the protocol core, and memberlist's and ckit's codecs.
 *
 * @module
 */
export { swim } from "./swim.ts";
export type {
  Address,
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
} from "../strategy.ts";
export type { Peer, PeerState } from "../../shard/peer.ts";
export type { SwimOptions, SwimPreset } from "./options.ts";
export type {
  Ack,
  Alive,
  Dead,
  IndirectPing,
  LocalState,
  Nack,
  NodeState,
  PacketMessage,
  Ping,
  PushNodeState,
  PushPull,
  RemoteError,
  StateMessage,
  StreamMessage,
  Suspect,
  User,
} from "./messages.ts";
export * from "./wire/mod.ts";
