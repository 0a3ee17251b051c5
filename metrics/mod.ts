/**
 * Prometheus metrics of a node, under ckit's names, with a route to scrape them and a sampler of the event loop's lag.
 *
 * @module
 */
export { eventLoopLag } from "./event_loop_lag.ts";
export type { EventLoopLag, EventLoopLagOptions } from "./event_loop_lag.ts";
export { nodeMetrics } from "./node_metrics.ts";
export type {
  GossipEvent,
  NodeMetrics,
  NodeMetricsOptions,
  TransportReading,
} from "./node_metrics.ts";
export type { KeyValueSource } from "./_key_value_metrics.ts";
export { raftMetrics, type RaftMetricsOptions, type RaftReading } from "./raft_metrics.ts";
export type { Registry } from "./registry.ts";
export { metricsRoutes, type MetricsRoutesOptions } from "./routes.ts";
export type { Hono } from "./routes.ts";
export type { ReadFailed } from "./_failed_reads.ts";
export { viewHash } from "./view_hash.ts";
export type { Clock } from "../membership/clock.ts";
export type { ScuttlebuttStats } from "../gossip/scuttlebutt/mod.ts";
export type { GossipCounter, GossipStats } from "../gossip/strategy.ts";
export type { Peer, PeerState } from "../shard/peer.ts";
export type { TransportStats } from "../transport/transport.ts";
