import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Node, swim } from "../mod.ts";
import { needs } from "../tests/_needs.ts";
import { http2, type Http2Transport } from "../transport/http2.ts";
import { listen, type Listener } from "../transport/listen.ts";
import { shareTransport } from "../transport/shared.ts";
import { Journal, line } from "./_harness_nodes.ts";
import { RaftNode } from "./raft_node.ts";
import { MemorySnapshotStore } from "./snapshot/memory_snapshot_store.ts";
import { MemoryLogStore } from "./wal/memory_log_store.ts";

interface Member {
  readonly id: string;
  readonly transport: Http2Transport;
  readonly listener: Listener;
  readonly journal: Journal;
  readonly node: RaftNode<number>;
  readonly gossip: Node;
}

/** Waits for what a node announces. */
async function seen(nodes: readonly RaftNode<number>[], wanted: () => boolean): Promise<void> {
  const stop = new AbortController();
  const watched = nodes.map(async (node) => {
    for await (const _ of node.watch({ signal: stop.signal })) if (wanted()) break;
    stop.abort();
  });
  await Promise.all(watched);
  assert(wanted());
}

async function group(ids: readonly string[]): Promise<readonly Member[]> {
  const transports = ids.map(() => http2());
  const listeners = await Promise.all(transports.map(({ fetch }) => listen({ fetch })));
  const bootstrap = ids.map((id, i) => ({ id, address: listeners[i]!.addr }));
  return await Promise.all(ids.map(async (id, i) => {
    const shared = shareTransport(transports[i]!);
    const address = listeners[i]!.addr;
    const gossip = new Node({
      name: id,
      advertiseAddr: address,
      clusterName: "test",
      gossip: swim("fast"),
      transport: shared.gossip,
    });
    await gossip.start(listeners.slice(0, i).map(({ addr }) => addr));
    const journal = new Journal();
    const node = await RaftNode.open<number>({
      id,
      clusterName: "test",
      address,
      transport: shared.raft,
      log: new MemoryLogStore(),
      snapshots: new MemorySnapshotStore(),
      stateMachine: journal,
      bootstrap,
      heartbeatIntervalMs: 30,
      electionTimeoutMs: 300,
      forwardProposals: true,
      timeoutMs: 30_000,
      enqueueTimeoutMs: 30_000,
    });
    return { id, transport: transports[i]!, listener: listeners[i]!, journal, node, gossip };
  }));
}

describe("RaftNode over HTTP/2", needs("net", "sys", "env", "read"), () => {
  it("agrees beside gossip on one port, and survives its leader", async () => {
    const members = await group(["a", "b", "c"]);
    const nodes = members.map(({ node }) => node);
    await Promise.all(nodes.map((node) => node.propose(line(`from ${node.id}`))));
    await Promise.all(nodes.map((node) => node.readIndex()));
    for (const { journal, gossip } of members) {
      assertEquals([...journal.lines].sort(), ["from a", "from b", "from c"]);
      assert(gossip.peers.length >= 1);
    }
    const lines = members[0]!.journal.lines;
    assertEquals(members[1]!.journal.lines, lines);

    const leading = () => members.find(({ node }) => node.status.role === "leader");
    await seen(nodes, () => leading() !== undefined);
    const old = leading()!;
    await old.node.close();
    const rest = members.filter((member) => member !== old);
    await Promise.all(rest.map(({ node }) => node.propose(line("after"))));
    await Promise.all(rest.map(({ node }) => node.readIndex()));
    for (const { journal } of rest) assertEquals(journal.lines, [...lines, "after", "after"]);

    for (const { node, gossip, listener } of members) {
      await node.close();
      await gossip.stop();
      await listener.close();
    }
  });
});
