import { describePlan, type Plan } from "./plan.ts";
import type { AnyProtocol } from "./protocol.ts";
import { type Outcome, playAny } from "./play.ts";
import { describeReduction, type Reduction, shrink } from "./shrink.ts";
import { draw, type SwarmOptions } from "./swarm.ts";

/** Seeds from which on a campaign has to have met every situation. */
export const SITUATION_SEEDS = 300;

/** Above so many machines a run takes seconds to minutes. */
const LARGE = 100;

/** Exit codes: what went wrong, the worst first. */
export const EXIT = Object.freeze({
  fine: 0,
  safety: 1,
  usage: 2,
  liveness: 3,
  nondeterminism: 4,
  situations: 5,
  crash: 6,
});

/** Options of {@link campaign}. */
export interface CampaignOptions {
  /** The runs, in order: see {@link drawn}. */
  readonly plans: Iterable<Plan>;
  /** The protocol, as it ships or with a bug in it. */
  readonly protocol: AnyProtocol;
  /** Runs that may be spent on making one failure small; 0: none. @default {150}, 15 where one takes long */
  readonly maxShrinkRuns?: number;
  /** Seeds that are multiples of it are played twice and compared; 0: none. @default {50} */
  readonly twiceEvery?: number;
  /** Ends at the first failure. @default {false} */
  readonly stopAtFailure?: boolean;
  /** Said before a run. */
  readonly began?: (plan: Plan) => void;
  /** Said after a run. */
  readonly ended?: (plan: Plan, outcome: Outcome) => void;
  /** One line of a failure. @default {nothing is said} */
  readonly say?: (line: string) => void;
  /** What the command that replays a failure has to be given besides its seed, as ` --bug NAME`. @default {nothing} */
  readonly replayFlags?: string;
}

/** A run that failed. */
export interface Failure {
  readonly seed: number;
  readonly kind: "safety" | "liveness" | "nondeterminism" | "crash";
  readonly invariant: string;
  readonly step: number;
  readonly detail: string;
  /** The shrunk run. */
  readonly reduction: Reduction | undefined;
}

/** What came of a campaign. */
export interface CampaignResult {
  /** Runs. */
  readonly seeds: number;
  /** The first seed. */
  readonly firstSeed: number | undefined;
  /** Events of all runs. */
  readonly events: number;
  /** Virtual milliseconds of all runs. */
  readonly virtualMs: number;
  /** The longest recovery, milliseconds. */
  readonly worstRecoveryMs: number;
  /** In how many runs each situation occurred, how often in all, and the first seed. */
  readonly situations: ReadonlyMap<
    string,
    { readonly runs: number; readonly hits: number; readonly firstSeed: number }
  >;
  /** Situations that never occurred. */
  readonly missing: readonly string[];
  /** What failed. */
  readonly failures: readonly Failure[];
  /** See {@link EXIT}. */
  readonly exitCode: number;
}

/** Plans of successive seeds. */
export function* drawn(
  protocol: AnyProtocol,
  seeds: Omit<SwarmOptions, "seed"> & { readonly from: number; readonly count: number },
): Iterable<Plan> {
  const { from, count, ...options } = seeds;
  for (let seed = from; seed < from + count; seed++) yield draw(protocol, { ...options, seed });
}

/** Plays many plans. */
export function campaign(options: CampaignOptions): CampaignResult {
  const { protocol, twiceEvery = 50, say = () => {}, replayFlags = "" } = options;
  const situations = new Map<string, { runs: number; hits: number; firstSeed: number }>();
  const failures: Failure[] = [];
  let [seeds, events, virtualMs, worstRecoveryMs] = [0, 0, 0, 0];
  let firstSeed: number | undefined;
  const replay = (plan: Plan): Outcome => playAny(protocol, plan);
  for (const plan of options.plans) {
    const { seed } = plan;
    options.began?.(plan);
    firstSeed ??= seed;
    seeds++;
    let outcome: Outcome;
    try {
      outcome = replay(plan);
    } catch (error) {
      const detail = error instanceof Error ? error.stack ?? error.message : String(error);
      failures.push({
        seed,
        kind: "crash",
        invariant: "no-crash",
        step: 0,
        detail,
        reduction: undefined,
      });
      say(`FAIL seed=${seed} step=0 invariant=no-crash ${detail}`);
      if (options.stopAtFailure) break;
      continue;
    }
    options.ended?.(plan, outcome);
    events += outcome.step;
    virtualMs += outcome.atMs;
    worstRecoveryMs = Math.max(worstRecoveryMs, outcome.recoveredMs ?? 0);
    for (const [situation, hits] of outcome.situations) {
      const known = situations.get(situation) ?? { runs: 0, hits: 0, firstSeed: seed };
      situations.set(situation, { ...known, runs: known.runs + 1, hits: known.hits + hits });
    }
    if (outcome.violation !== undefined) {
      const { maxShrinkRuns = plan.nodes > LARGE ? 15 : 150 } = options;
      failures.push(failed(plan, outcome, { say, maxShrinkRuns, replayFlags, play: replay }));
      if (options.stopAtFailure) break;
    } else if (twiceEvery > 0 && seed % twiceEvery === 0) {
      const second = replay(plan);
      if (second.traceHash !== outcome.traceHash || second.step !== outcome.step) {
        const detail = `${outcome.traceHash} and ${second.traceHash}`;
        failures.push({
          seed,
          kind: "nondeterminism",
          invariant: "deterministic",
          step: outcome.step,
          detail,
          reduction: undefined,
        });
        say(`FAIL seed=${seed} step=${outcome.step} invariant=deterministic ${detail}`);
      }
    }
  }
  return judged(protocol, {
    seeds,
    firstSeed,
    events,
    virtualMs,
    worstRecoveryMs,
    situations,
    failures,
  });
}

