/**
 * What a node thinks right now, for a status page.
 *
 * @module
 */
import { viewHash } from "../metrics/view_hash.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { ResolvedNodeOptions } from "./options.ts";

/** What the last search for peers found. */
export interface DiscoveryHealth {
  /** Where was looked: the discovery's own line, `start` for addresses given to start. */
  readonly source: string;
  /** How long ago the search ended, in milliseconds. */
  readonly ageMs: number;
  /** What was found, as `ip:port`. */
  readonly addresses: readonly string[];
  /** What failed, one line each. */
  readonly failures: readonly string[];
}

/** An error that the node survived. */
export interface LastError {
  /** One line. */
  readonly message: string;
  /** How long ago, in milliseconds. */
  readonly ageMs: number;
}

/** A snapshot of a node, plain data through and through: `JSON.stringify` loses nothing. */
export interface NodeHealth {
  /** The node's name. */
  readonly name: string;
  /** Where it tells peers to reach it. */
  readonly addr: string;
  /** The cluster that it belongs to. */
  readonly clusterName: string;
  /** The gossip protocol. */
  readonly gossip: string;
  /** Which life of the name this is. */
  readonly generation: number;
  /** Where the node is in its life. */
  readonly phase: "created" | "started" | "left" | "stopping" | "stopped";
  /** What the node declared. */
  readonly state: PeerState;
  /** Whether the node was admitted. */
  readonly admitted: boolean;
  /** How many members the node needs to see for that. */
  readonly minClusterSize: number;
  /** All members, sorted by name, itself included. */
  readonly members: readonly Peer[];
  /** How many of them are in each state. */
  readonly states: Readonly<Record<PeerState, number>>;
  /** Fingerprint of the members, the metric `cluster_view_hash`: nodes that see the same cluster show the same. */
  readonly viewHash: number;
  /** Lifeguard's health score: 0 is healthy. */
  readonly healthScore: number;
  /** The last search for peers; `undefined` before the first, and where there is nowhere to look. */
  readonly discovery: DiscoveryHealth | undefined;
  /** The last error; `undefined` when there was none. */
  readonly lastError: LastError | undefined;
}

/** What of {@link NodeHealth} changes while a node runs. */
export type LiveHealth = Pick<
  NodeHealth,
  | "generation"
  | "phase"
  | "state"
  | "admitted"
  | "members"
  | "healthScore"
  | "discovery"
  | "lastError"
>;

/** Completes a snapshot. */
export function healthOf(options: ResolvedNodeOptions, live: LiveHealth): NodeHealth {
  const states = { viewer: 0, participant: 0, terminating: 0 };
  for (const peer of live.members) states[peer.state] += 1;
  return Object.freeze({
    name: options.name,
    addr: options.advertiseAddr,
    clusterName: options.clusterName,
    gossip: options.gossip.name,
    minClusterSize: options.minClusterSize,
    states: Object.freeze(states),
    viewHash: viewHash(live.members),
    ...live,
  });
}
