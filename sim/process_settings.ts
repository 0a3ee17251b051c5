import type { GossipStrategy } from "../gossip/strategy.ts";
import type { Algorithm } from "../shard/placement.ts";

/** Settings that all processes of a world share. */
export interface ProcessSettings {
  readonly strategy: GossipStrategy;
  readonly algorithm: Algorithm;
  readonly rejoinIntervalMs: number;
  readonly maxJoinPeers: number;
  readonly minClusterSize: number;
  /** Packets that may wait while the process sleeps: what a driver and its transport hold. */
  readonly maxWaitingPackets: number;
}
