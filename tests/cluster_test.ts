import { after, describe, it } from "node:test";
import { Hono } from "hono";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JoinError, listen, type Listener, Node, type Peer, ring, swim } from "../mod.ts";
import { needs } from "./_needs.ts";

/** Generous: it only bounds a failure. */
const limitMs = 20_000;

interface Member {
  readonly node: Node;
  readonly listener: Listener;
}

/** A node in a server of its own, beside a route of the user's. */
async function member(name: string): Promise<Member> {
  const app = new Hono().get("/hello", (context) => context.text(`hello from ${name}`));
  const listener = await listen({ fetch: (request, env) => app.fetch(request, env as object) });
  const node = new Node({
    name,
    advertiseAddr: listener.addr,
    clusterName: "cluster_test",
    gossip: swim("fast"),
    sharder: ring({ tokens: 512 }),
  });
  app.route("/", node.routes());
  return { node, listener };
}

/** Follows a node's view until it is as expected. */
async function until(node: Node, expected: string): Promise<void> {
  const signal = AbortSignal.timeout(limitMs);
  let last = "";
  for await (const peers of node.watch({ signal })) {
    last = states(peers);
    if (last === expected) return;
  }
  assertEquals(last, expected, `${node.name} did not get there in time`);
}

const states = (peers: readonly Peer[]) =>
  peers.map(({ name, state }) => `${name}:${state}`).join(" ");

describe("three nodes over HTTP/2 on loopback", needs("net"), () => {
  const members: Member[] = [];
  after(async () => {
    await Promise.all(members.map(({ node }) => node.stop()));
    await Promise.all(members.map(({ listener }) => listener.close()));
  });

  it("form a cluster, agree on owners, and see one leave", async () => {
    for (const name of ["a", "b", "c"]) members.push(await member(name));
    const [a, b, c] = members.map(({ node }) => node) as [Node, Node, Node];

    await a.start([]);
    await b.start([a.advertiseAddr]);
    await c.start([a.advertiseAddr]);
    await Promise.all([a, b, c].map((node) => node.changeState("participant")));
    const all = "a:participant b:participant c:participant";
    await Promise.all([a, b, c].map((node) => until(node, all)));
    assertEquals(new Set([a, b, c].map((node) => node.health.viewHash)).size, 1);

    const placed = new Set<string>();
    for (let i = 0; i < 1_000; i++) {
      const owners = (node: Node) =>
        node.sharder.lookup(`key ${i}`, 2).map((peer) => peer.name).join();
      assertEquals(owners(b), owners(a));
      assertEquals(owners(c), owners(a));
      placed.add(owners(a));
    }
    assertEquals(placed.size, 6); // every ordered pair of three

    const response = await fetch(`http://${members[0]!.listener.addr}/hello`);
    assertEquals(await response.text(), "hello from a");

    await c.changeState("terminating");
    await Promise.all([a, b].map((n) => until(n, "a:participant b:participant c:terminating")));
    assert(a.sharder.lookup("key", 3, "read").some((peer) => peer.name === "c"));
    await c.stop();
    await Promise.all([a, b].map((node) => until(node, "a:participant b:participant")));
  });

  it("a node that nobody answers gets JoinError and stays usable", async () => {
    const alone = await member("alone");
    members.push(alone);
    const gone = await member("gone");
    await gone.node.stop();
    await gone.listener.close();
    await assertRejects(
      () => alone.node.start([gone.listener.addr]),
      JoinError,
      gone.listener.addr,
    );
    await alone.node.changeState("participant");
    assertEquals(states(alone.node.peers), "alone:participant");
  });
});
