// deno-lint-ignore-file no-console
/**
 * Measures Raft beside hashicorp/raft and writes `bench/RESULTS-raft.md`:
 * `deno task bench:raft [--peer NAME=COMMAND]… [--no-go] [--only REGEX] [--rounds N] [--trials N] [--seconds S] [--no-record]`.
 *
 * The contenders are `bench/go`, which is built first, and the programs given with `--peer`, the first of which is held to the targets.
 * All speak `bench/raft/line_protocol.ts`, and all are asked in turn.
 *
 * Exit status: 0, 1 if any measurement was void, 2 for wrong usage.
 */
import { parseArgs } from "node:util";
import { goTool, outside } from "../interop/kinds.ts";
import { type Contender, VoidError } from "./raft/cluster.ts";
import { fsyncsPerSecond } from "./raft/floor.ts";
import { NodeError } from "./raft/program.ts";
import { type Cell, render, type RowResult, showCell } from "./raft/results.ts";
import { type Measured, type Row, rows, type Scale } from "./raft/rows.ts";
import { help } from "../tasks/usage.ts";

const root = new URL("../", import.meta.url).pathname;

function refuse(problem: string): never {
  console.error(problem);
  Deno.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        peer: { type: "string", multiple: true, default: [] },
        "no-go": { type: "boolean", default: false },
        only: { type: "string", default: "" },
        rounds: { type: "string", default: "3" },
        trials: { type: "string", default: "15" },
        seconds: { type: "string", default: "4" },
        warmup: { type: "string", default: "1" },
        missed: { type: "string", default: "200000" },
        "no-record": { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    refuse((error as Error).message);
  }
}

help(import.meta.url);
const values = options();
function positive(name: "rounds" | "trials" | "seconds" | "warmup" | "missed"): number {
  const value = Number(values[name]);
  if (value > 0) return value;
  refuse(`Cannot measure as '--${name}' must be positive: current value is ${values[name]}`);
}
const [rounds, trials] = [positive("rounds"), positive("trials")];
const scale: Scale = {
  seconds: positive("seconds"),
  warmupSeconds: positive("warmup"),
  missed: positive("missed"),
  bytes: 256,
};

async function buildGo(): Promise<Contender> {
  const { success, stderr } = await new Deno.Command(await goTool(), {
    args: ["build", "-o", "peer", "."],
    cwd: `${root}bench/go`,
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot build bench/go: ${new TextDecoder().decode(stderr)}`);
  return { name: "go", command: [`${root}bench/go/peer`] };
}

/** Everybody in turn, in each round beginning with another. */
async function compare(row: Row, contenders: readonly Contender[]): Promise<RowResult> {
  const cells = new Map<string, { measured: Measured[]; voids: string[] }>();
  const never = new Set<string>();
  for (let time = 0; time < row.times(rounds, trials); time++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(time + i) % contenders.length]!;
      if (never.has(contender.name)) continue;
      const cell = cells.get(contender.name) ?? { measured: [], voids: [] };
      try {
        cell.measured.push(await row.measure(contender, scale));
      } catch (error) {
        if (error instanceof VoidError) cell.voids.push(error.message);
        else if (error instanceof NodeError && error.unsupported) {
          never.add(contender.name);
          continue;
        } else throw error;
      }
      cells.set(contender.name, cell);
    }
  }
  const shown = [...cells].map(([name, cell]: [string, Cell]) =>
    `${name} ${showCell(cell, row.unit)}${cell.voids.map((why) => ` (${why})`).join("")}`
  );
  console.log(`${row.name}, ${row.unit}: ${shown.join("; ") || "nobody does it"}`);
  return { row, cells };
}

function machine(): string {
  let cpu = "unknown CPU";
  try {
    cpu = Deno.readTextFileSync("/proc/cpuinfo").match(/model name\s*: (.*)/)?.[1] ?? cpu;
  } catch {
    // Not Linux.
  }
  return `${cpu}, ${navigator.hardwareConcurrency} cores, ${Deno.build.os} ${Deno.build.arch}`;
}

const load = () => Deno.loadavg()[0]!.toFixed(1);
const only = new RegExp(values.only);
const chosen = rows.filter(({ name, section }) => only.test(`${section}: ${name}`));
if (chosen.length === 0) {
  refuse(
    `Cannot measure as '--only' must match a row: current value is ${values.only}; rows are\n${
      rows.map(({ name, section }) => `  ${section}: ${name}`).join("\n")
    }`,
  );
}
const contenders: Contender[] = [
  ...(values["no-go"] ? [] : [await buildGo()]),
  ...values.peer.map(outside),
];
if (contenders.length === 0) refuse("Cannot measure without a contender");

const before = load();
const floor = await fsyncsPerSecond();
console.log(`disk: ${floor.toFixed(0)} fdatasyncs a second of three writers each`);
const results: RowResult[] = [];
for (const row of chosen) results.push(await compare(row, contenders));

const typed = Deno.args.map((arg) => /^[\w./=:-]+$/.test(arg) ? arg : JSON.stringify(arg));
if (!values["no-record"]) {
  await Deno.writeTextFile(
    `${root}bench/RESULTS-raft.md`,
    render({
      results,
      contenders: contenders.map(({ name }) => name),
      machine: machine(),
      fsyncsPerSecond: floor,
      loads: `${before} and ${load()}`,
      date: new Date().toISOString().slice(0, 10),
      command: ["deno task bench:raft", ...typed].join(" ").replaceAll(root, ""),
      scale:
        `${scale.bytes}-byte commands, ${scale.warmupSeconds} s to warm up, ${scale.seconds} s measured, ${rounds} rounds (failover: ${trials} trials), ${
          scale.missed.toLocaleString("en")
        } commands missed in the catch-up.`,
    }),
  );
  console.log("written: bench/RESULTS-raft.md");
}
if (results.some(({ cells }) => [...cells.values()].some(({ voids }) => voids.length > 0))) {
  Deno.exit(1);
}
