/** Prints the trace hashes of some seeds, to be compared between runtimes: run it as a program. */
import process from "node:process";
import { play } from "./play.ts";
import { swim } from "./protocols/swim.ts";
import { draw } from "./swarm.ts";

/** Trace hashes of some runs. */
export function traces(): string {
  return [1, 2, 3, 5, 8, 13].map((seed) => {
    const { traceHash, step } = play(swim, draw(swim, { seed }), { checked: false });
    return `${seed}:${traceHash}:${step}`;
  }).join(" ");
}

// Node 22 does not know `import.meta.main`.
if (process.argv[1]?.endsWith("_harness_trace.ts")) console.log(traces());
