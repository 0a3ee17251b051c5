/**
 * The metrics of a protocol whose nodes own keys: Kite's six, and what else tells how it is.
 *
 * @module
 */
import type { ScuttlebuttStats } from "../gossip/scuttlebutt/mod.ts";
import { type Destination, pulled } from "./_pulled.ts";

/** What a protocol whose nodes own keys tells. The functions are called on every scrape, more than once. */
export interface KeyValueSource {
  /** Its counts and gauges. */
  stats(): ScuttlebuttStats;
  /** How suspect each other node is that has not left: `[name, φ]`. */
  phis(): readonly (readonly [name: string, phi: number])[];
}

type Direction = "inbound" | "outbound";

interface TotalOf {
  readonly help: string;
  readonly read: Readonly<Record<Direction, (stats: ScuttlebuttStats) => number>>;
}

const TOTALS: Readonly<Record<string, TotalOf>> = {
  connections: {
    help: "Exchanges by stream: joins, syncs, goodbyes",
    read: { inbound: (s) => s.streamsInbound, outbound: (s) => s.streamsOutbound },
  },
  stream_bytes: {
    help: "Bytes of exchanges by stream",
    read: { inbound: (s) => s.streamBytesInbound, outbound: (s) => s.streamBytesOutbound },
  },
  packet_bytes: {
    help: "Bytes of packets",
    read: { inbound: (s) => s.packetBytesInbound, outbound: (s) => s.packetBytesOutbound },
  },
  digest_entries: {
    help: "Lines of digests",
    read: { inbound: (s) => s.digestEntriesInbound, outbound: (s) => s.digestEntriesOutbound },
  },
  delta_entries: {
    help: "Entries of keys in deltas",
    read: { inbound: (s) => s.deltaEntriesInbound, outbound: (s) => s.deltaEntriesOutbound },
  },
};

type Row = readonly [
  kind: "counter" | "gauge",
  name: string,
  help: string,
  read: (stats: ScuttlebuttStats) => number,
];

const ROWS: readonly Row[] = [
  ["counter", "rounds_total", "Rounds that this node began", (stats) => stats.rounds],
  [
    "counter",
    "compactions_total",
    "Times that this node dropped its tombstones and sent its keys anew",
    (stats) => stats.compactions,
  ],
  [
    "counter",
    "stall_seconds_total",
    "Silence that was held against nobody, as this process slept",
    (stats) => stats.stalledMs / 1000,
  ],
  [
    "gauge",
    "digest_bytes",
    "Bytes of a digest of all nodes; above the packet size it goes by pages",
    (stats) => stats.digestBytes,
  ],
  ["gauge", "state_bytes", "Bytes of all keys of all nodes", (stats) => stats.stateBytes],
  [
    "gauge",
    "backlog_bytes",
    "About how much did not fit into a packet since the last round",
    (stats) => stats.backlogBytes,
  ],
  ["gauge", "graves", "Removed lives that are remembered", (stats) => stats.graves],
  [
    "gauge",
    "suspicion_max",
    "Silence of the most silent peer that is up, in mean gaps of its heartbeats; down above the threshold",
    (stats) => stats.worstSuspicion,
  ],
];

/** Registers them, all under `cluster_gossip_`. */
export function registerKeyValues(
  to: Destination,
  clusterName: string,
  source: KeyValueSource,
): void {
  const cluster = { cluster_name: clusterName };
  const labelNames = ["cluster_name"];
  for (const [name, { help, read }] of Object.entries(TOTALS)) {
    for (const direction of ["inbound", "outbound"] as const) {
      pulled("counter", `cluster_gossip_${name}_${direction}_total`, {
        ...to,
        help: `${help}, ${direction}`,
        labelNames,
        read: () => [[cluster, read[direction](source.stats())]],
      });
    }
  }
  for (const [kind, name, help, read] of ROWS) {
    pulled(kind, `cluster_gossip_${name}`, {
      ...to,
      help,
      labelNames,
      read: () => [[cluster, read(source.stats())]],
    });
  }
  pulled("gauge", "cluster_gossip_entries", {
    ...to,
    help: "Entries held of all nodes: live keys, deleted ones, and the protocol's own",
    labelNames: ["cluster_name", "deleted", "internal"],
    read: () => {
      const { liveEntries, tombstones, internalEntries } = source.stats();
      return [
        [{ ...cluster, deleted: "false", internal: "false" }, liveEntries],
        [{ ...cluster, deleted: "true", internal: "false" }, tombstones],
        [{ ...cluster, deleted: "false", internal: "true" }, internalEntries],
      ];
    },
  });
  pulled("gauge", "cluster_gossip_phi", {
    ...to,
    help:
      "How suspect each other node is: the negative decimal logarithm of the chance that it is only late",
    labelNames: ["cluster_name", "node"],
    read: () => source.phis().map(([node, phi]) => [{ ...cluster, node }, phi]),
  });
}
