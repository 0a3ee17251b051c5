/** Prints the trace hashes of some seeds, to be compared between runtimes: run it as a program. */
import process from "node:process";
import { play, playAny } from "./play.ts";
import { raft } from "./protocols/raft.ts";
import { scuttlebutt } from "./protocols/scuttlebutt.ts";
import { swim } from "./protocols/swim.ts";
import { draw } from "./swarm.ts";

/** Trace hashes of some runs. */
export function traces(): string {
  const runs = [
    ...[1, 2, 3, 5, 8, 13].map((seed) => [swim, seed] as const),
    ...[1, 2, 3, 5].map((seed) => [scuttlebutt, seed] as const),
    ...[1, 2, 3, 5].map((seed) => [raft, seed] as const),
  ];
  return runs.map(([protocol, seed]) => {
    const plan = draw(protocol, { seed });
    const { traceHash, step } = "play" in protocol
      ? playAny(protocol, plan)
      : play(protocol, plan, { checked: false });
    return `${protocol.name}:${seed}:${traceHash}:${step}`;
  }).join(" ");
}

// Node 22 does not know `import.meta.main`.
if (process.argv[1]?.endsWith("_harness_trace.ts")) console.log(traces());
