// deno-lint-ignore-file no-console
/**
 * Compares placement with other implementations and writes `bench/RESULTS.md`:
 * `deno task bench:peers [--peer COMMAND [--peer-name TEXT]] [--rounds N]`.
 *
 * Ours is measured on Deno, Bun and Node, beside the npm packages hashring and consistent-hash, and beside an outside peer that
 * answers `bench` requests (grafana/ckit in Go; `--peer-name` says in the results which, with its version). Without one the figures of
 * the last run with one are shown, from `bench/peers/go.json`.
 * Everybody is asked in turn, several rounds, and medians are compared, so that a busy machine slows all alike.
 */
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { runtime } from "../tasks/runtimes.ts";
import { type Measurement, start, type Subject } from "./peers/subject.ts";
import { help } from "../tasks/usage.ts";

interface Case {
  readonly name: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** The npm package that is asked; ours answers with a ring. */
  readonly rival?: string;
  /** Least ratio of the peer's time to ours on Deno. */
  readonly target?: number;
}

interface Recorded {
  readonly peer: string;
  readonly date: string;
  readonly machine: string;
  readonly results: Readonly<Record<string, Measurement>>;
}

const root = new URL("../", import.meta.url).pathname;
const recordedFile = `${root}bench/peers/go.json`;
help(import.meta.url);
const { rounds, peerCommand, peerName } = options();

function options() {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        peer: { type: "string" },
        "peer-name": { type: "string" },
        rounds: { type: "string", default: "9" },
      },
    });
    const rounds = Number(values.rounds);
    if (!Number.isSafeInteger(rounds) || rounds < 1) {
      throw new RangeError(
        `Cannot measure as '--rounds' must be a positive integer: current value is ${values.rounds}`,
      );
    }
    const peerCommand = values.peer?.trim().split(/\s+/);
    if (peerCommand?.[0] === "") {
      throw new RangeError("Cannot measure as '--peer' must be a command: current value is empty");
    }
    const program = peerCommand?.[0]?.replace(/^.*\//, "");
    return { rounds, peerCommand, peerName: values["peer-name"] ?? program ?? "" };
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
}

const sizes = [10, 100, 1_000];
const targets: Readonly<Record<string, number>> = {
  "ring 10": 4,
  "ring 100": 4,
  "ring 1000": 4,
  "rendezvous 100": 10,
  "multiprobe 100": 4,
};
const cases: Case[] = [];
for (const algorithm of ["ring", "rendezvous", "multiprobe"]) {
  for (const nodes of sizes) {
    const name = `${algorithm} ${nodes}`;
    const request = {
      do: "bench",
      what: "lookup",
      algorithm,
      tokens: 512,
      nodes,
      count: 3,
      ms: 150,
    };
    cases.push({ name, request, ...(name in targets ? { target: targets[name]! } : {}) });
  }
}
for (const nodes of sizes) {
  const request = { do: "bench", algorithm: "ring", tokens: 512, nodes, ms: 150 };
  cases.push({
    name: `rebuild ${nodes}`,
    request: { ...request, what: "rebuild" },
    ...(nodes === 1_000 ? { target: 4 } : {}),
  });
  cases.push({
    name: `add ${nodes}`,
    request: { ...request, what: "add" },
    ...(nodes === 1_000 ? { target: 40 } : {}),
  });
}

async function output(program: string, ...args: string[]): Promise<string> {
  const { stdout, success } = await new Deno.Command(program, { args, stderr: "null" }).output();
  return success ? new TextDecoder().decode(stdout) : "";
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
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

/** The size of `shard/mod.ts`, bundled, minified and gzipped, in bytes. */
async function bundleBytes(): Promise<number> {
  const text = await output(bun, "build", "--minify", "--target=browser", `${root}shard/mod.ts`);
  return text === "" ? NaN : gzipSync(text, { level: 9 }).length;
}

/** Lookups by the npm packages, as they are or with settings. */
function npmCases(called: string, settings: Readonly<Record<string, unknown>>): Case[] {
  return ["hashring", "consistent-hash"].flatMap((algorithm) =>
    sizes.map((nodes) => ({
      name: `${algorithm} ${nodes}, ${called}`,
      rival: algorithm,
      // As long a turn as above: in a short one the caches that the other has just filled with its own are half of what is measured.
      request: { what: "lookup", algorithm, tokens: 512, nodes, count: 3, ms: 150, ...settings },
    }))
  );
}

type Table = Map<string, Map<string, Measurement>>;

async function measure(subjects: readonly Subject[], some: readonly Case[]): Promise<Table> {
  const table: Table = new Map();
  for (const { name, request, rival } of some) {
    const times = new Map<string, number[]>();
    const bytes = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) {
        const reply = await subject.ask(
          subject === subjects[0] && rival !== undefined
            ? { ...request, algorithm: "ring" }
            : request,
        );
        if (reply === undefined) continue;
        times.set(subject.name, [...times.get(subject.name) ?? [], reply.ns]);
        if (reply.bytes !== undefined) bytes.set(subject.name, reply.bytes);
      }
    }
    const row = new Map<string, Measurement>();
    for (const [subject, list] of times) {
      const kept = bytes.get(subject);
      row.set(subject, {
        ns: median(list),
        least: Math.min(...list),
        ...(kept === undefined ? {} : { bytes: kept }),
      });
    }
    table.set(name, row);
    console.log(name, [...row].map(([subject, { ns }]) => `${subject} ${time(ns)}`).join(", "));
  }
  return table;
}

