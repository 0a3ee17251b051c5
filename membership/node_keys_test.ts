import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { scuttlebutt } from "../gossip/scuttlebutt/mod.ts";
import { swim } from "../gossip/swim/mod.ts";
import { faulty } from "../transport/faulty.ts";
import { keptLog, settle } from "./_harness.ts";
import { cluster, keyed, NEWS_MS, SILENCE_MS, watched } from "./_harness_keys.ts";
import { addressOf, names, world } from "./_harness_world.ts";
import { JoinError } from "./errors.ts";
import { Node } from "./node.ts";

describe("Node with scuttlebutt()", () => {
  it("keys reach all others, with their versions, and go when they are deleted", async () => {
    const w = world();
    const nodes = await cluster(w, 4);
    const [a, b] = nodes as [Node, Node];
    assertEquals(a.upsertLocal("role", "api"), { version: 1, changed: true, large: false });
    assertEquals(a.upsertLocal("role", "api"), { version: 1, changed: false, large: false });
    a.upsertLocal("build", "7");
    assertEquals(a.deleteLocal("build").version, 3);
    assertEquals(a.deleteLocal("build").changed, false);
    assertEquals(a.localNode.entries, [
      { key: "role", value: "api", version: 1, internal: false, deleted: false },
      { key: "build", value: "", version: 3, internal: false, deleted: true },
    ]);
    const held = () => nodes.every((node) => node.node("a")!.version === 3);
    assert(await w.clock.until(held, NEWS_MS));
    for (const node of nodes) assertEquals(node.node("a")!.entries, a.localNode.entries);
    assertEquals(
      b.nodes().map(({ id, left, down }) => [id, left, down]),
      [..."abcd"].map((id) => [
        id,
        false,
        false,
      ]),
    );
    assert(!("entries" in b.nodes()[0]!));
    assertEquals(b.node("nobody"), undefined);
    await w.end();
  });

  it("keys written before the start are there from the first contact", async () => {
    const w = world();
    const a = w.create("a", keyed());
    const b = w.create("b", keyed());
    a.upsertLocal("x", "1");
    b.upsertLocal("y", "2");
    const told = watched(a);
    assertEquals(await w.during(a.join([])), []);
    assertEquals(await w.during(b.join([addressOf("a")])), ["a"]);
    assertEquals(b.node("a")!.entries.map(({ key }) => key), ["x"]);
    assertEquals(told, ["join b", "upsertKey b y=2"]);
    await w.end();
  });

  it("tells a watcher exactly what changed, after it changed", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    const told = watched(a);
    const seen: unknown[] = [];
    a.addEventListener("upsertKey", ({ detail: { id, key, value } }) => {
      seen.push(a.node(id)!.entries.find((entry) => entry.key === key)!.value === value);
    });
    a.addEventListener("join", ({ detail: { id } }) => {
      seen.push(a.peers.some(({ name }) => name === id));
    });
    const heard = async (count: number) => {
      assert(await w.clock.until(() => told.length >= count, NEWS_MS), told.join());
    };
    b.upsertLocal("k", "1");
    await heard(1);
    b.upsertLocal("k", "2");
    b.upsertLocal("j", "3");
    await heard(3);
    b.deleteLocal("k");
    await heard(4);
    await w.during(b.changeState("participant")); // the protocol's own entry is no user's key
    const c = w.create("c", keyed());
    await w.during(c.join([addressOf("a")]));
    await heard(5);
    await w.during(b.leave());
    await heard(6);
    await w.clock.advance(70_000);
    assertEquals(told, [
      "upsertKey b k=1",
      "upsertKey b k=2",
      "upsertKey b j=3",
      "deleteKey b k",
      "join c",
      "leave b",
      "expired b",
    ]);
    assertEquals(seen, [true, true, true, true]);
    assertEquals(a.node("b"), undefined);
    await w.end();
  });

  it("a silent node is down, keys and all, and up again once it is heard", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    let cut = false;
    const transport = faulty(w.network.transport(addressOf("c")), {
      random: () => 0.5,
      unreachable: () => cut,
    });
    const c = w.create("c", { ...keyed(), transport });
    c.upsertLocal("k", "1");
    await w.during(c.join([addressOf("a")]));
    assert(await w.clock.until(() => names(b.peers) === "abc", NEWS_MS));
    const told = watched(a);
    cut = true;
    const gone = () => names(a.peers) === "ab" && names(b.peers) === "ab";
    assert(await w.clock.until(gone, SILENCE_MS));
    assertEquals([a.node("c")!.down, a.node("c")!.version], [true, 1]);
    cut = false;
    const back = () => names(a.peers) === "abc" && names(b.peers) === "abc";
    assert(await w.clock.until(back, SILENCE_MS));
    assertEquals(told, ["down c", "up c"]);
    await w.end();
  });

  it("a restart with the same name is another life: the old one expires first", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    b.upsertLocal("old", "1");
    assert(await w.clock.until(() => a.node("b")!.version === 1, NEWS_MS));
    const told = watched(a);
    await w.during(b.close());
    const again = w.create("b", { ...keyed(), advertiseAddr: "10.0.0.99:80", generation: 2 });
    again.upsertLocal("new", "2");
    await w.during(again.join([addressOf("a")]));
    assert(await w.clock.until(() => told.length === 3, NEWS_MS));
    assertEquals(told, ["expired b", "join b", "upsertKey b new=2"]);
    assertEquals(a.node("b")!.entries.map(({ key }) => key), ["new"]);
    await w.end();
  });

  it("states, sharders and observers work as with any protocol", async () => {
    const w = world();
    const nodes = await cluster(w, 3);
    const [a, , c] = nodes as [Node, Node, Node];
    const lists: string[] = [];
    a.observe((peers) => void lists.push(peers.map((p) => `${p.name}:${p.state}`).join(" ")));
    for (const node of nodes) await w.during(node.changeState("participant"));
    const agreed = () => new Set(nodes.map((node) => node.health.viewHash)).size === 1;
    assert(await w.clock.until(agreed, NEWS_MS));
    assertEquals(lists.at(-1), "a:participant b:participant c:participant");
    for (let i = 0; i < 100; i++) {
      const owners = nodes.map((node) => node.sharder.lookup(`key ${i}`, 2).map((p) => p.name));
      assertEquals(owners, [owners[0]!, owners[0]!, owners[0]!]);
    }
    await w.during(c.changeState("terminating"));
    assert(await w.clock.until(() => lists.at(-1)!.endsWith("c:terminating"), NEWS_MS));
    assertEquals(a.node("c")!.state, "terminating");
    await w.end();
  });

  it("watchNodes() goes from one whole table to the latest", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    const tables = a.watchNodes();
    const next = async () => (await w.during(tables.next())).value as ReturnType<Node["nodes"]>;
    const brief = (nodes: ReturnType<Node["nodes"]>) => nodes.map((n) => `${n.id}@${n.version}`);
    assertEquals(brief(await next()), ["a@0", "b@0"]);
    a.upsertLocal("x", "1");
    a.upsertLocal("y", "2");
    assertEquals(brief(await next()), ["a@2", "b@0"]);
    b.upsertLocal("z", "3");
    assertEquals(brief(await next()), ["a@2", "b@1"]);
    const waiting = tables.next();
    await w.during(a.stop());
    assertEquals(await waiting, { done: true, value: undefined });
    assertEquals((await a.watchNodes().next()).done, true);
    await w.end();
  });

  describe("values", () => {
    it("of a megabyte reach others when that is allowed; larger ones fail at the write", async () => {
      const w = world();
      const [a, b] = await cluster(w, 2, keyed({ maxValueBytes: 1_000_000 })) as [Node, Node];
      const value = "x".repeat(1_000_000);
      a.upsertLocal("small", "y".repeat(16));
      a.upsertLocal("large", value);
      assertThrows(() => a.upsertLocal("larger", `${value}x`), RangeError, "1000000");
      assert(await w.clock.until(() => b.node("a")!.version === 2, NEWS_MS));
      assertEquals(b.node("a")!.entries.map((entry) => entry.value.length), [16, 1_000_000]);
      await w.end();
    });

    it("above 4 KiB warn, above 64 KiB fail, at the write and with nothing changed", async () => {
      const w = world();
      const log = keptLog();
      const a = w.create("a", { ...keyed(), logger: log });
      const warnings = () => log.lines.filter((line) => line.includes("large value")).length;
      a.upsertLocal("k", "x".repeat(4096));
      assertEquals(warnings(), 0);
      a.upsertLocal("k", "x".repeat(4097));
      a.upsertLocal("k", "x".repeat(4097)); // the same: nothing is written
      a.upsertLocal("k", "x".repeat(65_536)); // and one line a key and minute is enough
      assertEquals(warnings(), 1);
      const { version } = a.localNode;
      assertThrows(() => a.upsertLocal("k", "x".repeat(65_537)), RangeError, "65536");
      assertThrows(() => a.upsertLocal("_internal:left", ""), RangeError, "_internal:");
      assertThrows(() => a.upsertLocal("k", 7 as unknown as string), TypeError, "string");
      assertEquals(a.localNode.version, version);
      await w.end();
    });
  });

  it("a node without a name gets nine random characters, and generation 1", () => {
    const w = world();
    const made = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const node = new Node({
        advertiseAddr: `10.0.1.${i + 1}:80`,
        clusterName: "test",
        gossip: scuttlebutt(),
        transport: w.network.transport(`10.0.1.${i + 1}:80`),
      });
      assert(/^[0-9a-z]{9}$/.test(node.name), node.name);
      assertEquals([node.localNode.id, node.localNode.generation], [node.name, 1]);
      made.add(node.name);
    }
    assertEquals(made.size, 50);
  });

  it("another process with the own name: the own generation rises, and says so", async () => {
    const w = world();
    const [a] = await cluster(w, 2) as [Node, Node];
    const raises: number[] = [];
    const claims: string[] = [];
    a.addEventListener("generation", ({ detail }) => void raises.push(detail.generation));
    a.addEventListener("conflict", ({ detail }) => void claims.push(detail.name));
    const twin = w.create("a", { ...keyed(), advertiseAddr: "10.0.0.99:80", generation: 5 });
    await w.during(twin.join([addressOf("b")]));
    assert(await w.clock.until(() => raises.length > 0, NEWS_MS));
    assert(raises[0]! > 5 && a.localNode.generation >= raises[0]!);
    assertEquals(a.health.generation, a.localNode.generation);
    assertEquals(new Set(claims), new Set(["a"]));
    await w.end();
  });

  it("other protocols have no keys, and say so", async () => {
    const w = world();
    const a = w.create("a", { gossip: swim("fast") });
    const calls: readonly (() => unknown)[] = [
      () => a.upsertLocal("k", "v"),
      () => a.deleteLocal("k"),
      () => a.localNode,
      () => a.node("a"),
      () => a.nodes(),
      () => a.watchNodes(),
    ];
    for (const call of calls) assertThrows(call, TypeError, "scuttlebutt()");
    await assertRejects(() => a.join([]), TypeError, "current value is swim");
    await assertRejects(() => a.leave(), TypeError, "current value is swim");
    assertEquals(a.health.phase, "created");
    await w.end();
  });

  it("protocols do not mix: nodes of another one are refused, and nothing changes", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    const other = w.create("c", { gossip: swim("fast"), rejoinIntervalMs: Infinity });
    await assertRejects(() => w.during(other.start([addressOf("a")])), JoinError);
    await assertRejects(() => w.during(b.join([addressOf("c")])), JoinError);
    await w.clock.advance(5_000);
    assertEquals([a, b, other].map(({ peers }) => names(peers)), ["ab", "ab", "c"]);
    assert(Object.keys(a.stats.refused).length > 0);
    await w.end();
  });

  it("shows Kite's counters, what is held, and how suspect each node is", async () => {
    const w = world();
    const [a, b] = await cluster(w, 3) as [Node, Node];
    a.upsertLocal("k", "v");
    a.deleteLocal("k");
    b.upsertLocal("j", "v");
    assert(await w.clock.until(() => a.node("b")!.version === 1, NEWS_MS));
    await settle();
    const text = await a.registry.metrics();
    const value = (line: string) => {
      const found = text.split("\n").find((one) => one.startsWith(`${line} `));
      assert(found !== undefined, line);
      return Number(found.slice(line.length));
    };
    for (const name of ["connections", "stream_bytes", "packet_bytes", "digest_entries"]) {
      for (const direction of ["inbound", "outbound"]) {
        const line = `cluster_gossip_${name}_${direction}_total{cluster_name="test"}`;
        assert(value(line) > 0 || (name === "connections" || name === "stream_bytes"), line);
      }
    }
    assert(value('cluster_gossip_connections_inbound_total{cluster_name="test"}') > 0);
    const entries = (labels: string) =>
      value(`cluster_gossip_entries{cluster_name="test",${labels}}`);
    assertEquals(entries('deleted="false",internal="false"'), 1);
    assertEquals(entries('deleted="true",internal="false"'), 1);
    for (const node of ["b", "c"]) {
      const phi = value(`cluster_gossip_phi{cluster_name="test",node="${node}"}`);
      assert(phi >= 0 && phi < 8.7, `${phi}`);
    }
    assert(!text.includes('cluster_gossip_phi{cluster_name="test",node="a"}'));
    await w.end();
    const plain = w.create("d");
    assert(!(await plain.registry.metrics()).includes("cluster_gossip_phi"));
  });
});
