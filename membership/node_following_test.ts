import { describe, it } from "node:test";
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { Peer } from "../shard/peer.ts";
import {
  keptLog,
  peer,
  RecordingTransport,
  scripted,
  ScriptedCore,
  settle,
  VirtualClock,
} from "./_harness.ts";
import { addressOf, names, world } from "./_harness_world.ts";
import { Node } from "./node.ts";

describe("Node observers", () => {
  function scriptedNode() {
    const core = new ScriptedCore((input) =>
      input.type === "packet"
        ? [{
          type: "peers",
          peers: [..."abcdefgh"].slice(0, input.bytes[0]).map((name) => peer(name)),
        }]
        : []
    );
    const transport = new RecordingTransport();
    const clock = new VirtualClock();
    const log = keptLog();
    const node = new Node({
      name: "a",
      advertiseAddr: "10.0.0.1:80",
      clusterName: "",
      gossip: scripted(core),
      transport,
      clock,
      logger: log,
      limits: { leaveTimeoutMs: 0 },
    });
    const see = (count: number) => transport.handlers!.packet(Uint8Array.of(count), "x");
    return { core, transport, clock, log, node, see };
  }

  it("run after the sharder was brought up to date", async () => {
    const { node, see, clock } = scriptedNode();
    await node.start([]);
    const owners: string[] = [];
    node.observe((peers) => {
      owners.push(names(node.sharder.lookup("key", peers.length, "read").toSorted(byName)));
    });
    see(2);
    see(3);
    assertEquals(owners, ["ab", "abc"]);
    const kept = node.sharder;
    assertStrictEquals(node.sharder, kept);
    see(1);
    assertNotStrictEquals(node.sharder, kept);
    assertEquals(kept.peers.length, 3);
    const stopping = node.stop();
    await clock.advance(0);
    await stopping;
  });

  it("end by returning false or by the returned function; an unchanged list is not repeated", async () => {
    const { node, see, clock } = scriptedNode();
    await node.start([]);
    const seen: string[] = [];
    node.observe((peers) => {
      seen.push(`once ${names(peers)}`);
      return false;
    });
    const stop = node.observe((peers) => void seen.push(`kept ${names(peers)}`));
    see(2);
    see(2);
    see(3);
    stop();
    stop();
    see(4);
    assertEquals(seen, ["once ab", "kept ab", "kept abc"]);
    const stopping = node.stop();
    await clock.advance(0);
    await stopping;
  });

  it("may call back into the node", async () => {
    const { node, core, see, clock } = scriptedNode();
    await node.start([]);
    node.observe((peers) => {
      if (peers.length < 4) see(peers.length + 1);
    });
    see(2);
    assertEquals(names(node.peers), "abcd");
    assert(!core.reentered);
    const stopping = node.stop();
    await clock.advance(0);
    await stopping;
  });

  it("that throw stay, and are logged and counted", async () => {
    const { node, see, log, clock } = scriptedNode();
    await node.start([]);
    let calls = 0;
    node.observe(() => {
      calls += 1;
      throw new Error("broken observer");
    });
    see(2);
    see(3);
    assertEquals(calls, 2);
    assertEquals(node.stats.observersFailed, 2);
    assertStringIncludes(node.health.lastError!.message, "broken observer");
    assertEquals(log.lines.filter((line) => line === "error an observer failed").length, 1);
    const stopping = node.stop();
    await clock.advance(0);
    await stopping;
  });

  it("may throw what cannot even be printed", async () => {
    const { node, see, clock } = scriptedNode();
    await node.start([]);
    const unprintable = Object.create(null);
    const trap = Object.defineProperty(new Error(), "message", {
      get() {
        throw new Error("trap");
      },
    });
    let calls = 0;
    for (const thrown of [unprintable, trap, Symbol("s"), undefined]) {
      node.observe(() => {
        calls += 1;
        throw thrown;
      });
      node.observe(() => Promise.reject(thrown));
    }
    see(2);
    await settle();
    see(3);
    await settle();
    assertEquals(calls, 8);
    assertEquals(node.stats.observersFailed, 16);
    assertEquals(names(node.peers), "abc");
    const stopping = node.stop();
    await clock.advance(0);
    await stopping;
  });

  it("must be functions", async () => {
    const { node, clock } = scriptedNode();
    assertThrows(() => node.observe({} as () => void), TypeError, "'observer' must be a function");
    const stopping = node.stop();
    await clock.advance(0);
    await stopping;
  });

  it("watch() conflates to the latest list and ends with its signal", async () => {
    const { node, see, clock } = scriptedNode();
    await node.start([]);
    const abort = new AbortController();
    const iterator = node.watch({ signal: abort.signal });
    assertEquals(names((await iterator.next()).value!), "a");
    see(2);
    see(3);
    see(4);
    assertEquals(names((await iterator.next()).value!), "abcd");
    const next = iterator.next();
    see(1);
    assertEquals(names((await next).value!), "a");
    const last = iterator.next();
    abort.abort();
    assertEquals((await last).done, true);
    const stopping = node.stop();
    await clock.advance(0);
    await stopping;
  });

  it("a logger that throws stops nothing", async () => {
    const fail = () => {
      throw new Error("full disk");
    };
    const clock = new VirtualClock();
    const node = new Node({
      name: "a",
      advertiseAddr: "10.0.0.1:80",
      clusterName: "",
      transport: new RecordingTransport(),
      clock,
      logger: { debug: fail, info: fail, warn: fail, error: fail },
    });
    await node.start([]);
    const stopping = node.stop();
    await clock.advance(5_000);
    await stopping;
  });
});

describe("Node admission", () => {
  it("comes with the size, once; losing members does not take it back", async () => {
    const { create, clock, during, end } = world();
    const log = keptLog();
    const a = create("a", { minClusterSize: 3, logger: log });
    const admissions: unknown[] = [];
    a.addEventListener("admitted", (event) => void admissions.push(event.detail));
    await during(a.start([]));
    let ready = false;
    a.ready.then(() => void (ready = true));
    const b = create("b");
    await during(b.start([addressOf("a")]));
    await clock.advance(5_000);
    assert(!a.admitted && !ready);
    const c = create("c");
    await during(c.start([addressOf("a")]));
    assert(await clock.until(() => a.admitted, 5_000));
    assert(ready);
    await during(c.stop());
    await during(b.stop());
    assert(await clock.until(() => names(a.peers) === "a", 5_000));
    assert(a.admitted);
    assertEquals(admissions, [{ size: 3, timedOut: false }]);
    assertEquals(log.lines.filter((line) => line.includes("admitted")).length, 1);
    await end();
  });

  it("comes with the time, when the size does not", async () => {
    const { create, clock, during, end } = world();
    const a = create("a", { minClusterSize: 3, waitTimeoutMs: 60_000 });
    const admissions: unknown[] = [];
    a.addEventListener("admitted", (event) => void admissions.push(event.detail));
    await clock.advance(100_000); // the wait is counted from the start
    await during(a.start([]));
    await clock.advance(59_000);
    assert(!a.admitted);
    await clock.advance(1_000);
    assert(a.admitted);
    await a.ready;
    assertEquals(admissions, [{ size: 1, timedOut: true }]);
    await end();
  });

  it("is at once by default", async () => {
    const { create, during, end } = world();
    const a = create("a");
    assert(!a.admitted);
    await during(a.start([]));
    assert(a.admitted);
    await end();
  });
});

function byName(a: Peer, b: Peer): number {
  return a.name < b.name ? -1 : 1;
}
