import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { needs } from "../tests/_needs.ts";
import { campaign, drawn, EXIT, type Failure, joined } from "./campaign.ts";
import { describePlan, type Plan } from "./plan.ts";
import { play, playAny } from "./play.ts";
import { swimBugs } from "./planted/swim.ts";
import { plant } from "./planted/load.ts";
import { patched } from "./planted/patch.ts";
import { swim } from "./protocols/swim.ts";
import { reduced } from "./shrink.ts";
import { draw } from "./swarm.ts";
import regression from "./testdata/regression_swim.json" with { type: "json" };

describe("draw()", () => {
  it("draws the same plan from the same seed, and every fault from some", () => {
    assertEquals(draw(swim, { seed: 5 }), draw(swim, { seed: 5 }));
    const drawnFaults = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const { actions, nodes, quietAtMs } = draw(swim, { seed });
      assert(nodes >= 3 && nodes <= 1000);
      assert(actions.every(({ atMs }) => atMs >= 5000 && atMs < quietAtMs));
      for (const { fault } of actions) drawnFaults.add(fault);
    }
    assertEquals(drawnFaults.size, swim.faults.length);
  });
});

describe("play()", () => {
  it("is a function of the plan", { timeout: 300_000 }, () => {
    const plan = draw(swim, { seed: 12 });
    const [first, second] = [play(swim, plan), play(swim, plan)];
    assertEquals([first.traceHash, first.step], [second.traceHash, second.step]);
  });

  it("watching does not change what happens", { timeout: 300_000 }, () => {
    const plan = draw(swim, { seed: 13 });
    assertEquals(play(swim, plan).traceHash, play(swim, plan, { checked: false }).traceHash);
  });
});

describe("campaign()", () => {
  it("30 seeds hold every invariant", { timeout: 300_000 }, () => {
    const lines: string[] = [];
    const result = campaign({
      protocol: swim,
      plans: drawn(swim, { from: 1, count: 30, mostNodes: 40 }),
      say: (line) => void lines.push(line),
      twiceEvery: 0,
    });
    assertEquals([result.exitCode, lines, result.seeds], [EXIT.fine, [], 30]);
    assert(result.situations.size >= 15, `${[...result.situations.keys()]}`);
  });

  for (const { name, fixed, plan } of regression) {
    it(`what was found once stays fixed: ${name}`, {
      skip: fixed ? false : "open",
      timeout: 300_000,
    }, () => {
      const { violation } = play(swim, plan as unknown as Plan);
      assertEquals(violation, undefined, describePlan(plan as unknown as Plan));
    });
  }
});

describe("joined()", () => {
  it("two halves are the whole", { timeout: 300_000 }, () => {
    const plans = (from: number, count: number) => drawn(swim, { from, count, nodes: 3 });
    const options = { protocol: swim, twiceEvery: 0 };
    const whole = campaign({ ...options, plans: plans(1, 4) });
    const halves = [plans(1, 2), plans(3, 2)].map((half) => campaign({ ...options, plans: half }));
    assertEquals(joined(swim, halves), whole);
  });

  it("the worst failure gives the exit code, and situations are missed from 300 seeds on", () => {
    const fine = campaign({ protocol: swim, plans: [] });
    const failed = (kind: Failure["kind"]) => ({
      ...fine,
      failures: [{ seed: 1, kind, invariant: "x", step: 1, detail: "", reduction: undefined }],
    });
    assertEquals(joined(swim, [fine, { ...fine, seeds: 299 }]).exitCode, EXIT.fine);
    assertEquals(joined(swim, [fine, { ...fine, seeds: 300 }]).exitCode, EXIT.situations);
    assertEquals(joined(swim, [failed("liveness"), fine]).exitCode, EXIT.liveness);
    assertEquals(joined(swim, [failed("liveness"), failed("safety")]).exitCode, EXIT.safety);
  });
});

describe("patched()", () => {
  const patch = { file: "f.ts", search: "abc", replace: "x" };

  it("replaces what occurs once", () => assertEquals(patched("1abc2", patch), "1x2"));

  it("fails where the text is missing or ambiguous", () => {
    assertThrows(() => patched("1ab2", patch), RangeError, "f.ts");
    assertThrows(() => patched("abcabc", patch), RangeError);
  });
});

const QUICK = ["suspicion-never-refuted", "label-unchecked", "incarnation-raised-by-others"];

describe("planted bugs", needs("read", "write"), () => {
  it("fit the sources, each with a name of its own", async () => {
    const root = new URL("../gossip/", import.meta.url);
    for (const { patches, caughtBy } of swimBugs) {
      assert(patches.length > 0 && caughtBy.length > 0);
      for (const patch of patches) {
        const source = await readFile(new URL(patch.file, root), "utf8");
        assertNotEquals(patched(source, patch), source);
      }
    }
    assertEquals(new Set(swimBugs.map(({ name }) => name)).size, swimBugs.length);
    assert(swimBugs.length >= 15);
  });

  // `deno task sim:ci` looks for all of them.
  for (const bug of swimBugs.filter(({ name }) => QUICK.includes(name))) {
    it(`${bug.name} is caught, shrunk and replayed`, { timeout: 300_000 }, async () => {
      const buggy = await plant(swim, bug);
      const lines: string[] = [];
      const { failures, exitCode } = campaign({
        protocol: buggy,
        plans: drawn(swim, { from: 1, count: 60, mostNodes: 40 }),
        stopAtFailure: true,
        maxShrinkRuns: 8,
        say: (line) => void lines.push(line),
      });
      const [failure] = failures as readonly [Failure];
      assert(bug.caughtBy.includes(failure.invariant), failure.invariant);
      assertEquals(exitCode, failure.kind === "safety" ? EXIT.safety : EXIT.liveness);
      assert(/^FAIL seed=\d+ step=\d+ invariant=/.test(lines[0]!), lines[0]);
      const again = playAny(
        buggy,
        reduced(draw(swim, { seed: failure.seed, mostNodes: 40 }), failure.reduction!),
      );
      assertEquals(again.violation?.invariant, failure.invariant);
    });
  }
});
