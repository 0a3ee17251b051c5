/**
 * Fuzzes every decoder of the wire: `deno task fuzz [--inputs N] [--seed S] [--target NAME]`. N inputs a target, one million by default;
 * with NAME only the target of that name, or all whose names begin with that word, such as `scuttlebutt`. Ends with status 1 at the first
 * failure, and prints the input and the command that repeats it.
 */
import { encodeHex } from "@std/encoding";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  fuzzInput,
  type FuzzTarget,
  fuzzTargets,
  seededRandom,
} from "../gossip/swim/wire/_harness_fuzz.ts";
import { fuzzTargets as scuttlebuttTargets } from "../gossip/scuttlebutt/_harness_fuzz.ts";
import { raftTargets } from "../raft/wire/_harness_fuzz.ts";
import { help, understood, usage, whole } from "./usage.ts";

/** An input that takes longer of a processor is a failure: all of them are small. */
const MAX_INPUT_MS = 2_000;

interface Counts {
  readonly accepted: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly totalMs: number;
}

function cpuMs(since: ReturnType<typeof process.cpuUsage>): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

function fuzz(target: FuzzTarget, { inputs, seed }: { inputs: number; seed: number }): Counts {
  const random = seededRandom(seed);
  const began = performance.now();
  let accepted = 0;
  let slowestMs = 0;
  for (let i = 0; i < inputs; i++) {
    const bytes = fuzzInput(target.seeds, random);
    const start = performance.now();
    const used = process.cpuUsage();
    try {
      if (target.run(bytes, random)) accepted += 1;
      const elapsedMs = performance.now() - start;
      // A busy machine keeps a small input waiting, too.
      if (elapsedMs > MAX_INPUT_MS && cpuMs(used) > MAX_INPUT_MS) {
        throw new Error(`It took ${Math.round(elapsedMs)} ms`);
      }
      slowestMs = Math.max(slowestMs, elapsedMs);
    } catch (error) {
      console.error(`FAILED ${target.name}, input ${i + 1}: ${encodeHex(bytes)}`);
      console.error(error);
      console.error(
        `Repeat: deno task fuzz --target "${target.name}" --seed ${seed} --inputs ${i + 1}`,
      );
      Deno.exit(1);
    }
  }
  return { accepted, refused: inputs - accepted, slowestMs, totalMs: performance.now() - began };
}

help(import.meta.url);
const { values } = understood("fuzz", () =>
  parseArgs({
    options: {
      inputs: { type: "string", default: "1000000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      target: { type: "string" },
    },
  }));
const inputs = whole("fuzz", "inputs", values.inputs, 1);
const seed = whole("fuzz", "seed", values.seed);
const allTargets: readonly FuzzTarget[] = [...fuzzTargets, ...scuttlebuttTargets, ...raftTargets];
const targets = allTargets.filter(({ name }) =>
  values.target === undefined || name === values.target || name.startsWith(`${values.target} `)
);
if (targets.length === 0) {
  usage(
    `Cannot fuzz as 'target' must be one of ${
      allTargets.map(({ name }) => name).join(", ")
    }: current value is ${values.target}`,
  );
}
// Refusals are errors by the million: their stacks would be most of the time.
Error.stackTraceLimit = 0;
console.log(`seed ${seed}, ${inputs} inputs a target`);
console.log(
  "target                              inputs   accepted    refused  slowest ms  µs/input",
);
for (const target of targets) {
  const { accepted, refused, slowestMs, totalMs } = fuzz(target, { inputs, seed });
  console.log(
    [
      target.name.padEnd(31),
      String(inputs).padStart(10),
      String(accepted).padStart(10),
      String(refused).padStart(10),
      slowestMs.toFixed(1).padStart(11),
      (totalMs * 1_000 / Math.max(inputs, 1)).toFixed(1).padStart(9),
    ].join(" "),
  );
}
