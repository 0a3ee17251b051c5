/**
 * One member of a replicated key-value store, on Deno, Bun or Node:
 * `member.ts --id a --addr 127.0.0.1:7001 --members a=127.0.0.1:7001,b=127.0.0.1:7002,c=127.0.0.1:7003 --dir ./data/a`.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { type Context, Hono } from "hono";
import {
  FileLogStore,
  FileSnapshotStore,
  type LeaderHint,
  ProposalError,
  RaftNode,
  ReadError,
} from "@ck/cluster/raft";
import { http2, listen } from "@ck/cluster/transport";
import { encodeCommand, type KvCommand, KvStore } from "./kv.ts";

const { values } = parseArgs({
  options: {
    id: { type: "string", default: "a" },
    addr: { type: "string", default: "127.0.0.1:7001" },
    members: { type: "string", default: "a=127.0.0.1:7001" },
    dir: { type: "string", default: "./data" },
    "snapshot-entries": { type: "string", default: "10000" },
  },
});
const { id, addr, dir } = values;
const founders = values.members.split(",").map((member) => {
  const [id, address] = member.split("=") as [string, string];
  return { id, address };
});

const store = new KvStore();
const transport = http2();
const app = new Hono();
app.route("/", transport.routes()); // what the other members talk to

const node = await RaftNode.open({
  id,
  clusterName: "raft-kv",
  address: addr,
  transport,
  log: new FileLogStore({ directory: dir, cluster: "raft-kv", nodeId: id }),
  snapshots: new FileSnapshotStore({ directory: `${dir}/snap` }),
  stateMachine: store,
  bootstrap: founders,
  heartbeatIntervalMs: 50,
  electionTimeoutMs: 500,
  timeoutMs: 3_000,
  snapshotEntries: Number(values["snapshot-entries"]),
});

/** Sends who must ask elsewhere there, and says what is known of a write that failed. */
function refusal(c: Context, error: unknown): Response {
  if (!(error instanceof ProposalError) && !(error instanceof ReadError)) throw error;
  const leader: LeaderHint | undefined = error.leader;
  const outcome = error instanceof ProposalError ? error.outcome : "not-proposed";
  if (outcome === "not-proposed" && leader?.address !== undefined) {
    const { pathname, search } = new URL(c.req.url);
    return c.redirect(`http://${leader.address}${pathname}${search}`, 307);
  }
  return c.json({ outcome, reason: error.reason }, outcome === "unknown" ? 504 : 503);
}

async function propose(c: Context, command: KvCommand): Promise<Response> {
  try {
    const { index, result } = await node.propose(encodeCommand(command));
    return c.json({ index, ...result });
  } catch (error) {
    return refusal(c, error);
  }
}

app.get("/kv/:key", async (c) => {
  const key = c.req.param("key");
  if (c.req.query("stale") !== undefined) {
    return c.json({ value: store.value(key), appliedIndex: node.status.appliedIndex });
  }
  try {
    const index = await node.readIndex(); // from here on the store holds all that anybody was told of
    return c.json({ value: store.value(key), index });
  } catch (error) {
    return refusal(c, error);
  }
});
app.put("/kv/:key", async (c) => {
  const value = await c.req.text();
  return await propose(c, { op: "put", key: c.req.param("key"), value });
});
app.post("/kv/:key/cas", async (c) => {
  const { expect, value } = await c.req.json<{ expect: string | null; value: string }>();
  return await propose(c, { op: "cas", key: c.req.param("key"), expect, value });
});
app.get("/status", (c) => c.json({ ...node.status, keys: store.size }));
app.get("/stats", (c) => c.json(node.stats));

const port = Number(addr.slice(addr.lastIndexOf(":") + 1));
const server = await listen({ hostname: "127.0.0.1", port, fetch: app.fetch });

node.events.addEventListener("role", ({ detail }) => console.log(JSON.stringify(detail)));
// Whose disk was wiped learns from the others that it is a member no more, and they say so too.
node.events.addEventListener("refused", ({ detail: { reason, detail } }) => {
  if (reason === "storage") console.error(detail);
});
node.events.addEventListener("halted", ({ detail }) => {
  console.error(detail);
  process.exit(1); // a broken disk heals in a new process, if at all
});

const leave = async () => {
  await node.transferLeadership().catch(() => {}); // not the leader, or nobody to hand over to
  await node.close();
  await server.close();
  process.exit();
};
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, leave);
