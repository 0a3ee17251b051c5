/**
 * The metrics of one node, under the names that ckit gave them.
 *
 * @module
 */
import { Gauge, Histogram, Registry as PromRegistry } from "prom-client";
import type { GossipCounter, GossipStats } from "../gossip/strategy.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { TransportStats } from "../transport/transport.ts";
import { registerCounts } from "./_counts.ts";
import { FAILED_READS, FailedReads, failedReadsOf, type ReadFailed } from "./_failed_reads.ts";
import { registerKeyValues } from "./_key_value_metrics.ts";
import type { KeyValueSource } from "./_key_value_metrics.ts";
import { type Destination, pulled } from "./_pulled.ts";
import type { Registry } from "./registry.ts";
import { registerTransport } from "./_transport_metrics.ts";
import { viewHash } from "./view_hash.ts";

/** The values of the label `event` of `cluster_node_gossip_received_events_total`. */
export type GossipEvent =
  | "state_change_message"
  | "unknown_message"
  | "get_local_state"
  | "merge_remote_state"
  | "node_join"
  | "node_leave"
  | "node_update"
  | "node_conflict";

/** What a transport tells, with what only some transports can tell. Where a field is missing, so is its metric. */
export interface TransportReading extends TransportStats {
  /** Packets received and not yet processed; 0 when missing. */
  readonly receivedQueue?: number;
  /** Reads from connections. */
  readonly connectionReads?: number;
  /** Those of them that failed. */
  readonly connectionReadsFailed?: number;
  /** Writes to connections. */
  readonly connectionWrites?: number;
  /** Those of them that failed. */
  readonly connectionWritesFailed?: number;
}

/**
 * Options of {@link nodeMetrics}. The functions are called on every scrape and must be quick. While one throws, the metrics that it is read
 * for are missing; all others are served.
 */
