/**
 * Membership: who is in the cluster, in which state, and who owns a key.
 *
 * @module
 */
export type { CallOptions } from "./calls.ts";
export { cryptoRandom, systemClock } from "./clock.ts";
export type { Clock } from "./clock.ts";
export type { DriverStats } from "./driver.ts";
export { JoinError, LeaveError, StateTransitionError, StoppedError } from "./errors.ts";
export type { JoinFailure } from "./errors.ts";
export { TypedEventTarget } from "./events.ts";
export type {
  DeleteKeyEvent,
  GenerationRaise,
  NameConflict,
  NodeAdmission,
  NodeEventMap,
  NodeLifeEvent,
  UpsertKeyEvent,
} from "./events.ts";
export type { DiscoveryHealth, LastError, NodeHealth } from "./health.ts";
export { logtape } from "./logger.ts";
export type { LogFields, Logger } from "./logger.ts";
export { Node } from "./node.ts";
export { participantObserver } from "./observers.ts";
export type { Observer } from "./observers.ts";
export type { NodeLimits, NodeOptions, NodeTransport } from "./options.ts";
export type { NodeStats } from "./stats.ts";
export type {
  Entry,
  LocalWrite,
  NodeMetadata,
  NodeState,
  ScuttlebuttEvent,
} from "../gossip/scuttlebutt/mod.ts";
export type { AddressFailure } from "../gossip/strategy.ts";
export type { StreamCounts } from "./streams.ts";
export type { Peer, PeerState } from "../shard/peer.ts";
