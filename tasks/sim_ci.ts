/**
 * `deno task sim:ci`: plays, of each protocol, what was found before and fresh seeds that follow from the commit, and looks for each
 * planted bug once. Two processes share the work. The last line is what CI sums.
 *
 * @module
 */
import { SITUATION_SEEDS } from "../sim/campaign.ts";
import { plantedBugs } from "../sim/planted/all.ts";
import { protocols } from "../sim/protocols/all.ts";
import type { CampaignReport } from "../sim/report.ts";
import { rootFolder } from "./runtimes.ts";

/** Processes at a time. */
const WORKERS = 2;
/** Seeds that one process plays: few, as one seed in some hundreds takes as long as all others. */
const CHUNK = 25;
/** The few worlds of many hundreds of nodes that are drawn take minutes each: here they are of so many. */
const MOST_NODES = 120;

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

interface Ran {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Runs `deno task sim` in a process of its own. */
async function sim(...args: readonly string[]): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "tasks/sim.ts", ...args],
    cwd: rootFolder,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, lines: text.split("\n") };
}

/** Does all, {@link WORKERS} at a time, and keeps their order. */
async function pooled<T>(work: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
  const done: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let mine = next++; mine < work.length; mine = next++) done[mine] = await work[mine]!();
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return done;
}

/** Lines that a reader needs, moved in so that nobody sums them twice. */
function show(lines: readonly string[]): void {
  for (const line of lines) {
    if (/^(FAIL| {2}|error|Error|Cannot)|NOT CAUGHT/.test(line)) console.log(`  ${line}`);
  }
}

async function playSeeds(
  protocol: string,
  range: readonly string[],
  folder: string,
): Promise<CampaignReport> {
  const file = `${folder}/${crypto.randomUUID()}.json`;
  const ran = await sim("--protocol", protocol, ...range, "--json", file);
  show(ran.lines);
  try {
    return JSON.parse(await Deno.readTextFile(file)) as CampaignReport;
  } catch {
    throw new Error(`A shard ended with ${ran.code} and no report:\n${ran.lines.join("\n")}`);
  }
}

const began = performance.now();
const base = await baseSeed();
const folder = await Deno.makeTempDir();
let [passed, failed] = [0, 0];
try {
  for (const protocol of protocols.values()) {
    const { name } = protocol;
    const ranges = [["--regression"]];
    for (let played = 0; played < SITUATION_SEEDS; played += CHUNK) {
      ranges.push([
        "--from",
        String(base + played),
        "--seeds",
        String(CHUNK),
        "--most-nodes",
        String(MOST_NODES),
      ]);
    }
    const [regression, ...fresh] = await pooled(
      ranges.map((range) => () => playSeeds(name, range, folder)),
    );
    for (const { seeds, failures } of [regression!, ...fresh]) {
      passed += seeds - failures.length;
      failed += failures.length;
    }
    const missing = protocol.situations.filter((wanted) =>
      fresh.every(({ situations }) =>
        situations.every(({ situation, runs }) => situation !== wanted || runs === 0)
      )
    );
    for (const situation of missing) console.log(`  never occurred: ${situation}`);
    passed += protocol.situations.length - missing.length;
    failed += missing.length;
    const events = fresh.reduce((sum, report) => sum + report.events, 0);
    console.log(
      `${name}, ${regression!.seeds} runs found before and ${
        fresh.length * CHUNK
      } fresh seeds: ${events} events, ${
        protocol.situations.length - missing.length
      } of ${protocol.situations.length} situations occurred`,
    );
    const bugs = plantedBugs.get(name) ?? [];
    if (bugs.length === 0) continue;
    const hunts = await pooled(
      bugs.map((bug) => () =>
        sim("--protocol", name, "--planted", "--rounds", "1", "--from", "1", "--bug", bug.name)
      ),
    );
    for (const { lines } of hunts) {
      show(lines);
      const summary = lines.map((line) => /^planted: (\d+) passed, (\d+) failed/.exec(line))
        .find((match) => match !== null);
      if (summary === undefined || summary === null) {
        failed++;
        console.log(lines.join("\n"));
      } else {
        passed += Number(summary[1]);
        failed += Number(summary[2]);
      }
    }
    console.log(`${name}, ${bugs.length} planted bugs looked for`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
const seconds = Math.round((performance.now() - began) / 1000);
console.log(
  `sim: ${passed} passed, ${failed} failed (seeds, situations and planted bugs, in ${seconds} s)`,
);
if (failed > 0) Deno.exit(1);