function time(ns: number | undefined): string {
  if (ns === undefined || Number.isNaN(ns)) return "–";
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  return `${(ns / 1e6).toPrecision(3)} ms`;
}

function ratio(theirs: number | undefined, ours: number | undefined): string {
  return theirs === undefined || ours === undefined ? "–" : `${(theirs / ours).toFixed(1)}×`;
}

const ours = `${root}bench/peers/ours.ts`;
// As the suite and the demo do: installed from npm when the machine has none that is new enough.
const bun = await runtime("bun");
const node = await runtime("node");
const subjects = [
  start("Deno", [Deno.execPath(), "run", "-A", ours]),
  start("Bun", [bun, "run", ours]),
  start("Node", [node, ours]),
];
if (peerCommand !== undefined) {
  subjects.push(
    start("Go", [...peerCommand, "--name", "bench", "--addr", "127.0.0.1:0"]),
  );
}
const npm = start("npm", [Deno.execPath(), "run", "-A", `${root}bench/peers/npm.ts`]);

let table: Table;
let npmTable: Table;
let evenTable: Table;
let fresh: Table;
try {
  const peer = subjects.find(({ name }) => name === "Go");
  // What was recorded is not given up for a peer that answers nothing.
  if (peer !== undefined && await peer.ask({ ...cases[0]!.request, ms: 1 }) === undefined) {
    throw new Error(`Cannot measure with ${peerName}: it answers no 'bench' request`);
  }
  table = await measure(subjects, cases);
  fresh = await measure(
    subjects.filter(({ name }) => name !== "Go"),
    sizes.map((nodes) => {
      const { request } = cases.find(({ name }) => name === `ring ${nodes}`)!;
      return { name: `fresh ${nodes}`, request: { ...request, distinct: 524_288, ms: 300 } };
    }),
  );
  npmTable = await measure([subjects[0]!, npm], npmCases("default", {}));
  evenTable = await measure([subjects[0]!, npm], npmCases("512 points", { points: 512 }));
} finally {
  for (const subject of [...subjects, npm]) await subject.close();
}

const date = new Date().toISOString().slice(0, 10);
let recorded: Recorded | undefined;
if (peerCommand !== undefined) {
  const results = [...table].flatMap(([name, row]) => {
    const measured = row.get("Go");
    return measured === undefined ? [] : [[name, {
      ns: Math.round(measured.ns),
      least: Math.round(measured.least ?? measured.ns),
      ...(measured.bytes === undefined ? {} : { bytes: measured.bytes }),
    }]];
  });
  recorded = {
    peer: peerName,
    date,
    machine: machine(),
    results: Object.fromEntries(results),
  };
  await Deno.writeTextFile(recordedFile, JSON.stringify(recorded, null, 2) + "\n");
} else {
  try {
    recorded = JSON.parse(await Deno.readTextFile(recordedFile));
  } catch {
    recorded = undefined;
  }
}

function npmRows(measured: Table, called: string, target?: number): string[] {
  return ["hashring", "consistent-hash"].flatMap((algorithm) =>
    sizes.map((nodes) => {
      const row = measured.get(`${algorithm} ${nodes}, ${called}`);
      const [theirs, own] = [row?.get("npm"), row?.get("Deno")];
      const cells = [algorithm, nodes, time(theirs?.ns), time(own?.ns)];
      cells.push(ratio(theirs?.ns, own?.ns), ratio(theirs?.least, own?.least));
      if (target !== undefined) {
        const reached = theirs !== undefined && own !== undefined && theirs.ns / own.ns >= target;
        if (reached) met++;
        else missed++;
        cells.push(`≥ ${target}×: ${reached ? "met" : "**missed**"}`);
      }
      return `| ${cells.join(" | ")} |`;
    })
  );
}

