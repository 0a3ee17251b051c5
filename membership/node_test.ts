import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { keptLog, RecordingTransport, settle, VirtualClock } from "./_harness.ts";
import { addressOf, names, states, world, worlds } from "./_harness_world.ts";
import { JoinError } from "./errors.ts";
import { Node } from "./node.ts";

for (const [protocol, world] of worlds) {
  describe(`${protocol}: Node`, () => {
    it("start() forms a cluster, and states reach everybody", async () => {
      const { clock, cluster, during, end } = world();
      const [a, b, c] = await cluster(3) as [Node, Node, Node];
      assertEquals(a.currentState, "viewer");
      await during(b.changeState("participant"));
      await during(c.changeState("participant"));
      await during(c.changeState("terminating"));
      const expected = "a:viewer b:participant c:terminating";
      assert(await clock.until(() => [a, b, c].every((node) => states(node) === expected), 5_000));
      assertEquals(c.currentState, "terminating");
      assertEquals(a.peers.map((peer) => peer.self), [true, false, false]);
      assert(Object.isFrozen(a.peers));
      await end();
    });

    it("before start() a node sees itself, sends nothing and holds no timer", () => {
      const transport = new RecordingTransport();
      const clock = new VirtualClock();
      const node = new Node({
        name: "a",
        advertiseAddr: "10.0.0.1:80",
        clusterName: "",
        transport,
        clock,
      });
      assertEquals(node.peers, [{
        name: "a",
        addr: "10.0.0.1:80",
        self: true,
        state: "viewer",
      }]);
      assertEquals(transport.calls, []);
      assertEquals(clock.pending, 0);
      assertEquals(node.health.phase, "created");
      assertEquals([node.name, node.advertiseAddr, node.clusterName], ["a", "10.0.0.1:80", ""]);
    });

    it("start() can be repeated, to join through others", async () => {
      const { clock, create, during, end } = world();
      const a = create("a");
      const b = create("b");
      await during(a.start([]));
      await during(b.start([]));
      assertEquals(names(a.peers), "a");
      await during(a.start([addressOf("b")]));
      assert(await clock.until(() => names(a.peers) === "ab" && names(b.peers) === "ab", 5_000));
      await during(a.start([addressOf("b")]));
      await during(a.start([]));
      await end();
    });

    it("start() rejects with JoinError when no given address answers, and the node runs on", async () => {
      const { clock, create, during, end } = world();
      const a = create("a");
      const given = [addressOf("b"), addressOf("c")];
      const error = await assertRejects(() => during(a.start(given)), JoinError, addressOf("b"));
      assertEquals(error.addresses, given);
      assertEquals(names(a.peers), "a");
      const b = create("b");
      await during(b.start([]));
      // The given addresses are tried again in the background.
      assert(await clock.until(() => names(a.peers) === "ab", 70_000));
      await end();
    });

    it("start() succeeds when one of the given addresses answers", async () => {
      const { create, during, end } = world();
      const a = create("a");
      const b = create("b");
      await during(a.start([]));
      await during(b.start([addressOf("z"), addressOf("a")]));
      assertEquals(names(b.peers), "ab");
      await end();
    });

    it("start() leaves the own address out, in whatever spelling", async () => {
      const { create, during, end } = world();
      const a = create("a");
      await during(a.start([addressOf("a"), "[::ffff:10.0.0.1]:80"]));
      assertEquals(names(a.peers), "a");
      await end();
    });

    it("start() resolves host names to all their addresses", async () => {
      const { create, during, end } = world();
      const asked: string[] = [];
      const resolver = {
        resolve4: (name: string) => {
          asked.push(name);
          return Promise.resolve(["10.0.0.26", "10.0.0.1", "10.0.0.2"]);
        },
        resolve6: () => Promise.reject(new Error("no such record")),
        resolveSrv: () => Promise.reject(new Error("no such record")),
      };
      const a = create("a");
      const b = create("b", { resolver });
      await during(a.start([]));
      await during(b.start(["peers.test:80"]));
      assertEquals(names(b.peers), "ab");
      assertEquals(asked, ["peers.test"]);
      assertEquals(b.health.discovery?.addresses, ["10.0.0.26:80", "10.0.0.1:80"]);
      await end();
    });

    it("start() rejects with JoinError when no given name can be resolved", async () => {
      const { create, during, end } = world();
      const none = () => Promise.reject(new Error("no such record"));
      const a = create("a", { resolver: { resolve4: none, resolve6: none, resolveSrv: none } });
      await assertRejects(() => during(a.start(["peers.test:80"])), JoinError, "no such record");
      assertEquals(a.health.phase, "started");
      assertEquals(a.health.discovery?.failures.length, 1);
      await end();
    });

    it("start() rejects what is no address before anything happens", async () => {
      const { create, end } = world();
      const a = create("a");
      for (const bad of ["10.0.0.2", "", ":80", "10.0.0.2:0", "10.0.0.2:70000", "a b:1", 7]) {
        await assertRejects(() => a.start([bad as string]), TypeError, "addresses");
      }
      assertEquals(a.health.phase, "created");
      await end();
    });

    it("start() joins more than maxJoinPeers addresses only when none of the first answers", async () => {
      const { create, during, network, end } = world();
      const dialled: string[] = [];
      const inner = network.transport("10.0.0.20:80");
      const transport = new Proxy(inner, {
        get(target, key) {
          if (key === "dial") {
            return (to: string, options: object) => {
              dialled.push(to);
              return target.dial(to, options);
            };
          }
          const value = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      const node = create("t", { transport, maxJoinPeers: 2, rejoinIntervalMs: Infinity });
      const absent = ["l", "m", "n", "o", "p"].map(addressOf);
      await assertRejects(() => during(node.start(absent)), JoinError);
      assertEquals([...dialled].sort(), absent);
      dialled.length = 0;
      const present = ["a", "b", "c", "d"].map((name) => create(name));
      for (const other of present) await during(other.start([]));
      await during(node.start(present.map((other) => other.advertiseAddr)));
      assertEquals(dialled.length, 2);
      await end();
    });

    it("start() stops waiting when its signal aborts; the node runs on", async () => {
      const { create, network, clock, during, end } = world();
      const a = create("a");
      const b = create("b");
      await during(b.start([]));
      network.hold(addressOf("b"));
      const abort = new AbortController();
      const starting = a.start([addressOf("b")], { signal: abort.signal });
      await settle();
      const reason = new Error("enough");
      const failed = assertRejects(() => starting, Error, "enough");
      abort.abort(reason);
      assertStrictEquals(await failed, reason);
      assertEquals(a.health.phase, "started");
      network.release(addressOf("b"));
      assert(await clock.until(() => names(a.peers) === "ab", 10_000));
      await end();
    });

    it("two clusters of different names do not merge", async () => {
      const { create, clock, during, end } = world();
      const log = keptLog();
      const a = create("a", { logger: log });
      const b = create("b", { clusterName: "other" });
      await during(a.start([]));
      const refused: string[] = [];
      a.addEventListener("refused", (event) => void refused.push(event.detail.reason));
      await assertRejects(() => during(b.start([addressOf("a")])), JoinError);
      await clock.advance(10_000);
      assertEquals([names(a.peers), names(b.peers)], ["a", "b"]);
      assert(refused.length > 0);
      // One line a reason and minute.
      const lines = log.lines.filter((line) => line.includes("refused"));
      assertEquals(lines.length, new Set(refused).size);
      assertEquals(Object.values(a.stats.refused).reduce((sum, n) => sum + n, 0), refused.length);
      await end();
    });

    it("restarting with the same name at a new address replaces the old life", async () => {
      const { cluster, create, clock, during, end } = world();
      const [a] = await cluster(2) as [Node, Node];
      const again = create("b", { advertiseAddr: "10.0.0.99:80", generation: 2 });
      await during(again.start([addressOf("a")]));
      const moved = () => a.peers.find((peer) => peer.name === "b")?.addr === "10.0.0.99:80";
      assert(await clock.until(moved, 10_000));
      assertEquals(names(a.peers), "ab");
      await end();
    });

    it("start() with a transport that serves another node fails, and changes nothing", async () => {
      const { create, during, end, network } = world();
      const transport = network.transport(addressOf("a"));
      const a = create("a", { transport });
      const b = create("b", { transport });
      await during(a.start([]));
      for (let attempt = 0; attempt < 2; attempt++) {
        await assertRejects(() => b.start([]), Error, "serves already");
        assertEquals(b.health.phase, "created");
      }
      await assertRejects(() => b.changeState("participant"), Error, "serves already");
      assertEquals(b.currentState, "viewer");
      await end();
    });
  });
}

// With SWIM packets that wait make a node dead, and third parties tell of a conflict. With Scuttlebutt a node is alive as long as it is
// heard, and those tell who share the name: `node_keys_test.ts`.
describe("swim: Node", () => {
  it("a node that falls silent is dropped, and is back once it is heard again", async () => {
    const { cluster, network, clock, end } = world();
    const [a, b, c] = await cluster(3) as [Node, Node, Node];
    network.hold(addressOf("c"));
    const dropped = () => names(a.peers) === "ab" && names(b.peers) === "ab";
    assert(await clock.until(dropped, 30_000));
    network.release(addressOf("c"));
    const back = () => [a, b, c].every((node) => names(node.peers) === "abc");
    assert(await clock.until(back, 70_000));
    await end();
  });

  it("two live nodes of one name are a conflict, told by event, log and counter", async () => {
    const { cluster, create, clock, during, end } = world();
    const log = keptLog();
    const [a] = await cluster(2, { logger: log }) as [Node, Node];
    const conflicts: string[] = [];
    a.addEventListener("conflict", (event) => void conflicts.push(event.detail.name));
    const double = create("b", { advertiseAddr: "10.0.0.99:80", generation: 1 });
    await during(double.start([addressOf("a")]).catch(() => {}));
    assert(await clock.until(() => conflicts.length > 0, 10_000));
    assertEquals(new Set(conflicts), new Set(["b"]));
    const lines = log.lines.filter((line) => line.includes("claim one name"));
    assert(lines.length >= 1 && lines.length <= 2, `${lines.length} lines`); // one a node and minute
    await end();
  });
});
