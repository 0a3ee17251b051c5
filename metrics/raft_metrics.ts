/**
 * The metrics of one member of a Raft group.
 *
 * @module
 */
import { Registry as PromRegistry } from "prom-client";
import type { RaftNodeStats, RaftNodeStatus } from "../raft/node_status.ts";
import { FailedReads, type ReadFailed } from "./_failed_reads.ts";
import { type Destination, pulled, type Sample } from "./_pulled.ts";
import type { Registry } from "./registry.ts";

/** What {@link raftMetrics} reads of a node. */
export interface RaftReading {
  /** The node as it is now. */
  readonly status: RaftNodeStatus;
  /** Counts and gauges. */
  readonly stats: RaftNodeStats;
}

/** Options of {@link raftMetrics}. */
export interface RaftMetricsOptions {
  /** Where the metrics go; a registry holds one member. A new one when absent. */
  readonly registry?: Registry;
  /** The name of the group, the label `cluster_name`. */
  readonly clusterName: string;
  /** The node. Read at every scrape. While that throws, the metrics concerned are missing; all others are served. */
  readonly node: RaftReading;
  /**
   * Told once of each metric that could not be read; every time counts in `cluster_metrics_failed_reads_total`.
   *
   * @default {a warning in LogTape's category `["@ck/cluster"]`}
   */
  readonly readFailed?: ReadFailed;
}

const ROLES = ["follower", "preCandidate", "candidate", "leader", "halted", "closed"] as const;
const PEER_STATES = ["probe", "replicate", "snapshot"] as const;

/**
 * Registers the metrics of a node. All are read when scraped; nothing is counted beside what the node counts itself.
 *
 * @example Usage
 * ```ts ignore
 * const registry = raftMetrics({ clusterName: "orders", node });
 * app.route("/", metricsRoutes(registry)); // GET /metrics
 * ```
 *
 * @returns The registry.
 */