const go = (name: string) => recorded?.results[name];
const columns = ["Deno", "Bun", "Node"];
const lines: string[] = [];
let met = 0;
let missed = 0;
for (const { name, target } of cases) {
  const row = table.get(name)!;
  const deno = row.get("Deno")?.ns;
  const theirs = go(name)?.ns;
  let verdict = "";
  if (target !== undefined && theirs !== undefined && deno !== undefined) {
    const reached = theirs / deno >= target;
    verdict = `≥ ${target}×: ${reached ? "met" : "**missed**"}`;
    if (reached) met++;
    else missed++;
  }
  const cells = columns.map((column) => time(row.get(column)?.ns));
  lines.push(
    `| ${name} | ${time(theirs)} | ${cells.join(" | ")} | ${ratio(theirs, deno)} | ${
      ratio(go(name)?.least, row.get("Deno")?.least)
    } | ${verdict} |`,
  );
}
const npmLines = npmRows(npmTable, "default", 20);
const evenLines = npmRows(evenTable, "512 points");
const freshLines = sizes.map((nodes) =>
  `| ring ${nodes} | ${
    columns.map((column) => time(fresh.get(`fresh ${nodes}`)?.get(column)?.ns)).join(" | ")
  } |`
);
const tableBytes = table.get("rebuild 1000")?.get("Deno")?.bytes ?? NaN;
const goBytes = go("rebuild 1000")?.bytes;
const gzipped = await bundleBytes();
for (const reached of [tableBytes / 512_000 <= 12, gzipped <= 12_000]) {
  if (reached) met++;
  else missed++;
}
const versions = [
  `Deno ${Deno.version.deno} (V8 ${Deno.version.v8})`,
  `Bun ${(await output(bun, "--version")).trim()}`,
  `Node ${(await output(node, "--version")).trim()}`,
];
const command = `deno task bench:peers${peerCommand === undefined ? "" : " --peer COMMAND"}`;
const goNote = recorded === undefined
  ? "No peer has been recorded yet."
  : peerCommand === undefined
  ? `Go: ${recorded.peer}, **recorded** ${recorded.date} on ${recorded.machine}, not measured in this run: ratios compare two runs.`
  : `Go: ${recorded.peer}, measured in this run, in turn with the others.`;
let loads = "";
try {
  loads = Deno.loadavg().map((load) => load.toFixed(1)).join(" ");
} catch {
  loads = "unknown";
}

await Deno.writeTextFile(
  `${root}bench/RESULTS.md`,
  `# Placement: measurements

Written by \`${command}\` on ${date}: do not edit.

- Machine: ${machine()}; load average at the end ${loads}.
- ${versions.join(", ")}; npm hashring 3.2.0, consistent-hash 1.2.2.
- ${goNote}
- Medians of ${rounds} rounds, everybody asked in turn. Keys: 8,192 texts of 1 to 64 letters and digits, hash included; 3 owners a lookup; 512 tokens a node.
- ${met} targets met, ${missed} missed. Targets are for Deno against Go, medians. On a busy machine compare the fastest rounds too: they are the least disturbed.

## Against grafana/ckit

\`rebuild\`: a sharder of all peers from nothing. \`add\`: from N to N + 1 peers (Go rebuilds).

| case | Go | ${columns.join(" | ")} | Go ÷ Deno | of the fastest rounds | target |
| --- | ${["", ...columns, "", "", ""].map(() => "---").join(" | ")} |
${lines.join("\n")}

## Keys that hardly repeat

Owner lists are made on demand and remembered (at most 65,536 of them); the table above repeats 8,192 keys, so most lookups find theirs. With
524,288 different keys a ring of more tokens than that makes a list anew for most lookups:

| case | ${columns.join(" | ")} |
| --- | ${columns.map(() => "---").join(" | ")} |
${freshLines.join("\n")}

## Against npm packages

On Deno, 3 owners a lookup, each package with its own defaults (fewer tokens than ours).

| package | nodes | theirs | ours (ring, 512 tokens) | ratio | of the fastest rounds | target |
| --- | --- | --- | --- | --- | --- | --- |
${npmLines.join("\n")}

What 1,000 nodes cost us is memory: index, tokens and remembered lists are some 5 MB, read at random, so that a lookup takes twice as long once
something else has used the caches. Each is therefore asked for turns of 150 ms; short ones measure the refilling. On a busy machine the ratio
moves between half and all of what a quiet one shows.

Why consistent-hash is out of reach at 20×: it hashes a key to 24 bits with a few steps a character and keeps 40 points a node, while about two
thirds of our time on 10 nodes goes into the conversion of the text and the 64-bit hash that ckit prescribes (some 50 ns on the machine that
these notes come from). A twentieth of its time is less than that hash alone, so no ring that places keys as ckit does can meet the target.
It is measured with \`distribution: "uniform"\`, which deals the points of the nodes out in turn at even distances: the three owners of a key are
nearly always the next three points. With its default, points at random, no two processes place a key alike.

The same with as many points a node as ours, which each package has a setting for (\`vnode count\` 128, four points each; \`controlPoints\` 512 on a
\`range\` that has room for them). No target is set for it:

| package | nodes | theirs, 512 points a node | ours (ring, 512 tokens) | ratio | of the fastest rounds |
| --- | --- | --- | --- | --- | --- |
${evenLines.join("\n")}

## Size

- Token table of 1,000 × 512 tokens: ${
    (tableBytes / 512_000).toFixed(2)
  } bytes a token (target ≤ 12), index included${
    goBytes === undefined ? "" : `; Go keeps ${(goBytes / 512_000).toFixed(1)} (whole sharder)`
  }.
- Remembered owner lists come on top: a slot of 16 bytes and about 72 bytes for each list of three on V8, at most min(tokens, 65,536) of them: 5.8 MB
  at the most for each sharder or projection that is asked; nothing before the first lookup.
- \`shard/mod.ts\` bundled (\`bun build --minify\`) and gzipped: ${
    gzipped.toLocaleString("en")
  } bytes (target ≤ 12,000).
`,
);
console.log(`${met} targets met, ${missed} missed; see bench/RESULTS.md`);
