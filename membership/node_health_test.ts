import { describe, it } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { world } from "./_harness_world.ts";
import { StoppedError } from "./errors.ts";
import { Node } from "./node.ts";

describe("Node health and metrics", () => {
  it("health is plain data, and nodes that agree show one view hash", async () => {
    const { cluster, during, clock, end } = world();
    const [a, b] = await cluster(2) as [Node, Node];
    assertEquals(a.health.viewHash, b.health.viewHash);
    const before = a.health.viewHash;
    await during(a.changeState("participant"));
    assert(await clock.until(() => a.health.viewHash === b.health.viewHash, 5_000));
    assert(a.health.viewHash !== before);
    const { health } = a;
    assertEquals(JSON.parse(JSON.stringify(health)), {
      name: "a",
      addr: "10.0.0.1:80",
      clusterName: "test",
      gossip: "swim",
      generation: 1,
      phase: "started",
      state: "participant",
      admitted: true,
      minClusterSize: 1,
      members: [
        { name: "a", addr: "10.0.0.1:80", self: true, state: "participant" },
        { name: "b", addr: "10.0.0.2:80", self: false, state: "viewer" },
      ],
      states: { viewer: 1, participant: 1, terminating: 0 },
      viewHash: health.viewHash,
      healthScore: 0,
    });
    const { ageMs, ...found } = JSON.parse(JSON.stringify(b.health.discovery));
    assertEquals(typeof ageMs, "number");
    assertEquals(found, { source: "start", addresses: ["10.0.0.1:80"], failures: [] });
    await end();
  });

  it("metricsRoutes() serves the node's metrics", async () => {
    const { cluster, end } = world();
    const [a] = await cluster(2) as [Node, Node];
    const text = await (await a.metricsRoutes().request("/metrics")).text();
    assertStringIncludes(text, 'cluster_node_peers{cluster_name="test",state="viewer"} 2');
    await end();
  });

  it("stats add up", async () => {
    const { cluster, clock, end } = world();
    const [a] = await cluster(2) as [Node, Node];
    await clock.advance(3_000);
    const { gossip, driver, transport, counted } = a.stats;
    assertEquals(gossip.alive, 2);
    assert(driver.exchangesAccepted >= 1);
    assert(transport.packetsSent > 0);
    assert(counted.probe! > 0);
    assertEquals(driver.packetsDropped, 0);
    await end();
  });

  it("routes() of a transport without routes is a mistake", () => {
    const { create } = world();
    assertThrows(() => create("a").routes(), TypeError, "routes");
  });

  it("routes() of the default transport are a Hono app", async () => {
    const node = new Node({ name: "a", advertiseAddr: "10.0.0.1:80", clusterName: "" });
    const app = node.routes();
    assertEquals((await app.request("/nothing")).status, 404);
    await node.stop();
    assertInstanceOf(new StoppedError("x"), StoppedError);
  });

  it("metrics tell the protocol's version and count streams, as ckit's do", async () => {
    const { cluster, end } = world();
    const [a] = await cluster(2) as [Node, Node];
    const text = await a.registry.metrics();
    assertStringIncludes(text, 'cluster_node_gossip_proto_version{cluster_name="test"} 2');
    for (const name of ["rx_packets", "tx_packets"]) {
      const [, count] = new RegExp(`^cluster_transport_stream_${name}_total (\\d+)$`, "m").exec(
        text,
      )!;
      assert(Number(count) > 0, name);
    }
    assertStringIncludes(text, "cluster_transport_stream_tx_packets_failed_total 0");
    await end();
  });
});
