/**
 * Fuzzes every decoder of the wire: `deno task fuzz [--inputs N] [--seed S] [--target NAME]`. N inputs a target, one million by default.
 * Ends with status 1 at the first failure, and prints the input and the command that repeats it.
 */
import { encodeHex } from "@std/encoding";
import { parseArgs } from "node:util";
import {
  fuzzInput,
  type FuzzTarget,
  fuzzTargets,
  seededRandom,
} from "../gossip/swim/wire/_harness_fuzz.ts";
import { fuzzTargets as scuttlebuttTargets } from "../gossip/scuttlebutt/_harness_fuzz.ts";
import { raftTargets } from "../raft/wire/_harness_fuzz.ts";

/** An input that takes longer is a failure: all of them are small. */
const MAX_INPUT_MS = 2_000;

interface Counts {
  readonly accepted: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly totalMs: number;
}

function fuzz(target: FuzzTarget, { inputs, seed }: { inputs: number; seed: number }): Counts {
  const random = seededRandom(seed);
  const began = performance.now();
  let accepted = 0;
  let slowestMs = 0;
  for (let i = 0; i < inputs; i++) {
    const bytes = fuzzInput(target.seeds, random);
    const start = performance.now();
    try {
      if (target.run(bytes, random)) accepted += 1;
      const elapsedMs = performance.now() - start;
      if (elapsedMs > MAX_INPUT_MS) throw new Error(`It took ${Math.round(elapsedMs)} ms`);
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

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`Cannot fuzz as '${name}' must be a whole number: current value is ${text}`);
  Deno.exit(2);
}

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    target: { type: "string" },
  },
});
const inputs = count("inputs", values.inputs);
const seed = count("seed", values.seed);
// Some targets are whole worlds: one of their inputs counts for `weight`.
const allTargets: readonly (FuzzTarget & { readonly weight?: number })[] = [
  ...fuzzTargets,
  ...scuttlebuttTargets,
  ...raftTargets,
];
const targets = allTargets.filter(({ name }) =>
  values.target === undefined || name === values.target
);
if (targets.length === 0) {
  console.error(`Cannot fuzz as 'target' must be one of: ${allTargets.map(({ name }) => name)}`);
  Deno.exit(2);
}
// Refusals are errors by the million: their stacks would be most of the time.
Error.stackTraceLimit = 0;
console.log(`seed ${seed}, ${inputs} inputs a target`);
console.log("target                       inputs   accepted    refused  slowest ms  µs/input");
for (const target of targets) {
  const ownInputs = values.target === undefined ? Math.ceil(inputs / (target.weight ?? 1)) : inputs;
  const { accepted, refused, slowestMs, totalMs } = fuzz(target, { inputs: ownInputs, seed });
  console.log(
    [
      target.name.padEnd(24),
      String(ownInputs).padStart(10),
      String(accepted).padStart(10),
      String(refused).padStart(10),
      slowestMs.toFixed(1).padStart(11),
      (totalMs * 1_000 / Math.max(ownInputs, 1)).toFixed(1).padStart(9),
    ].join(" "),
  );
}
