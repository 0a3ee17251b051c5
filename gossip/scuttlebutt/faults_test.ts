import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { FaultWorld, type Life } from "./_harness_world.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];

/** A minute of everything that can go wrong, seeded. */
function rough(seed: number): FaultWorld {
  const w = new FaultWorld({
    seed,
    replays: true,
    settings: { compactThreshold: 4, maxPacketBytes: [512, 700, 1400][seed % 3]! },
  });
  const nodes: Life[] = [...w.form(5 + (seed % 4))];
  w.loss = 0.3 * w.random();
  w.duplicates = 0.2;
  w.delayMs = [1, 10 ** w.below(5)];
  const alive = (): readonly Life[] => nodes.filter(({ up, core }) => up && !core.localNode.left);
  for (let i = 0; i < 80; i++) {
    const some = alive();
    const one = some[w.below(some.length)]!;
    const dice = w.random();
    if (dice < 0.5) {
      for (let k = w.below(6); k >= 0; k--) {
        w.write(one, `k${w.below(6)}`, w.random() < 0.5 ? undefined : `${w.below(4)}`);
      }
    } else if (dice < 0.56) w.stall(one, 2000 + w.random() * 58_000);
    else if (dice < 0.62 && some.length > 3) {
      w.crash(one);
      // A fresh clock, one that went back, one that stands still, one that runs ten years ahead.
      const { generation } = one.core.localNode;
      const shift = [1, -1, 0, 315_360_000_000][w.below(4)]!;
      const again = w.add(one.id, { generation: Math.max(1, generation + shift) });
      w.join(again, [some.find((other) => other !== one)!]);
      nodes.push(again);
    } else if (dice < 0.66 && some.length > 4) w.leave(one);
    else if (dice < 0.78) {
      const cut = 1 + w.below(some.length - 1);
      w.part(some.slice(0, cut), some.slice(cut), w.random() < 0.4);
    } else if (dice < 0.86) w.heal();
    else if (dice < 0.9) {
      const fresh = w.add(`m${i}`);
      w.join(fresh, [one]);
      nodes.push(fresh);
    }
    w.run(w.random() * 1500);
  }
  return w;
}

/** Some seconds of work: Bun gives a test five unless told otherwise. */
const LONG = { timeout: 120_000 };

describe("scuttlebutt() in a bad world", () => {
  for (const seed of SEEDS) {
    it(
      `keeps its invariants after every step, heals, and falls silent (seed ${seed})`,
      LONG,
      () => {
        const w = rough(seed);
        w.heal();
        w.loss = 0;
        w.duplicates = 0;
        w.delayMs = [1, 5];
        // What is still under way, and those that sleep; a join that was cut off is begun again, as a node does.
        w.run(60_000);
        const up = w.lives.filter((life) => life.up && !life.core.localNode.left);
        for (const life of up) {
          if (life.core.peers.length < up.length) {
            w.join(
              life,
              up.filter((one) => one !== life).slice(0, 3),
            );
          }
        }
        w.until(() => w.agreed, 60_000, 200);
        w.check();
        for (const owner of up) {
          for (const { core } of up) {
            assertEquals(core.node(owner.id)!.entries, owner.core.localNode.entries, "I8");
          }
        }
        w.run(60_000);
        w.blocks = 0;
        w.run(10_000);
        assertEquals(w.blocks, 0, "I8: nothing is left to be told");
        assert(w.agreed, "I9: nobody that steps is down");
        assert(w.replay() > 1000, "I11");
      },
    );
  }

  it(
    "a cluster whose halves were parted for longer than the expiry heals by the addresses that were joined",
    LONG,
    () => {
      const w = new FaultWorld({ seed: 9, settings: { downExpiryMs: 160_000 }, checks: false });
      const nodes = w.form(10);
      w.part(nodes.slice(0, 3), nodes.slice(3));
      w.run(500_000);
      assert(
        nodes.slice(3).every(({ core }) => core.nodes().length === 7),
        "the few are forgotten",
      );
      w.heal();
      w.until(() => w.agreed, 120_000, 500);
      w.check();
    },
  );

  it("two processes with one name and generation: both go on, both say so", LONG, () => {
    const w = new FaultWorld({ seed: 10 });
    const nodes = w.form(4);
    const twin = w.add("n2", { generation: nodes[2]!.core.localNode.generation });
    w.write(twin, "k", "twin");
    w.join(twin, [nodes[0]!]);
    w.run(60_000);
    const conflicts = [...nodes[2]!.events, ...twin.events].filter(({ type }) =>
      type === "conflict"
    );
    assert(conflicts.length >= 2 && conflicts.length < 20, `${conflicts.length}`);
    assert(conflicts.some((event) => "persistent" in event && event.persistent));
  });
});
