/**
 * A service registry without a registry: every node publishes where it is and which version it runs, and every node keeps the table of
 * all of them by what its watcher tells. Runs on Deno, Bun and Node:
 *
 *     PORT=8081 NAME=one deno run -A examples/service-registry.ts
 *     PORT=8082 NAME=two SEEDS=localhost:8081 bun examples/service-registry.ts
 *     curl localhost:8082/registry
 *     curl -X PUT -d 2.0.0 localhost:8081/keys/version
 *
 * @module
 */
import process from "node:process";
import { Hono } from "hono";
import { listen, Node, scuttlebutt } from "@ck/cluster";

const { NAME, SEEDS = "", VERSION = "1.0.0", PORT = "8080", INTERVAL_MS = "500" } = process.env;
const address = `127.0.0.1:${PORT}`;

const node = new Node({
  ...(NAME === undefined ? {} : { name: NAME }), // without one: nine random characters
  advertiseAddr: address,
  clusterName: "registry",
  gossip: scuttlebutt({ gossipIntervalMs: Number(INTERVAL_MS) }),
});

// The table, kept by the watcher alone.
interface Row {
  status: "up" | "down" | "left";
  readonly keys: Record<string, string>;
}
const registry = new Map<string, Row>();
const tell = (event: object) => console.log(JSON.stringify(event));

for (const type of ["join", "leave", "up", "down", "expired"] as const) {
  node.addEventListener(type, ({ detail }) => {
    const { id } = detail;
    if (type === "join") registry.set(id, { status: "up", keys: {} });
    else if (type === "expired") registry.delete(id);
    else registry.get(id)!.status = type === "leave" ? "left" : type;
    tell(detail);
  });
}
node.addEventListener("upsertKey", ({ detail }) => {
  registry.get(detail.id)!.keys[detail.key] = detail.value;
  tell(detail);
});
node.addEventListener("deleteKey", ({ detail }) => {
  delete registry.get(detail.id)!.keys[detail.key];
  tell(detail);
});

const app = new Hono();
app.route("/", node.routes()); // what the other nodes talk to
app.route("/", node.metricsRoutes()); // GET /metrics
app.get("/registry", (c) => c.json(Object.fromEntries(registry)));
app.get("/nodes", (c) => c.json(node.nodes().map(({ id }) => node.node(id))));
app.put("/keys/:key", async (c) => {
  return c.json(node.upsertLocal(c.req.param("key"), await c.req.text()));
});
app.delete("/keys/:key", (c) => c.json(node.deleteLocal(c.req.param("key"))));

const server = await listen({ port: Number(PORT), fetch: (request) => app.fetch(request) });
node.upsertLocal("address", `http://${address}`);
node.upsertLocal("runtime", "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node");
node.upsertLocal("version", VERSION);
const joined = await node.join(SEEDS.split(",").filter(Boolean));
tell({ type: "ready", id: node.name, joined });

const leave = async () => {
  try {
    await node.leave(); // up to three others hear of it, and tell the rest
  } catch (error) {
    console.error(String(error)); // nobody could be told: they will find the node down
  }
  await node.close();
  await server.close();
  process.exit();
};
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, leave);
