/**
 * `deno task sim --planted [--protocol P] [--from S] [--rounds N] [--bug NAMES] [--record]`: plants each bug into a copy of the
 * protocol and counts the seeds until an invariant tells. `--record` notes which seed does so soonest: where CI begins to look.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { type Caught, CAUGHT_HEADS, medianOf } from "../sim/planted/hunt.ts";
import type { PlantedBug } from "../sim/planted/patch.ts";
import type { AnyProtocol } from "../sim/protocol.ts";
import type { Job } from "./sim_jobs.ts";
import { doRest } from "./sim_kept.ts";

/** Options of {@link huntAll}. */
export interface HuntAllOptions {
  /** The first seed. */
  readonly from: number;
  /** How often each bug is looked for. */
  readonly rounds: number;
  /** Bugs looked for at a time. @default {one a core} */
  readonly workers?: number;
  /** See `DoRestOptions`. */
  readonly file?: string | undefined;
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
  const found = await doRest(
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

const RECORDED = new URL("../sim/planted/seeds.json", import.meta.url);

/** Seeds known to show a planted bug, by protocol and bug. */
type Recorded = { readonly [protocol: string]: { readonly [bug: string]: number } };

/** The seeds that `--record` noted. Where the protocol changed since, a bug may show some seeds later. */
export async function recordedSeeds(): Promise<Recorded> {
  return JSON.parse(await readFile(RECORDED, "utf8")) as Recorded;
}

/** Notes the seeds that showed bugs soonest. Those of other bugs stay. */
export async function record({ name }: AnyProtocol, found: readonly Caught[]): Promise<void> {
  const all = await recordedSeeds();
  const seeds = { ...all[name] };
  for (const { bug, quickest } of found) if (quickest !== undefined) seeds[bug] = quickest;
  await writeFile(RECORDED, `${JSON.stringify({ ...all, [name]: seeds }, null, 2)}\n`);
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
