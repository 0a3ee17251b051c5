/**
 * `deno task sim:ci`: plays, of each protocol, what was found before and fresh seeds that follow from the commit, looks for each planted
 * bug, sends many names through a small cluster, and compares the traces of some seeds between the runtimes. All cores share the work.
 * The last line is what CI sums.
 *
 * Only fresh seeds differ from commit to commit. Each planted bug is looked for from a seed on that is known to show it: no commit fails
 * by bad luck, and the time goes to fresh seeds. How many seeds it takes from anywhere is measured in `bench/RESULTS-sim.md`.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { type CampaignResult, joined, SITUATION_SEEDS } from "../sim/campaign.ts";
import { plantedBugs } from "../sim/planted/all.ts";
import type { AnyProtocol } from "../sim/protocol.ts";
import { protocols } from "../sim/protocols/all.ts";
import { packages, rootFolder, runtime } from "./runtimes.ts";
import { type Job, seedJobs, weightOf } from "./sim_jobs.ts";
import { recordedSeeds } from "./sim_planted.ts";
import { doAll, type Timed } from "./sim_pool.ts";
import { help } from "./usage.ts";

/** Fresh seeds of a protocol; all others have {@link SITUATION_SEEDS}. */
const FRESH: ReadonlyMap<string, number> = new Map([["scuttlebutt", 500]]);
/** The rarest situations occur in one run of fifty: so many times as many seeds are played again until all did. */
const MORE = 5;
/** The few worlds of hundreds of nodes that are drawn take up to minutes each: here they are of so many. */
const MOST_NODES = 60;
/** Names that come and go. */
const NAMES = 10_000;

/** Another commit plays other seeds; the same one plays them again. */
async function baseSeed(): Promise<number> {
  const { success, stdout } = await new Deno.Command("git", {
    args: ["rev-parse", "HEAD"],
    cwd: rootFolder,
    stderr: "null",
  }).output().catch(() => ({ success: false, stdout: new Uint8Array() }));
  const commit = new TextDecoder().decode(stdout).trim();
  if (!success || !/^[0-9a-f]{40}/.test(commit)) {
    console.log("no commit to derive seeds from: they begin at 1");
    return 1;
  }
  const base = parseInt(commit.slice(0, 8), 16);
  console.log(`commit ${commit}: seeds from ${base}`);
  return base;
}

/** What a job is about: the parts whose time is told. */
function partOf(job: Job): string {
  return job.kind === "names" ? `${job.names} names` : `${job.protocol} ${job.kind}`;
}

/** Fresh seeds, from a base on; `more`: how often there were as many before. */
function freshSeeds({ name }: AnyProtocol, base: number, more = 0): readonly Job[] {
  const count = FRESH.get(name) ?? SITUATION_SEEDS;
  const playing = { protocol: name, announced: false, mostNodes: MOST_NODES };
  return seedJobs({ ...playing, kind: "seeds", from: base + more * count, count }, workers);
}

function jobsOf(protocol: AnyProtocol, base: number): readonly Job[] {
  const { name } = protocol;
  const jobs: Job[] = [
    { kind: "regression", protocol: name, announced: false },
    ...freshSeeds(protocol, base),
  ];
  for (const bug of plantedBugs.get(name) ?? []) {
    const from = recorded[name]?.[bug.name] ?? 1;
    jobs.push({ kind: "hunt", protocol: name, bug: bug.name, from, rounds: 1 });
  }
  return jobs;
}

/** The traces of some seeds, as each runtime has them. */
async function traces(): Promise<ReadonlyMap<string, string>> {
  await packages();
  const found = new Map<string, string>();
  for (const name of ["deno", "bun", "node"] as const) {
    const flags = name === "deno" ? ["run", "--no-lock", "-A"] : [];
    const { stdout, stderr, code } = await new Deno.Command(await runtime(name), {
      args: [...flags, "sim/_harness_trace.ts"],
      cwd: rootFolder,
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder();
    found.set(name, code === 0 ? text.decode(stdout).trim() : text.decode(stderr));
  }
  return found;
}

const began = performance.now();
help(import.meta.url);
const base = await baseSeed();
const recorded = await recordedSeeds();
const workers = availableParallelism();
const jobs: readonly Job[] = [
  ...[...protocols.values()].flatMap((protocol) => jobsOf(protocol, base)),
  { kind: "names", names: NAMES },
];
const options = {
  workers,
  weight: weightOf,
  say: (line: string): void => {
    if (/^(FAIL| {2})|NOT CAUGHT/.test(line)) console.log(`  ${line}`);
  },
};
const done = await doAll(jobs, options);
const results = jobs.map((job, i) => ({ job, ...done[i]! }));
let [passed, failed] = [0, 0];
const count = (good: number, bad: number): void => {
  passed += good;
  failed += bad;
};
for (const protocol of protocols.values()) await report(protocol);
const names = results.find(({ job }) => job.kind === "names")?.churned;
count(names === undefined ? 0 : 1, names === undefined ? 1 : 0);
console.log(`${NAMES} names: at most ${names?.records[1]} records, ${names?.bytes[1]} bytes`);
const between = await traces();
const agree = new Set(between.values()).size === 1;
count(agree ? 1 : 0, agree ? 0 : 1);
console.log(`traces: ${agree ? `equal in ${[...between.keys()].join(", ")}` : "they DIFFER"}`);
if (!agree) { for (const [name, trace] of between) console.log(`  ${name}: ${trace}`); }

const parts = new Map<string, number>();
for (const { job, elapsedMs } of results) {
  parts.set(partOf(job), (parts.get(partOf(job)) ?? 0) + elapsedMs);
}
for (const [part, ms] of parts) {
  console.log(`  ${part.padEnd(24)} ${(ms / 1000).toFixed(1).padStart(7)} s of one thread`);
}
const seconds = Math.round((performance.now() - began) / 1000);
console.log(
  `sim: ${passed} passed, ${failed} failed (seeds, situations, planted bugs, names and traces, ` +
    `in ${seconds} s with ${workers} threads)`,
);
Deno.exit(failed > 0 ? 1 : 0);

async function report(protocol: AnyProtocol): Promise<void> {
  const { name, situations } = protocol;
  const of = (kind: Job["kind"]): readonly Timed[] =>
    results.filter(({ job }) => job.kind === kind && "protocol" in job && job.protocol === name);
  const campaigns = (kind: Job["kind"]): CampaignResult =>
    joined(protocol, of(kind).map(({ campaign }) => campaign!));
  const found = campaigns("regression");
  let fresh = campaigns("seeds");
  for (let more = 1; fresh.missing.length > 0 && more <= MORE; more++) {
    console.log(`${name}: more seeds, as there was none with: ${fresh.missing.join(", ")}`);
    const further = await doAll(freshSeeds(protocol, base, more), options);
    fresh = joined(protocol, [fresh, ...further.map(({ campaign }) => campaign!)]);
  }
  for (const { seeds, failures } of [found, fresh]) {
    count(seeds - failures.length, failures.length);
  }
  const { missing } = fresh;
  for (const situation of missing) console.log(`  never occurred: ${situation}`);
  count(situations.length - missing.length, missing.length);
  const hunts = of("hunt");
  const caught = hunts.filter((hunt) => hunt.caught?.caught).length;
  count(caught, hunts.length - caught);
  console.log(
    `${name}: ${found.seeds} runs found before and ${fresh.seeds} fresh seeds, ${fresh.events} events; ` +
      `${situations.length - missing.length} of ${situations.length} situations occurred; ` +
      `${caught} of ${hunts.length} planted bugs caught`,
  );
}
