/**
 * `deno task sim --planted [--protocol P] [--from S] [--rounds N] [--bug NAME]`: plants each bug into a copy of the protocol and
 * counts the seeds until an invariant tells.
 *
 * @module
 */
import { type Caught, CAUGHT_HEADS, medianOf } from "../sim/planted/hunt.ts";
import type { PlantedBug } from "../sim/planted/patch.ts";
import type { AnyProtocol } from "../sim/protocol.ts";
import type { Job } from "./sim_jobs.ts";
import { doAll } from "./sim_pool.ts";

/** Options of {@link huntAll}. */
export interface HuntAllOptions {
  /** The first seed. */
  readonly from: number;
  /** How often each bug is looked for. */
  readonly rounds: number;
  /** Bugs looked for at a time. @default {one a core} */
  readonly workers?: number;
  /** Told of each bug. */
  readonly say: (line: string) => void;
}

/** Looks for bugs. */
export async function huntAll(
  protocol: AnyProtocol,
  bugs: readonly PlantedBug[],
  { from, rounds, ...options }: HuntAllOptions,
): Promise<readonly Caught[]> {
  options.say(CAUGHT_HEADS);
  const found = await doAll(
    bugs.map(({ name }): Job => ({
      kind: "hunt",
      protocol: protocol.name,
      bug: name,
      from,
      rounds,
    })),
    options,
  );
  return found.map(({ caught }) => caught!);
}

/** The lines that close a hunt; the last one is what CI sums. */
export function summaryOf(found: readonly Caught[]): readonly string[] {
  const caught = found.filter((each) => each.caught).length;
  return [
    `median over all bugs: ${medianOf(found.map(({ median }) => median))} seeds`,
    `planted: ${caught} passed, ${found.length - caught} failed`,
  ];
}

/** A hunt as a table for `bench/RESULTS-sim.md`. */
export function markdownOf(bugs: readonly PlantedBug[], found: readonly Caught[]): string {
  const lines = [
    "| planted bug | what is wrong | median seeds | rounds | told by |",
    "| --- | --- | ---: | --- | --- |",
    ...found.map(({ bug, median, seeds, invariants }) => {
      const what = bugs.find(({ name }) => name === bug)!.what;
      const told = [...invariants].map(([name, count]) => `${name} ×${count}`).join(", ");
      return `| ${bug} | ${what} | ${median} | ${
        seeds.map((count) => count ?? "–").join(" ")
      } | ${told} |`;
    }),
  ];
  return `${lines.join("\n")}\n`;
}
