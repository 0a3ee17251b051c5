import { describe, it } from "node:test";
import { readFile } from "node:fs/promises";
import { assert, assertEquals } from "@std/assert";
import { scuttlebutt } from "../gossip/scuttlebutt/mod.ts";
import { needs } from "../tests/_needs.ts";
import { nodeMetrics } from "./node_metrics.ts";

const stats = {
  packetsSent: 0,
  packetsReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  packetsFailed: 0,
  packetsDropped: 0,
  packetsReplaced: 0,
  requestsRefused: 0,
  queuedPackets: 0,
  connectionsOpened: 0,
  connectionsAccepted: 0,
  openConnections: 0,
  connectionBytesSent: 0,
  connectionBytesReceived: 0,
};

const core = scuttlebutt().create({
  name: "a",
  address: "10.0.0.1:80",
  clusterName: "prod",
  generation: 1,
  random: () => 0.5,
  now: 0,
});

function registered(): readonly (readonly [name: string, type: string])[] {
  const { registry } = nodeMetrics({
    name: "a",
    clusterName: "prod",
    protocolVersion: 2,
    peers: () => [],
    gossip: () => ({
      lamportTime: 0,
      healthScore: 0,
      queuedBroadcasts: 0,
      alive: 0,
      suspect: 0,
      dead: 0,
      left: 0,
    }),
    transport: () => stats,
    observers: () => 0,
    keyValues: { stats: () => core.scuttlebuttStats, phis: () => [] },
  });
  // The typings say that `type` is the enum's number; it is the word.
  return registry.getMetricsAsArray()
    .map(({ name, type }): readonly [string, string] => [name, String(type)])
    .sort(([left], [right]) => left < right ? -1 : 1);
}

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

describe("docs/metrics.md", needs("read"), () => {
  it("lists exactly the metrics that there are, with their types", async () => {
    const rows = (await read("../docs/metrics.md"))
      .matchAll(/^\| `(cluster_[a-z_]+)` +\| (counter|gauge|histogram) /gm);
    const listed = [...rows].map((
      [, name = "", type = ""],
    ): readonly [string, string] => [name, type]);
    assertEquals(listed.sort(([left], [right]) => left < right ? -1 : 1), registered());
  });
});

describe("docs/alerts.yaml", needs("read"), () => {
  it("uses only metrics that there are", async () => {
    const text = await read("../docs/alerts.yaml");
    const names = new Set(registered().map(([name]) => name));
    const used = new Set(
      [...text.matchAll(/\bcluster_[a-z_]+/g)]
        .map(([name]) => name.replace(/_(bucket|sum|count)$/, ""))
        .filter((name) => name !== "cluster_name"),
    );
    assert(used.size >= 7);
    for (const name of used) assert(names.has(name), name);
  });

  it("has an expression, a duration and two annotations for every alert", async () => {
    const rules = (await read("../docs/alerts.yaml")).split(/^ +- alert: /m).slice(1);
    assertEquals(rules.length, 8);
    for (const rule of rules) {
      for (const key of ["expr:", "for:", "severity:", "summary:", "description:"]) {
        assert(rule.includes(key), `${rule.split("\n")[0]} ${key}`);
      }
    }
  });
});
