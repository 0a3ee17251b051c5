import { campaign, drawn, type Failure } from "../campaign.ts";
import type { AnyProtocol } from "../protocol.ts";
import type { PlantedBug } from "./patch.ts";

/** Bugs are found in worlds that take no time. */
const MOST_NODES = 20;

/** Options of {@link hunt}. */
export interface HuntOptions {
  /** The first seed of the first round. */
  readonly from: number;
  /** How often one starts anew, each time with other seeds. @default {5} */
  readonly rounds?: number;
  /**
   * Seeds of one round at most. Whatever changes in the protocol shifts what seeds do, and a hunt must not end in vain by chance: this is
   * three times what the slowest bug took when all were last looked for, ten times the next (`bench/RESULTS-sim.md`).
   *
   * @default {2000}
   */
  readonly maxSeeds?: number;
}

/** How a planted bug was found. */
export interface Caught {
  readonly bug: string;
  /** Seeds that each round took; `undefined`: it was not found. */
  readonly seeds: readonly (number | undefined)[];
  /** Of the seeds that found it, the one whose run was over after the fewest events; `undefined`: none did. */
  readonly quickest: number | undefined;
  /** The median of the seeds that rounds took, those in vain counted as endless. */
  readonly median: number;
  /** Which invariants told, and in how many rounds. */
  readonly invariants: ReadonlyMap<string, number>;
  /** Whether every round found it, by an invariant that it was expected to break. */
  readonly caught: boolean;
}

/** Plays seeds with a bug in the protocol until an invariant tells, some times over. */
export function hunt(buggy: AnyProtocol, bug: PlantedBug, options: HuntOptions): Caught {
  const { from, rounds = 5, maxSeeds = 2000 } = options;
  const seeds: (number | undefined)[] = [];
  const invariants = new Map<string, number>();
  let quickest: Failure | undefined;
  for (let round = 0; round < rounds; round++) {
    const { failures: [failure], seeds: played } = campaign({
      protocol: buggy,
      plans: drawn(buggy, {
        from: from + round * maxSeeds,
        count: maxSeeds,
        mostNodes: MOST_NODES,
      }),
      stopAtFailure: true,
      maxShrinkRuns: 0,
      twiceEvery: 0,
    });
    seeds.push(failure === undefined ? undefined : played);
    if (failure === undefined) continue;
    if (quickest === undefined || failure.step < quickest.step) quickest = failure;
    invariants.set(failure.invariant, (invariants.get(failure.invariant) ?? 0) + 1);
  }
  const expected = [...invariants.keys()].every((name) => bug.caughtBy.includes(name));
  return {
    bug: bug.name,
    seeds,
    quickest: quickest?.seed,
    median: medianOf(seeds.map((count) => count ?? Infinity)),
    invariants,
    caught: expected && !seeds.includes(undefined),
  };
}

/** The middle one, or the mean of the middle two. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The heads of the columns of {@link describeCaught}. */
export const CAUGHT_HEADS: string = `${
  "planted bug".padEnd(38)
}  median  seeds of each round      told by`;

/** One line about a hunt. */
export function describeCaught({ bug, median, seeds, invariants, caught }: Caught): string {
  const each = seeds.map((count) => count ?? "–").join(" ");
  return `${bug.padEnd(38)}  ${String(median).padStart(6)}  ${each.padEnd(23)}  ` +
    `${[...invariants.keys()].join(", ")}${caught ? "" : "  NOT CAUGHT"}`;
}