/** Several campaigns of one protocol, in the order of their seeds, as one. */
export function joined(protocol: AnyProtocol, results: readonly CampaignResult[]): CampaignResult {
  const situations = new Map<string, { runs: number; hits: number; firstSeed: number }>();
  for (const result of results) {
    for (const [situation, { runs, hits, firstSeed }] of result.situations) {
      const known = situations.get(situation) ?? { runs: 0, hits: 0, firstSeed };
      known.runs += runs;
      known.hits += hits;
      situations.set(situation, known);
    }
  }
  const sum = (of: (result: CampaignResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  return judged(protocol, {
    seeds: sum(({ seeds }) => seeds),
    firstSeed: results.find(({ firstSeed }) => firstSeed !== undefined)?.firstSeed,
    events: sum(({ events }) => events),
    virtualMs: sum(({ virtualMs }) => virtualMs),
    worstRecoveryMs: Math.max(0, ...results.map(({ worstRecoveryMs }) => worstRecoveryMs)),
    situations,
    failures: results.flatMap(({ failures }) => failures),
  });
}

function judged(
  protocol: AnyProtocol,
  played: Omit<CampaignResult, "missing" | "exitCode">,
): CampaignResult {
  const { seeds, situations, failures } = played;
  const missing = protocol.situations.filter((situation) => !situations.has(situation));
  const kinds = new Set(failures.map(({ kind }) => kind));
  const exitCode = kinds.has("safety")
    ? EXIT.safety
    : kinds.has("crash")
    ? EXIT.crash
    : kinds.has("nondeterminism")
    ? EXIT.nondeterminism
    : kinds.has("liveness")
    ? EXIT.liveness
    : seeds >= SITUATION_SEEDS && missing.length > 0
    ? EXIT.situations
    : EXIT.fine;
  return { ...played, missing, exitCode };
}

/** The command that plays a plan again. */
export function replayCommand(
  plan: Pick<Plan, "protocol" | "seed" | "asked" | "mostNodes">,
  reduction: Reduction = {},
  flags = "",
): string {
  const { protocol, seed, asked, mostNodes } = plan;
  return `deno task sim --protocol ${protocol} --seed ${seed} --replay${flags}` +
    (asked === undefined ? "" : ` --nodes ${asked}`) +
    (mostNodes === undefined ? "" : ` --most-nodes ${mostNodes}`) + describeReduction(reduction);
}

function failed(
  plan: Plan,
  outcome: Outcome,
  options: {
    readonly say: (line: string) => void;
    readonly maxShrinkRuns: number;
    readonly replayFlags: string;
    readonly play: (plan: Plan) => Outcome;
  },
): Failure {
  const { seed } = plan;
  const { invariant, kind, detail } = outcome.violation!;
  const { say, maxShrinkRuns, replayFlags } = options;
  say(
    `FAIL seed=${seed} step=${outcome.step} invariant=${invariant} (${kind}) at ${outcome.atMs} ms: ${detail}`,
  );
  say(`  replay: ${replayCommand(plan, {}, replayFlags)}`);
  say(`  config: ${describePlan(plan)}`);
  if (maxShrinkRuns === 0) {
    return { seed, kind, invariant, step: outcome.step, detail, reduction: undefined };
  }
  const small = shrink(plan, outcome, { play: options.play, maxRuns: maxShrinkRuns });
  say(
    `  shrunk: ${small.plan.nodes} nodes, ${small.plan.actions.length} of ${plan.actions.length} faults, ` +
      `step ${small.outcome.step}, after ${small.runs} runs: ${small.outcome.violation!.detail}`,
  );
  for (const { fault, atMs, forMs, details } of small.plan.actions) {
    say(`    at ${atMs} ms, for ${forMs} ms: ${fault} ${JSON.stringify(details)}`);
  }
  say(`  replay: ${replayCommand(plan, small.reduction, replayFlags)}`);
  return { seed, kind, invariant, step: outcome.step, detail, reduction: small.reduction };
}
