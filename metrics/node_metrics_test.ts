import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Gauge, Registry } from "prom-client";
import type { GossipCounter, GossipStats } from "../gossip/strategy.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import { nodeMetrics } from "./node_metrics.ts";
import type { NodeMetricsOptions, TransportReading } from "./node_metrics.ts";
import { viewHash } from "./view_hash.ts";

const peer = (name: string, state: PeerState, self = false): Peer => ({
  name,
  addr: `10.0.0.${name.charCodeAt(0)}:80`,
  self,
  state,
});
const gossip: GossipStats = {
  lamportTime: 42,
  healthScore: 3,
  queuedBroadcasts: 4,
  alive: 5,
  suspect: 1,
  dead: 2,
  left: 6,
};
const transport: TransportReading = {
  packetsSent: 10,
  packetsReceived: 20,
  bytesSent: 1000,
  bytesReceived: 2000,
  packetsFailed: 3,
  packetsDropped: 4,
  packetsReplaced: 5,
  requestsRefused: 6,
  queuedPackets: 7,
  connectionsOpened: 8,
  connectionsAccepted: 9,
  openConnections: 2,
  connectionBytesSent: 300,
  connectionBytesReceived: 400,
};
const options: NodeMetricsOptions = {
  name: "a",
  clusterName: "prod",
  peers: () => [peer("a", "participant", true), peer("b", "viewer"), peer("c", "participant")],
  gossip: () => gossip,
  transport: () => transport,
  observers: () => 2,
  protocolVersion: 2,
};

/** Every sample line, by its name and labels. */
async function scrape(registry: { metrics(): Promise<string> }): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split("\n").filter((line) => /^[a-z]/.test(line));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

