/**
 * Plays worlds with faults: `deno task sim --protocol swim --seeds N [--from S] [--nodes N | --most-nodes N] [--bug NAME] [--json FILE]`, or one of
 * them again: `deno task sim --protocol swim --seed S --replay [--nodes N] [--only IDS] [--keep-nodes N] [--quiet-at MS]`. Exit codes: 0 fine, 1 safety,
 * 2 usage, 3 liveness, 4 not deterministic, 5 a situation never occurred in 300 seeds or more, 6 a crash of the simulator.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import process from "node:process";
import { campaign, drawn, EXIT, replayCommand, replayPlan } from "../sim/campaign.ts";
import { describePlan, type Plan } from "../sim/plan.ts";
import { playAny } from "../sim/play.ts";
import { plantedBugs } from "../sim/planted/all.ts";
import { plant } from "../sim/planted/load.ts";
import type { PlantedBug } from "../sim/planted/patch.ts";
import { protocols } from "../sim/protocols/all.ts";
import { type CampaignReport, reportOf } from "../sim/report.ts";
import type { Reduction } from "../sim/shrink.ts";
import { huntAll, summaryOf } from "./sim_planted.ts";
import { writeReport } from "./sim_report.ts";
import { understood, usage, whole as wholeNumber } from "./usage.ts";

const { values, positionals } = understood("simulate", () =>
  parseArgs({
    allowPositionals: true,
    options: {
      protocol: { type: "string", default: "swim" },
      seeds: { type: "string", default: "100" },
      from: { type: "string" },
      seed: { type: "string" },
      nodes: { type: "string" },
      "most-nodes": { type: "string" },
      only: { type: "string" },
      "keep-nodes": { type: "string" },
      "quiet-at": { type: "string" },
      replay: { type: "boolean", default: false },
      regression: { type: "boolean", default: false },
      bug: { type: "string" },
      planted: { type: "boolean", default: false },
      rounds: { type: "string", default: "5" },
      json: { type: "string" },
      report: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
    },
  }));

function whole(name: string, text: string): number {
  return wholeNumber("simulate", name, text);
}

const { nodes: asked, "most-nodes": most } = values;
const sizes = {
  ...(asked === undefined ? {} : { nodes: whole("nodes", asked) }),
  ...(most === undefined ? {} : { mostNodes: whole("most-nodes", most) }),
};
const shipped = protocols.get(values.protocol) ?? usage(
  `Cannot simulate as 'protocol' must be one of ${
    [...protocols.keys()].join(", ")
  }: current value is ${values.protocol}`,
);
const bugs = plantedBugs.get(shipped.name) ?? [];
if (positionals.length > (values.report ? 1 : 0)) {
  usage(`Cannot simulate as there is no argument ${positionals[0]}`);
}
if (values.planted) await hunted();
if (values.report) await reported();
const protocol = values.bug === undefined ? shipped : await plant(shipped, bugNamed(values.bug));
if (values.replay) replay();
else await run();

function bugNamed(bugName: string): PlantedBug {
  const bug = bugs.find((planted) => planted.name === bugName);
  if (bug === undefined) {
    return usage(
      `Cannot plant the bug as 'bug' must be one of ${
        bugs.map((planted) => planted.name).join(", ")
      }: current value is ${bugName}`,
    );
  }
  return bug;
}

async function reported(): Promise<never> {
  const [file = `sim-${shipped.name}.html`] = positionals;
  if ("play" in shipped) return usage(`Cannot report as there are no charts of ${shipped.name}`);
  await writeReport(shipped, file, { say: (line) => console.log(line) });
  console.log(`wrote ${file}`);
  process.exit(EXIT.fine);
}

async function hunted(): Promise<never> {
  const wanted = values.bug === undefined ? bugs : values.bug.split(",").map(bugNamed);
  const found = await huntAll(shipped, wanted, {
    from: whole("from", values.from ?? "1"),
    rounds: whole("rounds", values.rounds),
    say: (line) => console.log(line),
  });
  for (const line of summaryOf(found)) console.log(line);
  process.exit(found.every(({ caught }) => caught) ? EXIT.fine : EXIT.safety);
}

function replay(): void {
  const seed = whole("seed", values.seed ?? "1");
  const { only, "keep-nodes": kept, "quiet-at": quietAt } = values;
  const reduction: Reduction = {
    ...(kept === undefined ? {} : { nodes: whole("keep-nodes", kept) }),
    ...(only === undefined
      ? {}
      : { only: only === "none" ? [] : only.split(",").map((id) => whole("only", id)) }),
    ...(quietAt === undefined ? {} : { quietAtMs: whole("quiet-at", quietAt) }),
  };
  const plan = replayPlan(protocol, { ...sizes, seed }, reduction);
  console.log(describePlan(plan));
  for (const { id, fault, atMs, forMs, details } of plan.actions) {
    console.log(`  ${id}: at ${atMs} ms, for ${forMs} ms: ${fault} ${JSON.stringify(details)}`);
  }
  const outcome = playAny(protocol, plan);
  const { violation, step, atMs, traceHash, recoveredMs } = outcome;
  if (violation === undefined) {
    console.log(`ok: step ${step}, ${atMs} ms, recovered in ${recoveredMs} ms, trace ${traceHash}`);
    return;
  }
  console.log(
    `FAIL seed=${seed} step=${step} invariant=${violation.invariant} (${violation.kind}) at ${atMs} ms: ${violation.detail}`,
  );
  console.log(`  replay: ${replayCommand(plan, reduction)}`);
  process.exit(violation.kind === "safety" ? EXIT.safety : EXIT.liveness);
}

async function run(): Promise<void> {
  const began = performance.now();
  const result = campaign({
    protocol,
    plans: await plans(),
    stopAtFailure: values.bug !== undefined,
    began: (plan) => {
      if (values.verbose) console.log(describePlan(plan));
    },
    say: (line) => console.log(line),
  });
  const report = reportOf(protocol, result, performance.now() - began);
  print(report);
  if (values.json !== undefined) {
    await mkdir(dirname(values.json), { recursive: true });
    await writeFile(values.json, JSON.stringify(report, null, 2) + "\n");
  }
  process.exit(result.exitCode);
}

async function plans(): Promise<Iterable<Plan>> {
  if (values.regression) {
    const file = new URL(`../sim/testdata/regression_${protocol.name}.json`, import.meta.url);
    const found = JSON.parse(await readFile(file, "utf8")) as readonly { readonly plan: Plan }[];
    return found.map(({ plan }) => plan);
  }
  const from = whole("from", values.from ?? values.seed ?? String(Date.now() % 1_000_000 * 1000));
  const count = whole("seeds", values.seeds);
  return drawn(protocol, { ...sizes, from, count });
}

function print(report: CampaignReport): void {
  const { seeds, firstSeed, events, virtualHours, eventsPerSecond, worstRecoveryMs } = report;
  console.log("situation                                    runs       hits  first seed");
  for (const { situation, runs, hits, firstSeed } of report.situations) {
    console.log(
      [situation.padEnd(40), String(runs).padStart(8), String(hits).padStart(10)].join(" ") +
        String(firstSeed ?? "never").padStart(12),
    );
  }
  console.log(
    `sim: ${seeds - report.failures.length} passed, ${report.failures.length} failed ` +
      `(seeds from ${firstSeed}, ${events} events, ${virtualHours.toFixed(1)} virtual hours, ` +
      `${Math.round(eventsPerSecond)} events/s, slowest recovery ${
        Math.round(worstRecoveryMs / 1000)
      } s)`,
  );
}
