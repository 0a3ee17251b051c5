/// <reference path="./bun.d.ts" />
import process from "node:process";
import { Hono } from "hono";
import { Node, ring, swim } from "@ck/cluster";

const port = Number(Bun.env.PORT ?? 8080);
const seeds = (Bun.env.SEEDS ?? "").split(",").filter(Boolean);

const node = new Node({
  name: `bun-${port}`,
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

const server = Bun.serve({
  hostname: "127.0.0.1",
  port,
  http2: true, // the nodes speak HTTP/2, browsers may go on with HTTP/1.1
  idleTimeout: 0,
  fetch: app.fetch,
});
node.observe((peers) => console.log(JSON.stringify(peers)));
await node.start(seeds);
await node.changeState("participant");

const leave = async () => {
  await node.stop(); // tells the others, then closes
  await server.stop(true);
  process.exit();
};
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, leave);
