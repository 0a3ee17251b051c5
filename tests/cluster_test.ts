import { after, describe, it } from "node:test";
import { Hono } from "hono";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type GossipStrategy,
  JoinError,
  listen,
  type Listener,
  Node,
  type NodeState,
  type Peer,
  ring,
  scuttlebutt,
  swim,
} from "../mod.ts";
import { needs } from "./_needs.ts";

/** Generous: it only bounds a failure. */
const limitMs = 20_000;

interface Member {
  readonly node: Node;
  readonly listener: Listener;
}

/** A node in a server of its own, beside a route of the user's. */
async function member(name: string, gossip: GossipStrategy): Promise<Member> {
  const app = new Hono().get("/hello", (context) => context.text(`hello from ${name}`));
  const listener = await listen({ fetch: (request, env) => app.fetch(request, env as object) });
  const node = new Node({
    name,
    advertiseAddr: listener.addr,
    clusterName: "cluster_test",
    gossip,
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

/** What holds for every protocol, on the same routes. */
function conformance(gossip: GossipStrategy): void {
  describe(`three nodes with ${gossip.name} over HTTP/2 on loopback`, needs("net"), () => {
    const members: Member[] = [];
    after(async () => {
      await Promise.all(members.map(({ node }) => node.stop()));
      await Promise.all(members.map(({ listener }) => listener.close()));
    });

    it("form a cluster, agree on owners, and see one leave", async () => {
      for (const name of ["a", "b", "c"]) members.push(await member(name, gossip));
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
      const alone = await member("alone", gossip);
      members.push(alone);
      const gone = await member("gone", gossip);
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
}

conformance(swim("fast"));
conformance(scuttlebutt({ gossipIntervalMs: 100 }));

describe("keys over HTTP/2 on loopback", needs("net"), () => {
  const members: Member[] = [];
  after(async () => {
    await Promise.all(members.map(({ node }) => node.stop()));
    await Promise.all(members.map(({ listener }) => listener.close()));
  });

  /** Follows a node's table until it is as expected. */
  async function until(node: Node, expected: (nodes: readonly NodeState[]) => boolean) {
    const signal = AbortSignal.timeout(limitMs);
    for await (const nodes of node.watchNodes({ signal })) if (expected(nodes)) return;
    assert(expected(node.nodes().map(({ id }) => node.node(id)!)), "not in time");
  }
  const value = (nodes: readonly NodeState[], id: string, key: string) =>
    nodes.find((node) => node.id === id)?.entries.find((entry) => entry.key === key)?.value;

  it("of 16 bytes, and of a megabyte by stream, reach all; joins are by name; a leave is told", async () => {
    const gossip = scuttlebutt({ gossipIntervalMs: 100, maxValueBytes: 1_000_000 });
    for (const name of ["a", "b", "c"]) members.push(await member(name, gossip));
    const [a, b, c] = members.map(({ node }) => node) as [Node, Node, Node];
    const events: string[] = [];
    for (const type of ["join", "upsertKey", "leave"] as const) {
      a.addEventListener(type, ({ detail }) => void events.push(`${detail.id} ${detail.type}`));
    }
    assertEquals(await a.join([]), []);
    b.upsertLocal("small", "x".repeat(16));
    const port = a.advertiseAddr.split(":")[1]!;
    assertEquals(await b.join([`localhost:${port}`, b.advertiseAddr]), ["a"]);
    assertEquals(await c.join([a.advertiseAddr, b.advertiseAddr]), ["a", "b"]);
    const large = "€".repeat(333_333);
    c.upsertLocal("large", large);
    await Promise.all(
      [a, b].map((node) => until(node, (all) => value(all, "c", "large") === large)),
    );
    assertEquals(value([c.node("b")!], "b", "small"), "x".repeat(16));
    await c.leave();
    await until(b, (all) => all.find(({ id }) => id === "c")?.left === true);
    await until(a, (all) => all.find(({ id }) => id === "c")?.left === true);
    assertEquals(events.filter((event) => event.startsWith("b")), ["b join", "b upsertKey"]);
    assertEquals(events.filter((event) => event.startsWith("c")), [
      "c join",
      "c upsertKey",
      "c leave",
    ]);
    await c.close();
  });
});
