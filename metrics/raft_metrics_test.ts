import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Group, line } from "../raft/_harness_nodes.ts";
import { raftMetrics, type RaftReading } from "./raft_metrics.ts";

describe("raftMetrics()", () => {
  it("shows a leader's numbers, and nothing before it was scraped", async () => {
    const group = new Group();
    await group.found(["a", "b", "c"]);
    const node = await group.leader();
    const registry = raftMetrics({ clusterName: "orders", node });
    await group.time.value(node.propose(line("x")));
    await group.agree(["x"]);
    const text = await registry.metrics();
    const value = (name: string, ...labels: string[]) => {
      const found = text.split("\n").find((line) =>
        line.startsWith(`raft_${name}{`) && labels.every((label) => line.includes(label))
      );
      assert(found !== undefined, `there is raft_${name} ${labels}`);
      return Number(found.slice(found.lastIndexOf(" ") + 1));
    };
    assertEquals(value("role", 'role="leader"', 'cluster_name="orders"'), 1);
    assertEquals(value("role", 'role="follower"'), 0);
    assertEquals(value("has_leader"), 1);
    assertEquals(value("proposals_committed_total"), 1);
    assertEquals(value("voters"), 3);
    assertEquals(value("applied_index"), node.status.appliedIndex);
    for (const { id, match } of node.status.peers) {
      assertEquals(value("peer_match_index", `peer="${id}"`), match);
    }
    assertEquals(value("role_changes_total", 'role="leader"'), 1);
    await group.close();
    const closed = await registry.metrics();
    assert(closed.includes('raft_role{cluster_name="orders",role="closed"} 1'));
  });

  it("leaves out what cannot be read, and serves the rest", async () => {
    const group = new Group();
    await group.found(["a"]);
    const { status } = await group.leader();
    const told: string[] = [];
    const node = {
      status,
      get stats(): never {
        throw new Error("gone");
      },
    } as unknown as RaftReading;
    const registry = raftMetrics({
      clusterName: "orders",
      node,
      readFailed: (metric) => void told.push(metric),
    });
    await registry.metrics();
    const text = await registry.metrics();
    assert(text.includes('raft_voters{cluster_name="orders"} 1'));
    assert(!text.includes("raft_applied_total{"));
    assert(text.includes('cluster_metrics_failed_reads_total{metric="raft_applied_total"} 2'));
    assertEquals(told.filter((metric) => metric === "raft_applied_total").length, 1);
    await group.close();
  });
});
