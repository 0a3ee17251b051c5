import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { replayCommand } from "./campaign.ts";
import type { Plan } from "./plan.ts";
import type { Outcome } from "./play.ts";
import { swim } from "./protocols/swim.ts";
import { reduced, shrink } from "./shrink.ts";
import { draw } from "./swarm.ts";

const plan: Plan = {
  ...draw(swim, { seed: 1, nodes: 12 }),
  quietAtMs: 100_000,
  actions: Array.from({ length: 20 }, (_, id) => ({
    id,
    fault: id % 2 === 0 ? "loss" : "pause",
    atMs: 5000 + id * 1000,
    forMs: 10,
    details: {},
  })),
};

function outcome(failed: boolean, invariant = "x"): Outcome {
  const violation = failed ? { invariant, kind: "safety" as const, detail: "" } : undefined;
  const rest = { recoveredMs: undefined, traceHash: "", situations: new Map() };
  return { violation, step: 1, atMs: 1, ...rest };
}

describe("shrink()", () => {
  it("finds the two faults and the three nodes that a failure needs", () => {
    const play = ({ actions, nodes }: Plan): Outcome => {
      const ids = new Set(actions.map(({ id }) => id));
      return outcome(ids.has(3) && ids.has(14) && nodes >= 3);
    };
    const small = shrink(plan, outcome(true), { play, maxRuns: 500 });
    assertEquals([small.reduction.only, small.plan.nodes], [[3, 14], 3]);
    assertEquals(small.plan.quietAtMs < 50_000, true);
    assertEquals(small.outcome.violation?.invariant, "x");
  });

  it("does not take another failure for the same, and keeps to its budget", () => {
    let runs = 0;
    const play = ({ actions }: Plan): Outcome => {
      runs++;
      return outcome(true, actions.length === 20 ? "x" : "y");
    };
    const small = shrink(plan, outcome(true), { play, maxRuns: 30 });
    assertEquals(small.plan.actions.length, 20);
    assertEquals(runs <= 30, true);
  });
});

describe("reduced()", () => {
  it("keeps the ids, and the command names them", () => {
    const reduction = { only: [3, 14], nodes: 4, quietAtMs: 10_000 };
    assertEquals(reduced(plan, reduction).actions.map(({ id }) => id), [3]);
    assertEquals(
      replayCommand({ protocol: "swim", seed: 7, asked: 12 }, reduction),
      "deno task sim --protocol swim --seed 7 --replay --nodes 12 --keep-nodes 4 --only 3,14 --quiet-at 10000",
    );
  });
});
