import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { needs } from "../tests/_needs.ts";
import { type ClientTlsOptions, http2 } from "../transport/http2.ts";
import { listen } from "../transport/listen.ts";
import { Journal, line } from "./_harness_nodes.ts";
import { RaftNode } from "./raft_node.ts";
import { MemorySnapshotStore } from "./snapshot/memory_snapshot_store.ts";
import { end } from "./transport/_harness.ts";
import { MemoryLogStore } from "./wal/memory_log_store.ts";

const readable = needs("read").skip === false;
const pem = (name: string) =>
  readable ? readFileSync(new URL(`../testdata/tls/${name}.pem`, import.meta.url), "utf8") : "";
const ca = pem("ca-old-cert");
const member = { ca, cert: pem("node-old-cert"), key: pem("node-old-key") };
const ids = ["a", "b", "c"];
const strangers: readonly (readonly [string, ClientTlsOptions])[] = [
  ["no certificate", { ca }],
  ["another authority's", { ca, cert: pem("node-new-cert"), key: pem("node-new-key") }],
];

async function group() {
  const transports = ids.map(() => http2({ tls: member }));
  const refused = Promise.withResolvers<void>();
  let refusals = 0;
  const tls = {
    ...member,
    requestClientCert: true,
    onHandshakeFailed: () => {
      refusals++;
      if (refusals === strangers.length) refused.resolve();
    },
  };
  const listeners = await Promise.all(transports.map(({ fetch }) => listen({ fetch, tls })));
  const bootstrap = ids.map((id, i) => ({ id, address: listeners[i]!.addr }));
  const journals = ids.map(() => new Journal());
  const nodes = await Promise.all(ids.map((id, i) =>
    RaftNode.open<number>({
      id,
      clusterName: "test",
      address: listeners[i]!.addr,
      transport: transports[i]!,
      log: new MemoryLogStore(),
      snapshots: new MemorySnapshotStore(),
      stateMachine: journals[i]!,
      bootstrap,
      heartbeatIntervalMs: 30,
      electionTimeoutMs: 300,
      forwardProposals: true,
      timeoutMs: 30_000,
      enqueueTimeoutMs: 30_000,
    })
  ));
  return {
    nodes,
    journals,
    bootstrap,
    refused: refused.promise,
    close: async () => {
      for (const node of nodes) await node.close();
      for (const listener of listeners) await listener.close();
    },
  };
}

describe("RaftNode over mutual TLS", needs("net", "sys", "env", "read"), () => {
  it("elects and replicates, and hears nobody who shows no certificate of the authority", async () => {
    const { nodes, journals, bootstrap, refused, close } = await group();
    await Promise.all(nodes.map((node) => node.propose(line(node.id))));
    await Promise.all(nodes.map((node) => node.readIndex()));
    for (const { lines } of journals) {
      assertEquals([...lines].sort(), ids);
      assertEquals(lines, journals[0]!.lines);
    }

    const { term } = nodes[0]!.status;
    const received = () => nodes.map(({ stats }) => stats.transport.streamsAccepted);
    const before = received();
    for (const [what, tls] of strangers) {
      // It says what a member says, in the name of one, of a term that nobody could ignore.
      const stranger = end({ transport: http2({ tls }), id: "a", address: "127.0.0.1:1" });
      stranger.raft.members(new Map([["b", bootstrap[1]!.address]]));
      stranger.raft.send({
        type: "heartbeat",
        from: "a",
        to: "b",
        term: term + 100,
        commit: 0,
        round: 1,
      });
      await stranger.until((heard) => heard === "unreachable b");
      const { streamsOpened, streamsFailed, framesSent } = stranger.raft.stats;
      assertEquals([streamsOpened, framesSent], [0, 0], what);
      assert(streamsFailed > 0, what);
      await stranger.raft.close();
    }
    await refused; // the server was told of all of them
    assertEquals(received(), before);
    await nodes[1]!.propose(line("after"));
    assert(nodes.every(({ status }) => status.term < term + 100));
    await close();
  });
});
