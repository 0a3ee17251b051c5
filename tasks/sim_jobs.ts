/**
 * What the simulator's tasks do, in pieces that do not depend on each other: `sim_pool.ts` shares them out among threads.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { swim } from "../gossip/swim/swim.ts";
import { campaign, type CampaignResult, drawn, joined } from "../sim/campaign.ts";
import { churn, type ChurnResult } from "../sim/churn.ts";
import { describePlan, type Plan } from "../sim/plan.ts";
import { plantedBugs } from "../sim/planted/all.ts";
import { type Caught, describeCaught, hunt } from "../sim/planted/hunt.ts";
import { plant } from "../sim/planted/load.ts";
import type { PlantedBug } from "../sim/planted/patch.ts";
import type { AnyProtocol } from "../sim/protocol.ts";
import { protocols } from "../sim/protocols/all.ts";
import { ViolationError } from "../sim/violation.ts";

/** Plays plans, and says which. */
interface Playing {
  /** As on the command line. */
  readonly protocol: string;
  /** Whether plans are said before they are played. */
  readonly announced: boolean;
}

/** One piece of work, as plain data. */
export type Job =
  | Playing & {
    readonly kind: "seeds";
    readonly from: number;
    readonly count: number;
    readonly nodes?: number;
    readonly mostNodes?: number;
    /** Planted, and the first failure ends it. */
    readonly bug?: string;
  }
  | Playing & {
    /** What was found before. */
    readonly kind: "regression";
  }
  | {
    readonly kind: "hunt";
    readonly protocol: string;
    readonly bug: string;
    readonly from: number;
    readonly rounds: number;
  }
  | {
    /** So many names, one after the other, through a small cluster of SWIM. */
    readonly kind: "names";
    readonly names: number;
  };

/** Seeds that one thread plays at a time at most: few, as one seed in some tens takes as long as all others. */
const MOST_AT_A_TIME = 10;

/** Shares successive seeds out into jobs. */
export function seedJobs(
  seeds: Extract<Job, { readonly kind: "seeds" }>,
  workers: number,
): readonly Job[] {
  const { from, count } = seeds;
  const atATime = Math.max(1, Math.min(MOST_AT_A_TIME, Math.floor(count / workers / 4)));
  const jobs: Job[] = [];
  for (let played = 0; played < count; played += atATime) {
    jobs.push({ ...seeds, from: from + played, count: Math.min(atATime, count - played) });
  }
  return jobs;
}

/** What a hunt takes beside {@link weightOf} of seeds. */
const HUNT_WEIGHT = 5000;

/** About what a job takes, in no unit: what takes longest begins first, so that no thread goes on long after the others. */
export function weightOf(job: Job): number {
  if (job.kind === "names") return Infinity;
  if (job.kind === "hunt") return HUNT_WEIGHT;
  if (job.kind === "regression") return 0;
  let weight = 0;
  // A run takes time in the square of its nodes.
  for (const { nodes } of drawn(protocolOf(job.protocol), job)) weight += nodes ** 2;
  return weight;
}

/** What came of a {@link Job}. */
export interface JobResult {
  /** Of seeds, and of what was found before. */
  readonly campaign?: CampaignResult;
  /** Of a hunt. */
  readonly caught?: Caught;
  /** Of names. */
  readonly churned?: ChurnResult;
}

/** Does a job; `say` hears of failures, and of plans where they are announced. */
export async function perform(job: Job, say: (line: string) => void): Promise<JobResult> {
  switch (job.kind) {
    case "seeds": {
      const { from, count, nodes, mostNodes, bug, announced } = job;
      const shipped = protocolOf(job.protocol);
      const protocol = bug === undefined ? shipped : await plant(shipped, bugOf(shipped, bug));
      const sizes = {
        ...(nodes === undefined ? {} : { nodes }),
        ...(mostNodes === undefined ? {} : { mostNodes }),
      };
      return {
        campaign: campaign({
          protocol,
          plans: drawn(protocol, { ...sizes, from, count }),
          stopAtFailure: bug !== undefined,
          replayFlags: bug === undefined ? "" : ` --bug ${bug}`,
          say,
          ...(announced ? { began: (plan: Plan) => say(describePlan(plan)) } : {}),
        }),
      };
    }
    case "regression": {
      const protocol = protocolOf(job.protocol);
      const found = await regression(job.protocol);
      const results = found.map((plan, i) =>
        campaign({
          protocol,
          plans: [plan],
          replayFlags: ` --regression --entry ${i + 1}`,
          say,
          ...(job.announced ? { began: (plan: Plan) => say(describePlan(plan)) } : {}),
        })
      );
      return { campaign: joined(protocol, results) };
    }
    case "hunt": {
      const protocol = protocolOf(job.protocol);
      const bug = bugOf(protocol, job.bug);
      const caught = hunt(await plant(protocol, bug), bug, job);
      say(describeCaught(caught));
      return { caught };
    }
    case "names": {
      const { names } = job;
      try {
        const strategy = swim("fast");
        return { churned: churn({ seed: 1, strategy, nodes: 8, names, everyMs: 2000 }) };
      } catch (error) {
        if (!(error instanceof ViolationError)) throw error;
        say(`FAIL seed=1 invariant=${error.invariant} (${error.kind}): ${error.message}`);
        return {};
      }
    }
  }
}

/** The plans that failed once, oldest first. */
export async function regression(protocol: string): Promise<readonly Plan[]> {
  const file = new URL(`../sim/testdata/regression_${protocol}.json`, import.meta.url);
  const found = JSON.parse(await readFile(file, "utf8")) as readonly { readonly plan: Plan }[];
  return found.map(({ plan }) => plan);
}

/** @throws {RangeError} When there is none of the name. */
export function protocolOf(name: string): AnyProtocol {
  const protocol = protocols.get(name);
  if (protocol !== undefined) return protocol;
  throw new RangeError(
    `Cannot simulate as 'protocol' must be one of ${
      [...protocols.keys()].join(", ")
    }: current value is ${name}`,
  );
}

/** @throws {RangeError} When there is none of the name. */
export function bugOf(protocol: AnyProtocol, name: string): PlantedBug {
  const bugs = plantedBugs.get(protocol.name) ?? [];
  const bug = bugs.find((planted) => planted.name === name);
  if (bug !== undefined) return bug;
  throw new RangeError(
    `Cannot plant the bug as 'bug' must be one of ${
      bugs.map((planted) => planted.name).join(", ")
    }: current value is ${name}`,
  );
}