export function raftMetrics(options: RaftMetricsOptions): Registry {
  const { node, clusterName } = options;
  const registry = options.registry ?? new PromRegistry();
  const to: Destination = { registry, failures: new FailedReads(registry, options.readFailed) };
  const cluster = { cluster_name: clusterName };
  const one = (
    kind: "counter" | "gauge",
    name: string,
    help: string,
    read: (reading: RaftReading) => number,
  ) =>
    pulled(kind, `raft_${name}`, {
      ...to,
      help,
      labelNames: ["cluster_name"],
      read: () => [[cluster, read(node)]],
    });
  const many = (
    kind: "counter" | "gauge",
    name: string,
    help: string,
    label: string,
    read: (reading: RaftReading) => Iterable<readonly [string, number]>,
  ) =>
    pulled(kind, `raft_${name}`, {
      ...to,
      help,
      labelNames: ["cluster_name", label],
      read: () =>
        [...read(node)].map(([value, count]): Sample => [{ ...cluster, [label]: value }, count]),
    });

  many(
    "gauge",
    "role",
    "1 for what the node is now, 0 for what it is not",
    "role",
    ({ status }) => ROLES.map((role) => [role, status.role === role ? 1 : 0]),
  );
  one("gauge", "term", "The latest term that the node knows of", ({ status }) => status.term);
  one(
    "gauge",
    "has_leader",
    "Whether the node knows who leads",
    ({ status }) => status.role === "leader" || status.leader !== undefined ? 1 : 0,
  );
  one("gauge", "last_index", "Last index of the log", ({ status }) => status.lastIndex);
  one("gauge", "commit_index", "Last index committed", ({ status }) => status.commitIndex);
  one(
    "gauge",
    "applied_index",
    "Last index that the state machine holds",
    ({ status }) => status.appliedIndex,
  );
  one(
    "gauge",
    "snapshot_index",
    "Index of the newest snapshot",
    ({ status }) => status.snapshot?.index ?? 0,
  );
  one("gauge", "voters", "Members with a vote", ({ status }) => status.config.voters.length);
  one("gauge", "learners", "Members without one", ({ status }) => status.config.learners.length);
  many(
    "gauge",
    "peer_match_index",
    "Last index that a member is known to hold; only where the node leads",
    "peer",
    ({ status }) => status.peers.map(({ id, match }) => [id, match]),
  );
  many(
    "gauge",
    "peer_silent_seconds",
    "Time since a member was heard; only where the node leads",
    "peer",
    ({ status }) => status.peers.map(({ id, silentMs }) => [id, silentMs / 1_000]),
  );
  many(
    "gauge",
    "peers",
    "Members by how entries are sent to them; only where the node leads",
    "state",
    ({ status }) =>
      PEER_STATES.map((state) => [
        state,
        status.peers.filter((peer) => peer.state === state).length,
      ]),
  );

  many(
    "counter",
    "role_changes_total",
    "Times that the node became this",
    "role",
    ({ stats }) => Object.entries(stats.roles),
  );
  one(
    "counter",
    "proposals_committed_total",
    "Proposals that were committed and answered here",
    ({ stats }) => stats.proposalsCommitted,
  );
  many(
    "counter",
    "proposals_failed_total",
    "Proposals that failed here, by reason",
    "reason",
    ({ stats }) => Object.entries(stats.proposalsFailed),
  );
  one(
    "gauge",
    "proposals_queued",
    "Proposals that wait to be appended",
    ({ stats }) => stats.proposalsQueued,
  );
  one(
    "gauge",
    "unapplied_bytes",
    "Bytes of own proposals appended and not yet applied",
    ({ stats }) => stats.unappliedBytes,
  );
  one("gauge", "reads_pending", "Linearizable reads under way", ({ stats }) => stats.readsPending);
  one("counter", "applied_total", "Entries applied", ({ stats }) => stats.entriesApplied);
  one(
    "gauge",
    "apply_waiting",
    "Entries committed that wait for the state machine",
    ({ stats }) => stats.entriesWaiting,
  );
  one("gauge", "sessions", "Clients with sessions", ({ stats }) => stats.sessions);
  many(
    "counter",
    "snapshots_total",
    "Snapshots, by what became of them",
    "outcome",
    ({ stats }) => Object.entries(stats.snapshots),
  );
  many(
    "counter",
    "refused_total",
    "What peers sent, or the own node met, that had no effect",
    "reason",
    ({ stats }) => Object.entries(stats.refused),
  );

  one("counter", "log_batches_total", "Writes of the log", ({ stats }) => stats.log.batches);
  one(
    "counter",
    "log_entries_total",
    "Entries written to the log",
    ({ stats }) => stats.log.entries,
  );
  one(
    "counter",
    "log_bytes_total",
    "Bytes written to the log",
    ({ stats }) => stats.log.bytesWritten,
  );
  one(
    "counter",
    "log_syncs_total",
    "Times that the disk was made durable; entries / syncs is the gain of group commit",
    ({ stats }) => stats.log.syncs,
  );
  one(
    "gauge",
    "log_last_sync_seconds",
    "How long the last of them took",
    ({ stats }) => stats.log.lastSyncMs / 1_000,
  );
  one(
    "gauge",
    "log_pending_bytes",
    "Bytes that wait for the disk",
    ({ stats }) => stats.log.pendingBytes,
  );
  one("gauge", "log_segments", "Files of the log", ({ stats }) => stats.log.segments);

  one("counter", "steps_total", "Inputs that the core took", ({ stats }) => stats.driver.steps);
  one(
    "counter",
    "late_timers_total",
    "Timers more than 20 ms late: the event loop was blocked",
    ({ stats }) => stats.driver.lateTimers,
  );
  one(
    "gauge",
    "worst_timer_lateness_seconds",
    "The latest of all timers so far",
    ({ stats }) => stats.driver.worstTimerLatenessMs / 1_000,
  );

  one(
    "counter",
    "frames_sent_total",
    "Frames sent to members",
    ({ stats }) => stats.transport.framesSent,
  );
  one("counter", "bytes_sent_total", "Bytes of them", ({ stats }) => stats.transport.bytesSent);
  one(
    "counter",
    "frames_received_total",
    "Frames received",
    ({ stats }) => stats.transport.framesReceived,
  );
  one(
    "counter",
    "appends_dropped_total",
    "Appends that were dropped, as the own disk had enough to write",
    ({ stats }) => stats.transport.appendsDropped,
  );
  one(
    "counter",
    "frames_dropped_total",
    "Frames dropped: member unreachable, or queue full",
    ({ stats }) => stats.transport.framesDropped,
  );
  one(
    "counter",
    "streams_opened_total",
    "Streams opened to members",
    ({ stats }) => stats.transport.streamsOpened,
  );
  one(
    "counter",
    "streams_failed_total",
    "Streams that broke, or could not be opened",
    ({ stats }) => stats.transport.streamsFailed,
  );
  one(
    "counter",
    "snapshot_bytes_sent_total",
    "Bytes of snapshots sent",
    ({ stats }) => stats.transport.snapshotBytesSent,
  );
  one(
    "counter",
    "snapshot_bytes_received_total",
    "Bytes of snapshots received",
    ({ stats }) => stats.transport.snapshotBytesReceived,
  );
  one(
    "gauge",
    "send_queue_bytes",
    "Bytes that wait to be sent",
    ({ stats }) => stats.transport.queuedBytes,
  );
  return registry;
}
