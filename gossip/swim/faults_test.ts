import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { counted, lost, names, SEEDS, world } from "./_harness_scenario.ts";

describe("swim() in a bad world", () => {
  for (const seed of SEEDS) {
    it(`two halves that were parted for ten minutes heal by a join (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = w.form(12);
      const [left, right] = [nodes.slice(0, 5), nodes.slice(5)];
      w.partition(left, right);
      w.until(() => w.agree(left, names(left)) && w.agree(right, names(right)), 200_000, "parted");
      w.run(600_000);
      assert(left.every(({ core }) => core.stats.dead === 0), "the dead are not collected");
      w.changeState(right[0]!, "participant");
      w.heal();
      w.run(60_000);
      assert(w.agree(left, names(left)), "healed without a join");
      w.join(left[1]!, [right[2]!.address]);
      w.until(() => w.agree(nodes, names(nodes)), 120_000, "healed");
      w.until(() => w.see(nodes, right[0]!.name, "participant"), 60_000, "states are healed");
      const healed = w.now;
      w.run(120_000);
      assertEquals(lost(nodes, healed), []);
    });

    it(`a partition shorter than the collection heals by itself (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = w.form(6);
      w.partition(nodes.slice(0, 3), nodes.slice(3));
      w.until(() => nodes.some(({ peers }) => peers.length < 6), 200_000, "somebody is dead");
      w.heal();
      w.until(() => w.agree(nodes, names(nodes)), 240_000, "healed");
    });

    it(`clusters of another name at recycled addresses exchange nothing (seed ${seed})`, () => {
      const w = world(seed);
      const ours = w.form(4);
      const theirs = Array.from({ length: 4 }, (_, i) => w.add(`t${i}`, { clusterName: "other" }));
      for (const node of theirs.slice(1)) w.join(node, [theirs[0]!.address]);
      w.run(3000);
      const intruder = w.join(theirs[2]!, [ours[0]!.address]);
      w.crash(ours[3]!);
      const recycled = w.add("t4", { clusterName: "other", address: ours[3]!.address });
      w.join(recycled, [theirs[0]!.address]);
      w.run(200_000);
      assertEquals(theirs[2]!.outcomes.get(intruder)?.type, "failed");
      const [we, they] = [ours.slice(0, 3), [...theirs, recycled]];
      assert(w.agree(we, names(we)) && w.agree(they, names(they)));
      assert((recycled.refusals.get("label") ?? 0) > 0);
    });

    it(`40 % loss: forms, agrees, and finds a crash (seed ${seed})`, () => {
      const w = world(seed);
      w.loss = 0.4;
      const nodes = Array.from({ length: 10 }, (_, i) => w.add(`n${i}`));
      const rejoin = () => {
        for (const node of nodes) {
          if (node.up && node.peers.length < 2) {
            w.join(node, [nodes[node === nodes[0] ? 1 : 0]!.address]);
          }
        }
      };
      for (let i = 0; i < 12; i++) {
        rejoin();
        w.run(10_000);
      }
      w.until(() => w.agree(nodes, names(nodes)), 300_000, "they agree");
      w.changeState(nodes[3]!, "participant");
      w.until(() => w.see(nodes, "n3", "participant"), 120_000, "the state is everywhere");
      w.crash(nodes[7]!);
      const rest = nodes.filter(({ up }) => up);
      w.until(
        () => rest.every(({ peers }) => peers.every(({ name }) => name !== "n7")),
        300_000,
        "n7 is dead",
      );
      w.loss = 0;
      w.until(() => w.agree(rest, names(rest)), 200_000, "all agree once the loss ends");
    });

    it(`two nodes with one name: one wins for good, the other says so (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = w.form(6);
      w.run(1000);
      const twin = w.add("n3");
      w.join(twin, [nodes[0]!.address]);
      w.run(60_000);
      const others = nodes.filter(({ name }) => name !== "n3");
      const winner = others[0]!.peers.find(({ name }) => name === "n3")!.addr;
      const settled = w.now;
      w.run(1_200_000);
      for (const { peers, conflicts } of others) {
        assertEquals(peers.find(({ name }) => name === "n3")?.addr, winner);
        assertEquals(conflicts.length, 0);
      }
      assertEquals(lost(others, settled), []);
      const loser = twin.address === winner ? nodes[3]! : twin;
      const { length } = loser.conflicts;
      assert(length >= 10 && length <= 45, `${length} conflicts told in 20 minutes`);
      // The winner goes: the name is the other one's.
      w.crash(twin.address === winner ? twin : nodes[3]!);
      const back = () =>
        others.every(({ peers }) => peers.some(({ addr }) => addr === loser.address));
      w.until(back, 400_000, "the other twin is known");
    });

    it(`two nodes with one name and no generations: a conflict, no flapping (seed ${seed})`, () => {
      const w = world(seed, { announceGeneration: false });
      const nodes = w.form(5);
      w.run(1000);
      const twin = w.add("n3");
      w.join(twin, [nodes[0]!.address]);
      w.run(300_000);
      assertEquals(lost(nodes), []);
      const told = nodes.reduce((sum, { conflicts }) => sum + conflicts.length, 0);
      assert(told >= 1 && told <= 5 * 11 && twin.conflicts.length >= 1, `${told}`);
    });
  }
});

describe("swim() with a node that stalls", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    it(`2 to 30 s, again and again: nobody else is declared dead, it recovers (seed ${seed})`, () => {
      const w = world(seed);
      const nodes = w.form(5);
      const stalled = nodes[2]!;
      w.run(10_000);
      for (let i = 0; i < 40; i++) {
        const ms = 2000 + w.random() * 28_000;
        w.stall(stalled, ms);
        w.run(ms + w.random() * 20_000);
      }
      const blamed = new Set(lost(nodes));
      blamed.delete(stalled.name);
      assertEquals([...blamed], []);
      // A short stall may fall between two timers; then there is nothing to judge wrongly.
      assert(counted([stalled], "lateTimer") >= 20);
      w.until(() => w.agree(nodes, names(nodes)), 90_000, "it recovers");
      assert(counted([stalled], "refutation") > 0);
    });
  }

  it("for minutes, after it was collected, returns by itself (seed 6)", () => {
    const w = world(6);
    const nodes = w.form(5);
    const rest = nodes.filter((_, i) => i !== 2);
    w.stall(nodes[2]!, 600_000);
    w.run(600_000);
    assert(w.agree(rest, names(rest)) && rest.every(({ core }) => core.stats.dead === 0));
    w.until(() => w.agree(nodes, names(nodes)), 60_000, "it is back");
    const back = w.now;
    w.run(120_000);
    assertEquals(lost(nodes, back), []);
  });

  it("fast: stalls of up to 1 s in a cluster of 12 cost nobody's life (seed 7)", () => {
    const w = world(7, "fast");
    const nodes = w.form(12);
    for (let i = 0; i < 60; i++) {
      w.stall(nodes[i % 12]!, 300 + w.random() * 500);
      w.run(1500);
    }
    assertEquals(lost(nodes), []);
  });
});
