import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { cluster, keyed, NEWS_MS, SILENCE_MS, watched } from "./_harness_keys.ts";
import { addressOf, names, world } from "./_harness_world.ts";
import { LeaveError, StoppedError } from "./errors.ts";
import type { Node } from "./node.ts";

describe("Node with scuttlebutt(): leave(), close() and stop()", () => {
  it("leave() tells up to three; the others see it go, and it answers until it is closed", async () => {
    const w = world();
    const nodes = await cluster(w, 6);
    const [a, , f] = [nodes[0]!, nodes[1]!, nodes[5]!];
    const told = nodes.slice(0, 5).map(watched);
    const before = f.stats.driver.exchangesOpened;
    await w.during(f.leave());
    assertEquals(f.stats.driver.exchangesOpened - before, 3);
    assertEquals([f.health.phase, f.localNode.left, names(f.peers)], ["left", true, "abcde"]);
    assert(await w.clock.until(() => told.every((one) => one.length > 0), NEWS_MS));
    assertEquals(told, told.map(() => ["leave f"]));
    assertEquals(names(a.peers), "abcde");
    assertThrows(() => f.upsertLocal("k", "v"), DOMException, "has left");
    assertThrows(() => f.deleteLocal("k"), DOMException, "has left");
    await assertRejects(() => f.join([addressOf("a")]), DOMException, "has left");
    await assertRejects(() => f.start([]), DOMException, "has left");
    await assertRejects(() => f.changeState("participant"), DOMException, "has left");
    await w.during(f.leave()); // it tries again, and once more somebody hears of it
    await w.during(f.close());
    assertThrows(() => f.upsertLocal("k", "v"), StoppedError);
    await w.clock.advance(SILENCE_MS);
    assertEquals(told, told.map(() => ["leave f"]));
    await w.end();
  });

  it("leave() rejects when none could be told, and has left all the same", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    w.network.hold(addressOf("b"));
    const error = await assertRejects(() => w.during(a.leave(), 60_000), LeaveError);
    assertEquals(error.attempted, 1);
    assertEquals([a.localNode.left, a.health.phase], [true, "left"]);
    w.network.release(addressOf("b"));
    await w.during(a.leave());
    assert(await w.clock.until(() => b.node("a")!.left, NEWS_MS));
    await w.end();
  });

  it("leave() of a node that knows nobody ends at once, started or not", async () => {
    const w = world();
    for (const name of ["a", "b"]) {
      const node = w.create(name, keyed());
      if (name === "a") await w.during(node.join([]));
      await w.during(node.leave());
      assertEquals(node.localNode.left, true);
    }
    await w.end();
  });

  it("close() says no goodbye: the others find the node down", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    const told = watched(a);
    await w.during(b.close());
    await w.during(b.stop());
    assert(await w.clock.until(() => told.length > 0, SILENCE_MS));
    assertEquals(told, ["down b"]);
    await w.end();
  });

  it("stop() and await using say goodbye first", async () => {
    const w = world();
    const [a, b, c] = await cluster(w, 3) as [Node, Node, Node];
    const told = watched(a);
    await w.during(b.stop());
    await w.during(c[Symbol.asyncDispose]());
    assert(await w.clock.until(() => told.length > 1, NEWS_MS));
    assertEquals(told.sort(), ["leave b", "leave c"]);
    await w.end();
  });

  it("a node that is being stopped tells nothing more", async () => {
    const w = world();
    const [a, b] = await cluster(w, 2) as [Node, Node];
    const told = watched(a);
    const [stopped] = [a.stop(), b.stop()];
    await w.during(stopped);
    assertEquals(told, []);
    await assertRejects(() => a.join([]), StoppedError);
    await assertRejects(() => a.leave(), StoppedError);
    assertThrows(() => a.deleteLocal("k"), StoppedError);
    assertEquals(a.localNode.id, "a");
    await w.end();
  });
});
