import process from "node:process";
import { Hono } from "hono";
import { Node, ring, swim } from "@ck/cluster";
import { listen } from "@ck/cluster/transport";

const port = Number(process.env.PORT ?? 8080);
const seeds = (process.env.SEEDS ?? "").split(",").filter(Boolean);

const node = new Node({
  name: `node-${port}`,
  advertiseAddr: `127.0.0.1:${port}`,
  clusterName: "example",
  gossip: swim("fast"),
  sharder: ring({ tokens: 512 }),
});

const app = new Hono();
app.route("/", node.routes()); // what the other nodes talk to
app.route("/", node.metricsRoutes()); // GET /metrics
app.get("/status", (c) => c.json(node.health));
app.get("/owners", (c) => {
  const keys = c.req.queries("key") ?? [];
  return c.json(keys.map((key) => node.sharder.lookup(key, 1, "readWrite")[0]?.name));
});

// HTTP/1.1 and HTTP/2 on one port, through @hono/node-server.
const server = await listen({ hostname: "127.0.0.1", port, fetch: app.fetch });
node.observe((peers) => console.log(JSON.stringify(peers)));
await node.start(seeds);
await node.changeState("participant");

const leave = async () => {
  await node.stop(); // tells the others, then closes
  await server.close();
  process.exit();
};
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, leave);