export interface NodeMetricsOptions {
  /** Where the metrics go; a registry holds one node. A new one when absent. */
  readonly registry?: Registry;
  /** The node's name. */
  readonly name: string;
  /** The cluster's name, the label `cluster_name`. */
  readonly clusterName: string;
  /** The gossip protocol: `swim`, `scuttlebutt`. */
  readonly protocol?: string;
  /** The version of the gossip protocol on the wire, where it has one. */
  readonly protocolVersion?: number;
  /** The peers as this node sees them, itself included, sorted by name. */
  readonly peers: () => readonly Peer[];
  /** The numbers of the gossip core. */
  readonly gossip: () => GossipStats;
  /** The numbers of the transport; without it there are no `cluster_transport_*` metrics. */
  readonly transport?: () => TransportReading;
  /** The numbers of a protocol whose nodes own keys; without it there are none of their metrics. */
  readonly keyValues?: KeyValueSource;
  /** How many observers there are; without it there is no `cluster_node_update_observers`. */
  readonly observers?: () => number;
  /**
   * Told once of each metric that could not be read; every time counts in `cluster_metrics_failed_reads_total`.
   *
   * @default {a warning in LogTape's category `["@ck/cluster"]`}
   */
  readonly readFailed?: ReadFailed;
  /**
   * Monotonic milliseconds, for durations.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/** The metrics of one node. Frozen. */
export interface NodeMetrics {
  /** Holds the metrics; renders them with `await registry.metrics()`. */
  readonly registry: Registry;
  /** Counts what a gossip core counted: pass every `counted` effect on. */
  count(counter: GossipCounter, by?: number): void;
  /** Counts an event that has no {@link GossipCounter}. */
  event(event: GossipEvent, by?: number): void;
  /** Counts news of others that this node began to pass on. */
  broadcast(by?: number): void;
  /** Counts a refusal by its reason. */
  refused(reason: string): void;
  /** Takes one sample of the event loop's lag, milliseconds: the `onSample` of `eventLoopLag`. */
  observeLag(lagMs: number): void;
  /** An observer began to process a change of the peers. Call what it returns when it is done. */
  updateStarted(): () => void;
  /**
   * An own state change began. Call what it returns once the core reports it `done`, which is when the news was sent for the last time;
   * drop it when the change failed.
   */
  stateChangeStarted(): () => void;
  /** Takes the metrics out of the registry; they count on, unseen. Idempotent. */
  close(): void;
}

const STATES: readonly PeerState[] = ["viewer", "participant", "terminating"];

/** prom-client's default buckets are those of ckit's client library too. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function registerNode(to: Destination, options: NodeMetricsOptions): void {
  const { name, clusterName, protocol = "", protocolVersion, peers, gossip, observers } = options;
  const cluster = { cluster_name: clusterName };
  const labelNames = ["cluster_name"];
  pulled("gauge", "cluster_node_peers", {
    ...to,
    help: "Live peers that this node sees, itself included, by what they declare to be",
    labelNames: ["cluster_name", "state"],
    read: () =>
      STATES.map((state) => [
        { ...cluster, state },
        peers().filter((peer) => peer.state === state).length,
      ]),
  });
  pulled("gauge", "cluster_node_info", {
    ...to,
    help: "Always 1; the label says what this node declares to be",
    labelNames: ["cluster_name", "state"],
    read: () => [[{ ...cluster, state: peers().find((peer) => peer.self)?.state ?? "" }, 1]],
  });
  pulled("gauge", "cluster_node_name_info", {
    ...to,
    help: "Always 1; the labels name this node and its gossip protocol",
    labelNames: ["cluster_name", "node", "protocol"],
    read: () => [[{ ...cluster, node: name, protocol }, 1]],
  });
  pulled("gauge", "cluster_view_hash", {
    ...to,
    help: "Fingerprint of the peer list; nodes that see the same cluster agree on it",
    labelNames,
    read: () => [[cluster, viewHash(peers())]],
  });
  pulled("gauge", "cluster_node_lamport_time", {
    ...to,
    help: "The Lamport clock of this node",
    read: () => gossip().lamportTime,
  });
  pulled("gauge", "cluster_node_gossip_health_score", {
    ...to,
    help: "How unwell this node finds itself: 0 is healthy, more is worse",
    labelNames,
    read: () => [[cluster, gossip().healthScore]],
  });
  pulled("gauge", "cluster_node_gossip_alive_peers", {
    ...to,
    help: "Members that the gossip protocol holds to be there, suspected ones and itself included",
    labelNames,
    read: () => [[cluster, gossip().alive + gossip().suspect]],
  });
  pulled("gauge", "cluster_gossip_members", {
    ...to,
    help: "Members that the gossip protocol remembers, by what it believes of them",
    labelNames: ["cluster_name", "state"],
    read: () => {
      const { alive, suspect, dead, left } = gossip();
      return Object.entries({ alive, suspect, dead, left })
        .map(([state, count]) => [{ ...cluster, state }, count]);
    },
  });
  pulled("gauge", "cluster_gossip_queued_broadcasts", {
    ...to,
    help: "News waiting to be sent again",
    labelNames,
    read: () => [[cluster, gossip().queuedBroadcasts]],
  });
  if (protocolVersion !== undefined) {
    pulled("gauge", "cluster_node_gossip_proto_version", {
      ...to,
      help: "Version of the gossip protocol on the wire",
      labelNames,
      read: () => [[cluster, protocolVersion]],
    });
  }
  if (observers !== undefined) {
    pulled("gauge", "cluster_node_update_observers", {
      ...to,
      help: "Observers of the peer list in this process",
      labelNames,
      read: () => [[cluster, observers()]],
    });
  }
}

/**
 * The metrics of one node. Names, labels and meanings are ckit's where ckit has the metric, so that dashboards and alerts made for it
 * work; `docs/metrics.md` lists all of them.
 *
 * Most values are pulled when scraped. What only happens once is pushed: counts, refusals, durations, lag.
 *
 * `cluster_gossip_propagation_seconds` is measured at the origin alone, with its own clock, since no time of day travels with the news:
 * from the call that changes the state to the moment its news was sent for the last time. By then, every node should have it; that each
 * one has is not known.
 *
 * @throws {Error} When the registry already holds a node; it is then unchanged.
 *
 * @example Usage
 * ```ts
 * import { nodeMetrics } from "@ck/cluster/metrics";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const metrics = nodeMetrics({
 *   name: "a",
 *   clusterName: "prod",
 *   peers: () => [{ name: "a", addr: "10.0.0.1:80", self: true, state: "participant" }],
 *   gossip: () => ({
 *     lamportTime: 7, healthScore: 0, queuedBroadcasts: 0, alive: 1, suspect: 0, dead: 0, left: 0,
 *   }),
 * });
 * metrics.count("probe");
 * const text = await metrics.registry.metrics();
 * assertStringIncludes(text, 'cluster_node_peers{cluster_name="prod",state="participant"} 1');
 * assertStringIncludes(text, 'cluster_gossip_probes_total{cluster_name="prod"} 1');
 * ```
 */
export function nodeMetrics(options: NodeMetricsOptions): NodeMetrics {
  const { registry = new PromRegistry(), clusterName, transport, keyValues } = options;
  const { now = () => performance.now() } = options;
  if (registry.getSingleMetric("cluster_node_peers") !== undefined) {
    throw new Error(
      `Cannot register node ${options.name} as a registry holds one node: current value has one already`,
    );
  }
  // Built apart first, so that a name the registry already uses for something else leaves no half of a node in it.
  const own = new PromRegistry();
  const registers = [own];
  const cluster = { cluster_name: clusterName };
  const labelNames = ["cluster_name"];
  const to: Destination = {
    registry: own,
    failures: new FailedReads(registry, options.readFailed),
  };
  registerNode(to, options);
  if (transport !== undefined) registerTransport(to, transport);
  if (keyValues !== undefined) registerKeyValues(to, clusterName, keyValues);
  const counts = registerCounts(own, clusterName);
  const updateDuration = new Histogram({
    name: "cluster_node_update_duration_seconds",
    help: "How long an observer took to process a change of the peers",
    buckets: DEFAULT_BUCKETS,
    labelNames,
    registers,
  });
  const updating = new Gauge({
    name: "cluster_node_updating",
    help: "1 while an observer processes a change of the peers",
    labelNames,
    registers,
  });
  const propagation = new Histogram({
    name: "cluster_gossip_propagation_seconds",
    help: "From an own state change to the last time that its news was sent",
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    labelNames,
    registers,
  });
  const lag = new Histogram({
    name: "cluster_event_loop_lag_seconds",
    help: "How much later than asked a timer fired",
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    labelNames,
    registers,
  });
  for (const histogram of [updateDuration, propagation, lag]) histogram.zero(cluster);
  updating.set(cluster, 0);

  const metrics = own.getMetricsAsArray();
  const taken = metrics.find(({ name }) => registry.getSingleMetric(name) !== undefined);
  if (taken !== undefined) {
    throw new Error(
      `Cannot register node ${options.name} as metric names must be free: current value is ${taken.name}`,
    );
  }
  const names = metrics.map(({ name }) => name);
  for (const name of names) {
    const metric = own.getSingleMetric(name);
    if (metric !== undefined) registry.registerMetric(metric);
  }
  // Last, so that it counts the scrape that shows it. What else is in the registry may have it already, and keeps it then.
  if (registry.getSingleMetric(FAILED_READS) === undefined) names.push(FAILED_READS);
  failedReadsOf(registry);

  const timed = (histogram: Histogram, ended: () => void = () => {}) => {
    const start = now();
    let running = true;
    return () => {
      if (!running) return;
      running = false;
      histogram.observe(cluster, Math.max(0, now() - start) / 1000);
      ended();
    };
  };
  let updates = 0;
  const updated = (by: 1 | -1) => {
    updates += by;
    updating.set(cluster, updates > 0 ? 1 : 0);
  };
  return Object.freeze<NodeMetrics>({
    registry,
    count: (counter, by = 1) => counts.count(counter, by),
    event: (event, by = 1) => counts.event(event, by),
    broadcast: (by = 1) => counts.broadcast(by),
    refused: (reason) => counts.refused(reason),
    observeLag: (lagMs) => lag.observe(cluster, lagMs / 1000),
    updateStarted() {
      updated(1);
      return timed(updateDuration, () => updated(-1));
    },
    stateChangeStarted: () => timed(propagation),
    close() {
      for (const name of names.splice(0)) registry.removeSingleMetric(name);
    },
  });
}
