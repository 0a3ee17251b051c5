/**
 * `deno task sim --planted [--protocol P] [--from S] [--rounds N] [--bug NAME]`: plants each bug into a copy of the protocol and
 * counts the seeds until an invariant tells.
 *
 * @module
 */
import { type Caught, hunt, medianOf } from "../sim/planted/hunt.ts";
import { plant } from "../sim/planted/load.ts";
import type { PlantedBug } from "../sim/planted/patch.ts";
import type { AnyProtocol } from "../sim/protocol.ts";

/** Options of {@link huntAll}. */
export interface HuntAllOptions {
  /** The first seed. */
  readonly from: number;
  /** How often each bug is looked for. */
  readonly rounds: number;
  /** Told of each bug. */
  readonly say: (line: string) => void;
}

/** Looks for bugs one after the other. */
export async function huntAll(
  protocol: AnyProtocol,
  bugs: readonly PlantedBug[],
  options: HuntAllOptions,
): Promise<readonly Caught[]> {
  const { from, rounds, say } = options;
  const found: Caught[] = [];
  say(`${"planted bug".padEnd(38)}  median  seeds of each round      told by`);
  for (const bug of bugs) {
    const caught = hunt(await plant(protocol, bug), bug, { from, rounds });
    found.push(caught);
    const seeds = caught.seeds.map((count) => count ?? "–").join(" ");
    say(
      `${bug.name.padEnd(38)}  ${String(caught.median).padStart(6)}  ${seeds.padEnd(23)}  ` +
        `${[...caught.invariants.keys()].join(", ")}${caught.caught ? "" : "  NOT CAUGHT"}`,
    );
  }
  return found;
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
