import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { WorldNode } from "./_harness.ts";
import { counted, LONG, lost, names, SEEDS, spreads, world } from "./_harness_scenario.ts";

describe("swim() in a quiet world", () => {
  for (const [count, seed] of [[2, 1], [3, 2], [30, 3]] as const) {
    it(`forms ${count} nodes, spreads a state, and stays at peace (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = w.form(count);
      assert(w.now < 3000, `formed after ${w.now} ms`);
      const operation = w.changeState(nodes[1]!, "participant");
      w.until(() => w.see(nodes, nodes[1]!.name, "participant"), 3000, "the state is everywhere");
      w.until(() => nodes[1]!.outcomes.has(operation), 6000, "the change ends");
      assertEquals(nodes[1]!.outcomes.get(operation)?.type, "done");
      w.run(300_000);
      assertEquals([lost(nodes), counted(nodes, "suspicion"), counted(nodes, "refutation")], [
        [],
        0,
        0,
      ]);
      assert(nodes.every(({ core }) => core.stats.queuedBroadcasts === 0));
      assert(nodes.every(({ refusals }) => refusals.size === 0));
    });
  }

  it(
    "forms 150 nodes, is idle at little cost, and finds a crash within 75 s (seed 4)",
    LONG,
    () => {
      const w = world(4, { compression: false });
      const nodes = w.form(150);
      assert(w.now < 5000, `formed after ${w.now} ms`);
      w.changeState(nodes[9]!, "participant");
      w.until(() => w.see(nodes, nodes[9]!.name, "participant"), 5000, "the state is everywhere");
      w.run(10_000);
      const before = nodes.reduce((sum, { steps }) => sum + steps, 0);
      const bytes = nodes.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
      w.run(60_000);
      const steps = nodes.reduce((sum, { steps }) => sum + steps, 0) - before;
      assert(steps / 150 / 60 < 1, `${steps / 150 / 60} steps a node and second`);
      const rate = (nodes.reduce((sum, { bytesSent }) => sum + bytesSent, 0) - bytes) / 150 / 60;
      assert(rate < 60, `${rate} packet bytes a node and second`);
      w.crash(nodes[50]!);
      const rest = nodes.filter(({ up }) => up);
      const took = w.until(() => w.agree(rest, names(rest)), 75_000, "the crash is known");
      assert(took > 40_000);
      assertEquals(new Set(lost(rest)), new Set([nodes[50]!.name]));
    },
  );

  it("fast: finds crashes at 150 nodes within 5 s (seed 5)", LONG, () => {
    const w = world(5, { preset: "fast", compression: false });
    const nodes = [...w.form(150)];
    for (let i = 0; i < 4; i++) {
      const [victim] = nodes.splice(Math.floor(w.random() * nodes.length), 1);
      const at = w.now;
      w.crash(victim!);
      w.until(() => w.agree(nodes, names(nodes)), 5000, "the crash is known");
      assertEquals(new Set(lost(nodes, at)), new Set([victim!.name]));
      w.run(1000);
    }
  });

  it("finds several crashes at once (seed 6)", () => {
    const w = world(6);
    const nodes = w.form(30);
    nodes.slice(3, 13).forEach((node) => w.crash(node));
    const rest = nodes.filter(({ up }) => up);
    w.until(() => w.agree(rest, names(rest)), 200_000, "ten crashes are known");
    w.run(120_000);
    assertEquals(lost(rest).length, 10 * rest.length);
    assert(rest.every(({ core }) => core.stats.dead === 0), "records remain");
  });
});

describe("swim() in any world", () => {
  it("is deterministic: the same seed gives the same packets", () => {
    const trace = (seed: number) => {
      const w = world(seed);
      const nodes = w.form(8);
      w.loss = 0.2;
      w.crash(nodes[3]!);
      w.stall(nodes[4]!, 9000);
      w.run(100_000);
      return nodes.map(({ bytesSent, packetsSent, steps, lost }) =>
        [bytesSent, packetsSent, steps, JSON.stringify(lost)].join(" ")
      );
    };
    assertEquals(trace(21), trace(21));
    assert(trace(21).join() !== trace(22).join());
  });

  it("works over IPv6 (seed 9)", () => {
    const w = world(9);
    const nodes = [1, 2, 3, 4].map((i) => w.add(`n${i}`, { address: `[2001:db8::${i}]:8080` }));
    for (const node of nodes.slice(1)) w.join(node, ["[2001:0db8:0:0::1]:8080"]);
    w.until(() => w.agree(nodes, names(nodes)), 3000, "the cluster forms");
    w.crash(nodes[2]!);
    const rest = nodes.filter(({ up }) => up);
    w.until(() => w.agree(rest, names(rest)), 60_000, "the crash is known");
    assertEquals(rest[0]!.peers.map(({ addr }) => addr), [
      "[2001:db8::1]:8080",
      "[2001:db8::2]:8080",
      "[2001:db8::4]:8080",
    ]);
  });
});

describe("swim() as nodes come and go", () => {
  for (const seed of SEEDS) {
    it(`a node that leaves is gone within a second, and nobody suspects it (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = w.form(10);
      w.run(5000);
      const operation = w.leave(nodes[4]!);
      const rest = nodes.filter((node) => node !== nodes[4]);
      spreads(w, rest, { what: "the leave", known: (node) => w.agree([node], names(rest)) });
      w.until(() => nodes[4]!.outcomes.has(operation), 5000, "the leave ends");
      assertEquals(nodes[4]!.outcomes.get(operation)?.type, "done");
      w.crash(nodes[4]!);
      w.run(120_000);
      assertEquals([counted(rest, "suspicion"), lost(rest).length], [0, 9]);
    });

    it(`a node that crashed returns at another address at once (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = [...w.form(8)];
      const [old] = nodes.splice(3, 1);
      w.changeState(old!, "participant");
      w.run(3000);
      w.crash(old!);
      w.run(100);
      const returned = w.add(old!.name, { address: "10.0.9.9:9999" });
      nodes.push(returned);
      w.join(returned, [nodes[0]!.address]);
      const known = ({ peers }: WorldNode) =>
        peers.find(({ name }) => name === old!.name)?.addr === "10.0.9.9:9999";
      spreads(w, nodes, { what: "the new address", known });
      w.run(200_000);
      assert(nodes.every(known) && w.agree(nodes, names(nodes)));
      assert(nodes.every(({ conflicts }) => conflicts.length === 0));
      assert(w.see(nodes, old!.name, "viewer"));
    });

    it(`a node that restarts at its address is back at once, as itself (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = [...w.form(8)];
      const [old] = nodes.splice(3, 1);
      w.changeState(old!, "participant");
      w.run(3000);
      w.crash(old!);
      w.run(100);
      const returned = w.add(old!.name, { address: old!.address });
      nodes.push(returned);
      w.join(returned, [nodes[0]!.address]);
      spreads(w, nodes, {
        what: "the new life",
        known: (node) => w.agree([node], names(nodes)) && node.core.stats.suspect === 0,
      });
      w.changeState(returned, "participant");
      w.until(() => w.see(nodes, old!.name, "participant"), 40_000, "its state is back");
      const settled = w.now;
      w.run(200_000);
      assertEquals(lost(nodes, settled), []);
      assert(w.see(nodes, old!.name, "participant"));
    });

    it(`without generations a restart is memberlist's: same address (C-100, seed ${seed})`, () => {
      const w = world(seed, { announceGeneration: false });
      const nodes = [...w.form(4)];
      const [old] = nodes.splice(2, 1);
      w.changeState(old!, "participant");
      w.run(5000);
      w.crash(old!);
      w.run(3000);
      const returned = w.add(old!.name, { address: old!.address });
      nodes.push(returned);
      w.join(returned, [nodes[0]!.address]);
      w.changeState(returned, "participant");
      w.until(
        () => w.agree(nodes, names(nodes)) && w.see(nodes, old!.name, "participant"),
        62_000,
        "it is back as participant",
      );
      const settled = w.now;
      w.run(200_000);
      assertEquals(lost(nodes, settled), []);
    });

    it(`a node whose clock went back wins its name back (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = [...w.form(5)];
      const [old] = nodes.splice(2, 1);
      w.crash(old!);
      const returned = w.add(old!.name, { generation: 1_000_000_000_000 });
      nodes.push(returned);
      w.join(returned, [nodes[0]!.address]);
      spreads(w, nodes, {
        what: "the new life",
        known: ({ peers }) => peers.some(({ addr }) => addr === returned.address),
      });
      w.run(200_000);
      assert(w.agree(nodes, names(nodes)));
      assert(nodes.every(({ conflicts }) => conflicts.length === 0));
    });
  }

  it("a whole fleet restarts, one after the other, at new addresses (seed 7)", () => {
    const w = world(7);
    const nodes = [...w.form(12)];
    for (let i = 0; i < 12; i++) {
      const old = nodes[i]!;
      w.leave(old);
      w.run(1500);
      w.crash(old);
      nodes[i] = w.add(old.name);
      w.join(nodes[i]!, [nodes[(i + 1) % 12]!.address]);
      w.until(() => w.agree(nodes, names(nodes)), 3000, `restart ${i}`);
    }
    w.run(100_000);
    assert(w.agree(nodes, names(nodes)));
    assertEquals(counted(nodes, "suspicion"), 0);
    for (const { peers } of nodes) {
      assertEquals(
        peers.map(({ addr }) => addr).sort(),
        nodes.map(({ address }) => address).sort(),
      );
    }
  });

  it("clocks that are ten years apart change nothing (seed 8)", () => {
    const w = world(8);
    const decade = 10 * 365 * 86_400_000;
    const nodes = Array.from(
      { length: 6 },
      (_, i) => w.add(`n${i}`, { generation: 1_700_000_000_000 + (i % 3 - 1) * decade }),
    );
    for (const node of nodes.slice(1)) w.join(node, [nodes[0]!.address]);
    w.until(() => w.agree(nodes, names(nodes)), 5000, "the cluster forms");
    w.crash(nodes[2]!);
    nodes[2] = w.add("n2", { generation: 1_700_000_000_000 - decade });
    w.join(nodes[2]!, [nodes[0]!.address]);
    w.run(5000);
    const { address } = nodes[2]!;
    assert(nodes.every(({ peers }) => peers.some(({ addr }) => addr === address)));
  });
});
