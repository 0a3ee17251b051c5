/**
 * Plays worlds with faults: `deno task sim --protocol swim --seeds N [--from S] [--nodes N | --most-nodes N] [--bug NAME] [--json FILE]
 * [--workers N] [--resume FILE] [--quiet]`, or one of them again: `deno task sim --protocol swim --seed S --replay [--nodes N] [--bug NAME]
 * [--only IDS] [--keep-nodes N] [--quiet-at MS]`, or what was found before: `deno task sim --protocol swim --regression`, of which one
 * entry: `--replay --entry I`. Exit codes: 0 fine, 1 safety, 2 usage, 3 liveness, 4 not deterministic, 5 a situation never occurred in
 * 300 seeds or more, 6 a crash of the simulator.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import process from "node:process";
import { EXIT, joined, replayCommand } from "../sim/campaign.ts";
import { describePlan, type Plan } from "../sim/plan.ts";
import { playAny } from "../sim/play.ts";
import { plantedBugs } from "../sim/planted/all.ts";
import { plant } from "../sim/planted/load.ts";
import type { PlantedBug } from "../sim/planted/patch.ts";
import type { AnyProtocol } from "../sim/protocol.ts";
import { type CampaignReport, reportOf } from "../sim/report.ts";
import { reduced, type Reduction } from "../sim/shrink.ts";
import { draw } from "../sim/swarm.ts";
import { bugOf, type Job, protocolOf, regression, seedJobs, weightOf } from "./sim_jobs.ts";
import { huntAll, record, summaryOf } from "./sim_planted.ts";
import { doRest } from "./sim_kept.ts";
import { writeReport } from "./sim_report.ts";
import { help, understood, usage, whole as wholeNumber } from "./usage.ts";

help(import.meta.url);
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
      entry: { type: "string" },
      bug: { type: "string" },
      planted: { type: "boolean", default: false },
      rounds: { type: "string", default: "5" },
      record: { type: "boolean", default: false },
      json: { type: "string" },
      report: { type: "boolean", default: false },
      workers: { type: "string", default: String(availableParallelism()) },
      resume: { type: "string" },
      quiet: { type: "boolean", default: false },
    },
  }));

function whole(name: string, text: string, least = 0): number {
  return wholeNumber("simulate", name, text, least);
}

const { nodes: asked, "most-nodes": most } = values;
const sizes = {
  ...(asked === undefined ? {} : { nodes: whole("nodes", asked, 1) }),
  ...(most === undefined ? {} : { mostNodes: whole("most-nodes", most, 1) }),
};
const count = whole("seeds", values.seeds, 1);
const rounds = whole("rounds", values.rounds, 1);
const workers = whole("workers", values.workers, 1);
const shipped = known(() => protocolOf(values.protocol));
if (positionals.length > (values.report ? 1 : 0)) {
  usage(`Cannot simulate as there is no argument ${positionals[0]}`);
}
if (values.planted) await hunted();
if (values.report) await reported();
const bug = values.bug === undefined ? undefined : bugNamed(values.bug);
if (values.replay) await replay();
else await run();

/** What the command line names exists, or it is a matter of usage. */
function known<T>(find: () => T): T {
  try {
    return find();
  } catch (error) {
    return usage((error as Error).message);
  }
}

function bugNamed(name: string): PlantedBug {
  return known(() => bugOf(shipped, name));
}

async function reported(): Promise<never> {
  const [file = `sim-${shipped.name}.html`] = positionals;
  if ("play" in shipped) return usage(`Cannot report as there are no charts of ${shipped.name}`);
  await writeReport(shipped, file, { say: (line) => console.log(line) });
  console.log(`wrote ${file}`);
  process.exit(EXIT.fine);
}

async function hunted(): Promise<never> {
  const bugs = plantedBugs.get(shipped.name) ?? [];
  const wanted = values.bug === undefined ? bugs : values.bug.split(",").map(bugNamed);
  const found = await huntAll(shipped, wanted, {
    from: whole("from", values.from ?? "1"),
    rounds,
    workers,
    file: values.resume,
    say: (line) => console.log(line),
  });
  for (const line of summaryOf(found)) console.log(line);
  if (values.record) await record(shipped, found);
  process.exit(found.every(({ caught }) => caught) ? EXIT.fine : EXIT.safety);
}

async function replay(): Promise<void> {
  const { only, "keep-nodes": kept, "quiet-at": quietAt } = values;
  const reduction: Reduction = {
    ...(kept === undefined ? {} : { nodes: whole("keep-nodes", kept, 1) }),
    ...(only === undefined
      ? {}
      : { only: only === "none" ? [] : only.split(",").map((id) => whole("only", id)) }),
    ...(quietAt === undefined ? {} : { quietAtMs: whole("quiet-at", quietAt) }),
  };
  const protocol = bug === undefined ? shipped : await plant(shipped, bug);
  const plan = reduced(await planAsked(protocol), reduction);
  const flags = (values.regression ? ` --regression --entry ${values.entry ?? 1}` : "") +
    (bug === undefined ? "" : ` --bug ${bug.name}`);
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
    `FAIL seed=${plan.seed} step=${step} invariant=${violation.invariant} (${violation.kind}) at ${atMs} ms: ${violation.detail}`,
  );
  console.log(`  replay: ${replayCommand(plan, reduction, flags)}`);
  process.exit(violation.kind === "safety" ? EXIT.safety : EXIT.liveness);
}

/** The plan of a seed, or one that was found before. */
async function planAsked(protocol: AnyProtocol): Promise<Plan> {
  if (!values.regression) {
    return draw(protocol, { ...sizes, seed: whole("seed", values.seed ?? "1") });
  }
  const found = await regression(protocol.name);
  const entry = whole("entry", values.entry ?? "1", 1);
  return found[entry - 1] ??
    usage(
      `Cannot simulate as 'entry' must be at most ${found.length}: current value is ${entry}`,
    );
}

async function run(): Promise<void> {
  const began = performance.now();
  const say = (line: string) => console.log(line);
  const results = await doRest(jobs(), { workers, weight: weightOf, say, file: values.resume });
  const result = joined(shipped, results.map(({ campaign }) => campaign!));
  const report = reportOf(shipped, result, performance.now() - began);
  print(report);
  if (values.json !== undefined) {
    await mkdir(dirname(values.json), { recursive: true });
    await writeFile(values.json, JSON.stringify(report, null, 2) + "\n");
  }
  process.exit(result.exitCode);
}

function jobs(): readonly Job[] {
  const playing = { protocol: shipped.name, announced: !values.quiet };
  if (values.regression) return [{ ...playing, kind: "regression" }];
  const from = whole("from", values.from ?? values.seed ?? String(Date.now() % 1_000_000 * 1000));
  if (!Number.isSafeInteger(from + count)) {
    usage(`Cannot simulate as seeds must be safe integers: the last would be ${from} + ${count}`);
  }
  const seeds = { ...playing, ...sizes, kind: "seeds", from, count } as const;
  // The first failure ends it: that is one job.
  return bug === undefined ? seedJobs(seeds, workers) : [{ ...seeds, bug: bug.name }];
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