describe("nodeMetrics()", () => {
  it("exports ckit's metrics, with its labels", async () => {
    const samples = await scrape(nodeMetrics(options).registry);
    const expected: Record<string, number> = {
      'cluster_node_peers{cluster_name="prod",state="viewer"}': 1,
      'cluster_node_peers{cluster_name="prod",state="participant"}': 2,
      'cluster_node_peers{cluster_name="prod",state="terminating"}': 0,
      'cluster_node_info{cluster_name="prod",state="participant"}': 1,
      'cluster_node_gossip_health_score{cluster_name="prod"}': 3,
      'cluster_node_gossip_alive_peers{cluster_name="prod"}': 6,
      'cluster_node_gossip_proto_version{cluster_name="prod"}': 2,
      "cluster_node_lamport_time": 42,
      'cluster_node_updating{cluster_name="prod"}': 0,
      'cluster_node_update_observers{cluster_name="prod"}': 2,
      'cluster_node_update_duration_seconds_count{cluster_name="prod"}': 0,
      'cluster_node_gossip_received_events_total{cluster_name="prod",event="node_conflict"}': 0,
      'cluster_node_gossip_broadcasts_total{cluster_name="prod",event="state_change_message"}': 0,
      "cluster_transport_rx_packets_total": 20,
      "cluster_transport_rx_bytes_total": 2000,
      "cluster_transport_tx_packets_total": 13,
      "cluster_transport_tx_bytes_total": 1000,
      "cluster_transport_tx_packets_failed_total": 3,
      "cluster_transport_rx_packet_queue_length": 0,
      "cluster_transport_tx_packet_queue_length": 7,
      "cluster_transport_streams": 2,
      "cluster_transport_stream_rx_bytes_total": 400,
      "cluster_transport_stream_tx_bytes_total": 300,
    };
    for (const [sample, value] of Object.entries(expected)) {
      assertEquals(samples.get(sample), value, sample);
    }
  });

  it("exports its own", async () => {
    const samples = await scrape(nodeMetrics({ ...options, protocol: "swim" }).registry);
    const expected: Record<string, number> = {
      'cluster_node_name_info{cluster_name="prod",node="a",protocol="swim"}': 1,
      'cluster_view_hash{cluster_name="prod"}': viewHash(options.peers()),
      'cluster_gossip_members{cluster_name="prod",state="dead"}': 2,
      'cluster_gossip_members{cluster_name="prod",state="left"}': 6,
      'cluster_gossip_queued_broadcasts{cluster_name="prod"}': 4,
      'cluster_gossip_propagation_seconds_count{cluster_name="prod"}': 0,
      'cluster_event_loop_lag_seconds_count{cluster_name="prod"}': 0,
      "cluster_transport_tx_packets_dropped_total": 4,
      "cluster_transport_tx_packets_replaced_total": 5,
      "cluster_transport_requests_refused_total": 6,
      "cluster_transport_streams_opened_total": 8,
      "cluster_transport_streams_accepted_total": 9,
    };
    for (const [sample, value] of Object.entries(expected)) {
      assertEquals(samples.get(sample), value, sample);
    }
  });

  it("omits what has no source", async () => {
    const bare = await nodeMetrics({
      name: "a",
      clusterName: "",
      peers: () => [],
      gossip: () => gossip,
    }).registry.metrics();
    assert(!bare.includes("cluster_transport_"));
    assert(!bare.includes("cluster_node_update_observers"));
    assert(!bare.includes("cluster_node_gossip_proto_version"));
    assertStringIncludes(bare, 'cluster_node_info{cluster_name="",state=""} 1');
    const samples = await scrape(nodeMetrics(options).registry);
    assertEquals(samples.get("cluster_transport_stream_rx_packets_total"), undefined);
    const reads = { ...transport, connectionReads: 11, receivedQueue: 12 };
    const told = await scrape(nodeMetrics({ ...options, transport: () => reads }).registry);
    assertEquals(told.get("cluster_transport_stream_rx_packets_total"), 11);
    assertEquals(told.get("cluster_transport_rx_packet_queue_length"), 12);
  });

  it("reads its sources anew on every scrape", async () => {
    let state: PeerState = "viewer";
    let received = 1;
    const { registry } = nodeMetrics({
      ...options,
      peers: () => [peer("a", state, true)],
      transport: () => ({ ...transport, packetsReceived: received }),
    });
    const viewer = 'cluster_node_info{cluster_name="prod",state="viewer"}';
    const terminating = 'cluster_node_info{cluster_name="prod",state="terminating"}';
    const before = await scrape(registry);
    assertEquals([before.get(viewer), before.get(terminating)], [1, undefined]);
    [state, received] = ["terminating", 5];
    const after = await scrape(registry);
    assertEquals([after.get(viewer), after.get(terminating)], [undefined, 1]);
    assertEquals(after.get("cluster_transport_rx_packets_total"), 5);
    assertEquals((await scrape(registry)).get("cluster_transport_rx_packets_total"), 5);
  });

  it("count() puts every counter where it belongs", async () => {
    const event = (name: string) =>
      `cluster_node_gossip_received_events_total{cluster_name="prod",event="${name}"}`;
    const plain = (name: string) => `cluster_gossip_${name}_total{cluster_name="prod"}`;
    const table: readonly (readonly [GossipCounter, string])[] = [
      ["eventNodeJoin", event("node_join")],
      ["eventNodeLeave", event("node_leave")],
      ["eventNodeUpdate", event("node_update")],
      ["eventNodeConflict", event("node_conflict")],
      ["eventStateMessage", event("state_change_message")],
      ["eventRemoteState", event("merge_remote_state")],
      ["probe", plain("probes")],
      ["probeFailed", plain("probes_failed")],
      ["nack", plain("nacks")],
      ["refutation", plain("refutations")],
      ["suspicion", plain("suspicions")],
      ["lateTimer", plain("late_timers")],
    ];
    const metrics = nodeMetrics(options);
    const before = await scrape(metrics.registry);
    for (const [at, [counter, sample]] of table.entries()) {
      assertEquals(before.get(sample), 0, sample);
      metrics.count(counter, at + 1);
      metrics.count(counter);
    }
    const after = await scrape(metrics.registry);
    for (const [at, [, sample]] of table.entries()) assertEquals(after.get(sample), at + 2, sample);
  });

  it("event() and broadcast() count what has no counter of the core", async () => {
    const metrics = nodeMetrics(options);
    metrics.event("unknown_message", 2);
    metrics.broadcast();
    const text = await metrics.registry.metrics();
    assertStringIncludes(text, 'events_total{cluster_name="prod",event="unknown_message"} 2');
    assertStringIncludes(
      text,
      'broadcasts_total{cluster_name="prod",event="state_change_message"} 1',
    );
  });

  it("refused() counts by reason, and bounds the reasons", async () => {
    const metrics = nodeMetrics(options);
    for (let at = 0; at < 100; at++) metrics.refused(`reason${at}`);
    metrics.refused("reason0");
    const samples = await scrape(metrics.registry);
    const refused = [...samples].filter(([name]) =>
      name.startsWith("cluster_gossip_refused_total")
    );
    assertEquals(refused.length, 65);
    const of = (reason: string) =>
      samples.get(`cluster_gossip_refused_total{cluster_name="prod",reason="${reason}"}`);
    assertEquals([of("reason0"), of("reason63"), of("other")], [2, 1, 36]);
  });

  it("updateStarted() and stateChangeStarted() time what they are told", async () => {
    let now = 1000;
    const metrics = nodeMetrics({ ...options, now: () => now });
    const first = metrics.updateStarted();
    const second = metrics.updateStarted();
    const changed = metrics.stateChangeStarted();
    const updating = 'cluster_node_updating{cluster_name="prod"}';
    now += 300;
    first();
    first();
    assertEquals((await scrape(metrics.registry)).get(updating), 1);
    now += 700;
    second();
    changed();
    metrics.observeLag(250);
    const samples = await scrape(metrics.registry);
    const of = (name: string) => samples.get(`cluster_${name}{cluster_name="prod"}`);
    assertEquals(samples.get(updating), 0);
    assertEquals(of("node_update_duration_seconds_count"), 2);
    assertEquals(of("node_update_duration_seconds_sum"), 1.3);
    assertEquals(of("gossip_propagation_seconds_sum"), 1);
    assertEquals(of("event_loop_lag_seconds_sum"), 0.25);
    const bucket = 'cluster_event_loop_lag_seconds_bucket{le="0.1",cluster_name="prod"}';
    assertEquals(samples.get(bucket), 0);
  });

  it("shares a registry, but not with a second node, and leaves it clean", async () => {
    const registry = new Registry();
    new Gauge({ name: "mine", help: "mine", registers: [registry] });
    const metrics = nodeMetrics({ ...options, registry });
    assertEquals(metrics.registry, registry);
    assertThrows(() => nodeMetrics({ ...options, registry }), Error, "one node");
    metrics.close();
    metrics.close();
    assertEquals(registry.getMetricsAsArray().map(({ name }) => name), ["mine"]);
    metrics.count("probe");
    const again = nodeMetrics({ ...options, registry });
    assert((await scrape(again.registry)).has("mine"));
  });

  it("leaves a registry unchanged when a name is taken", () => {
    const registry = new Registry();
    new Gauge({ name: "cluster_transport_streams", help: "x", registers: [registry] });
    assertThrows(() => nodeMetrics({ ...options, registry }), Error, "cluster_transport_streams");
    assertEquals(registry.getMetricsAsArray().length, 1);
  });

  it("leaves out what cannot be read, counts it each time, tells of it once, and serves the rest", async () => {
    const told: (readonly [string, unknown])[] = [];
    const problem = new Error("closed");
    let broken = true;
    const metrics = nodeMetrics({
      ...options,
      observers: () => {
        if (broken) throw problem;
        return 2;
      },
      // No number, as a transport that is not type-checked might give.
      transport: () => ({ ...transport, bytesSent: (broken ? "many" : 7) as number }),
      readFailed: (...failure) => {
        told.push(failure);
        throw new Error("a logger that throws");
      },
    });
    const observers = 'cluster_node_update_observers{cluster_name="prod"}';
    const failed = (metric: string) => `cluster_metrics_failed_reads_total{metric="${metric}"}`;
    const first = await scrape(metrics.registry);
    const second = await scrape(metrics.registry);
    for (const [at, samples] of [first, second].entries()) {
      assertEquals(samples.get(observers), undefined);
      assertEquals(samples.get("cluster_transport_tx_bytes_total"), undefined);
      assertEquals(samples.get("cluster_transport_rx_bytes_total"), 2000);
      assertEquals(samples.get('cluster_node_peers{cluster_name="prod",state="viewer"}'), 1);
      assertEquals(samples.get(failed("cluster_node_update_observers")), at + 1);
      assertEquals(samples.get(failed("cluster_transport_tx_bytes_total")), at + 1);
    }
    assertEquals(told.map(([metric]) => metric).sort(), [
      "cluster_node_update_observers",
      "cluster_transport_tx_bytes_total",
    ]);
    assertEquals(told.find(([metric]) => metric.endsWith("observers"))?.[1], problem);
    broken = false;
    const third = await scrape(metrics.registry);
    assertEquals([third.get(observers), third.get("cluster_transport_tx_bytes_total")], [2, 7]);
    assertEquals(third.get(failed("cluster_node_update_observers")), 2);
  });

  it("escapes names into labels", async () => {
    const metrics = nodeMetrics({ ...options, clusterName: 'a"b\\c' });
    assertStringIncludes(await metrics.registry.metrics(), 'cluster_name="a\\"b\\\\c"');
  });
});

describe("viewHash()", () => {
  it("is FNV-1a over name, address and state", () => {
    assertEquals(viewHash([]), 0x811c9dc5);
    const one = [peer("a", "viewer")];
    assertEquals(viewHash(one), viewHash([{ ...one[0]!, self: true }]));
    const others: readonly Peer[] = [
      peer("b", "viewer"),
      peer("a", "participant"),
      { ...one[0]!, addr: "10.0.0.1:81" },
    ];
    assertEquals(new Set([viewHash(one), ...others.map((other) => viewHash([other]))]).size, 4);
  });
});
