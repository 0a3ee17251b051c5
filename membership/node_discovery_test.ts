import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Discovery } from "../discovery/discovery.ts";
import { keptLog, settle } from "./_harness.ts";
import { addressOf, names, world } from "./_harness_world.ts";
import { JoinError } from "./errors.ts";
import { Node } from "./node.ts";

describe("Node discovery", () => {
  function fixed(addresses: () => readonly string[]): Discovery & { calls: number } {
    return {
      source: "test",
      calls: 0,
      discover() {
        this.calls += 1;
        return Promise.resolve(addresses());
      },
    };
  }

  it("two halves started with disjoint seeds become one", async () => {
    const { create, clock, during, end } = world(7);
    const everybody = ["a", "b", "c", "d"].map(addressOf);
    let found: readonly string[] = [];
    const discovery = fixed(() => found);
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => create(name, { discovery })) as [
      Node,
      Node,
      Node,
      Node,
    ];
    await during(a.start([]));
    await during(b.start([addressOf("a")]));
    await during(c.start([]));
    await during(d.start([addressOf("c")]));
    await clock.advance(5_000);
    assertEquals([a, b, c, d].map((node) => names(node.peers)), ["ab", "ab", "cd", "cd"]);
    found = everybody;
    const healed = () => [a, b, c, d].every((node) => names(node.peers) === "abcd");
    assert(await clock.until(healed, 70_000));
    await end();
  });

  it("a start that finds nobody is no error; the log says so, and the loop goes on", async () => {
    const { create, clock, during, end } = world();
    const log = keptLog();
    let fail = true;
    const discovery: Discovery = {
      source: "test",
      discover: () =>
        fail ? Promise.reject(new Error("no answer")) : Promise.resolve([addressOf("b")]),
    };
    const a = create("a", { discovery, logger: log });
    await during(a.start([]));
    assertEquals(log.lines.filter((line) => line === "warn the node starts alone").length, 1);
    assertStringIncludes(a.health.lastError!.message, "no answer");
    assertEquals(a.health.discovery?.failures, ["test: no answer"]);
    const b = create("b");
    await during(b.start([]));
    fail = false;
    assert(await clock.until(() => names(a.peers) === "ab", 10_000));
    await end();
  });

  it("a discovery that never answers does not keep start() from being aborted, nor stop()", async () => {
    const { create, during, end } = world();
    const discovery: Discovery = { source: "test", discover: () => new Promise(() => {}) };
    const a = create("a", { discovery });
    const abort = new AbortController();
    const starting = assertRejects(() => a.start([], { signal: abort.signal }), Error, "enough");
    await settle();
    abort.abort(new Error("enough"));
    await starting;
    await during(a.stop());
    await end();
  });

  it("is asked every rejoin interval ± 10 %, and members that are alive are not joined again", async () => {
    const { cluster, clock, end } = world();
    const everybody = ["a", "b", "c"].map(addressOf);
    const discovery = fixed(() => everybody);
    const [a] = await cluster(3, { discovery }) as [Node, Node, Node];
    const opened = a.stats.counted;
    const before = discovery.calls;
    await clock.advance(600_000);
    const rounds = (discovery.calls - before) / 3;
    assert(rounds >= 9 && rounds <= 11.2, `${rounds} rounds in 10 minutes`);
    assertEquals(names(a.peers), "abc");
    assertEquals(a.stats.counted.eventNodeJoin, opened.eventNodeJoin);
    await end();
  });

  it("rejoinIntervalMs: Infinity never looks again", async () => {
    const { create, clock, during, end } = world();
    const discovery = fixed(() => []);
    const a = create("a", { discovery, rejoinIntervalMs: Infinity });
    await during(a.start([]));
    await clock.advance(600_000);
    assertEquals(discovery.calls, 1);
    await end();
  });

  it("a name that resolves to nobody at first is asked again until it does", async () => {
    const { create, clock, during, end } = world();
    let found: readonly string[] | undefined = undefined;
    const answer = () =>
      found === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(found);
    const none = () => Promise.reject(new Error("ENODATA"));
    const resolver = { resolve4: answer, resolve6: none, resolveSrv: none };
    const a = create("a", { resolver });
    const b = create("b");
    await during(b.start([]));
    await assertRejects(() => during(a.start(["peers.test:80"])), JoinError, "ENOTFOUND");
    found = ["10.0.0.2"];
    assert(await clock.until(() => names(a.peers) === "ab" && names(b.peers) === "ab", 10_000));
    await end();
  });

  it("a pair whose only known seed was down meets the other pair when it comes up", async () => {
    const { create, clock, during, end } = world(3);
    const [a, b] = ["a", "b"].map((name) => create(name)) as [Node, Node];
    await during(a.start([]));
    await during(b.start([addressOf("a")]));
    await assertRejects(() => during(b.start([addressOf("c")])), JoinError);
    await clock.advance(30_000);
    const [c, d] = ["c", "d"].map((name) => create(name)) as [Node, Node];
    await during(c.start([]));
    await during(d.start([addressOf("c")]));
    const whole = () => [a, b, c, d].every((node) => names(node.peers) === "abcd");
    assert(await clock.until(whole, 140_000));
    await end();
  });

  it("may find host names; what is no address is a failure and hides no other", async () => {
    const { create, during, end } = world();
    const b = create("b");
    await during(b.start([]));
    const none = () => Promise.reject(new Error("ENODATA"));
    const resolver = {
      resolve4: (name: string) => name === "b.test" ? Promise.resolve(["10.0.0.2"]) : none(),
      resolve6: none,
      resolveSrv: none,
    };
    const odd = ["b.test:80", "nobody.test:80", "10.0.0.3", 7, undefined] as readonly string[];
    const a = create("a", { resolver, discovery: fixed(() => odd) });
    await during(a.start([]));
    assertEquals(names(a.peers), "ab");
    assertEquals(a.health.discovery?.addresses, ["10.0.0.2:80"]);
    assertEquals(a.health.discovery?.failures.length, 4);
    const broken = { source: "broken", discover: () => undefined } as unknown as Discovery;
    const c = create("c", { discovery: broken });
    await during(c.start([]));
    assertEquals(c.health.discovery?.failures.length, 1);
    await end();
  });

  it("may tell of a failure after its answer", async () => {
    const { create, during, end } = world();
    let late = () => {};
    const a = create("a", {
      discovery: {
        source: "test",
        discover: ({ onFailure } = {}) => {
          late = () => onFailure?.({ source: "slow", error: new Error("too late") });
          return Promise.resolve([]);
        },
      },
    });
    await during(a.start([]));
    late();
    assertEquals(a.health.discovery?.failures, []);
    await end();
  });

  it("that fails in the background is told, at most once a minute", async () => {
    const { create, clock, during, end } = world();
    const log = keptLog();
    const a = create("a", {
      logger: log,
      discovery: { source: "test", discover: () => Promise.reject(new Error("SERVFAIL")) },
    });
    await during(a.start([]));
    await clock.advance(50_000);
    const lines = log.lines.filter((line) => line === "warn missing peers could not be joined");
    assertEquals(lines.length, 1);
    assertStringIncludes(a.health.lastError!.message, "SERVFAIL");
    await end();
  });

  it("errors name a few of many addresses", async () => {
    const { create, during, end } = world();
    const given = Array.from({ length: 500 }, (_, i) => `peer-${i}.test:80`);
    const none = () => Promise.reject(new Error("ENOTFOUND"));
    const a = create("a", { resolver: { resolve4: none, resolve6: none, resolveSrv: none } });
    const error = await assertRejects(() => during(a.start(given)), JoinError, "and 492 more");
    assert(error.message.length < 2_000, `${error.message.length} characters`);
    assertEquals(error.addresses.length, 500);
    await end();
  });

  it("a peer that hangs up without a word is said to do so, with the likely reason", async () => {
    const { create, during, end } = world();
    const a = create("a", { clusterName: "other" });
    const b = create("b");
    await during(a.start([]));
    await assertRejects(
      () => during(b.start([addressOf("a")])),
      JoinError,
      "without a word, as it does to another cluster",
    );
    await end();
  });

  it("nowhere to look is no search", async () => {
    const { create, clock, during, end } = world();
    const a = create("a");
    await during(a.start([]));
    await clock.advance(5_000);
    assertEquals(a.health.discovery, undefined);
    await end();
  });

  it("start() remembers earlier addresses, also those that did not answer", async () => {
    const { create, clock, during, end } = world(5);
    const [a, b] = ["a", "b"].map((name) => create(name)) as [Node, Node];
    await during(a.start([]));
    await assertRejects(() => during(b.start([addressOf("c")])), JoinError);
    await during(b.start([addressOf("a")]));
    const c = create("c");
    await during(c.start([]));
    assert(await clock.until(() => [a, b, c].every((n) => names(n.peers) === "abc"), 140_000));
    await end();
  });

  it("start() with one list for all nodes is no failure for the first of them", async () => {
    const { create, clock, during, end } = world();
    const everybody = ["a", "b", "c"].map(addressOf);
    const log = keptLog();
    const a = create("a", { logger: log });
    await during(a.start(everybody));
    assertEquals(log.lines.filter((line) => line === "warn the node starts alone").length, 1);
    const b = create("b");
    await during(b.start(everybody));
    assert(await clock.until(() => names(a.peers) === "ab" && names(b.peers) === "ab", 5_000));
    await end();
  });
});
