import type { Action, Plan } from "./plan.ts";
import type { Outcome } from "./play.ts";

/** What is left out of a plan, so that a seed and this replay a shrunk run. */
export interface Reduction {
  /** Ids of the actions that are kept; `undefined`: all. */
  readonly only?: readonly number[];
  /** Machines that are kept: slots in actions wrap around. */
  readonly nodes?: number;
  /** When the faults are over, milliseconds. */
  readonly quietAtMs?: number;
}

/** Applies a reduction to a plan. Slots in actions wrap around. */
export function reduced(plan: Plan, reduction: Reduction): Plan {
  const { only, nodes = plan.nodes, quietAtMs = plan.quietAtMs } = reduction;
  const kept = only === undefined ? undefined : new Set(only);
  const actions = plan.actions.filter(({ id, atMs }) =>
    (kept === undefined || kept.has(id)) && atMs < quietAtMs
  );
  return { ...plan, nodes, quietAtMs, actions };
}

/** Options of {@link shrink}. */
export interface ShrinkOptions {
  /** Plays a plan. */
  readonly play: (plan: Plan) => Outcome;
  /** How many runs it may take. */
  readonly maxRuns: number;
}

/** What {@link shrink} found. */
export interface Shrunk {
  /** The smallest failing plan found, as a reduction of the first one. */
  readonly reduction: Reduction;
  /** That plan. */
  readonly plan: Plan;
  /** How it fails. */
  readonly outcome: Outcome;
  /** Runs it took. */
  readonly runs: number;
}

/**
 * Looks for a smaller plan that violates the same invariant: fewer faults (delta debugging, Zeller and Hildebrandt 2002), fewer
 * nodes, an earlier end, and again until nothing helps.
 */
export function shrink(plan: Plan, outcome: Outcome, options: ShrinkOptions): Shrunk {
  const invariant = outcome.violation?.invariant;
  let best: Reduction = { only: plan.actions.map(({ id }) => id) };
  let result = outcome;
  let runs = 0;
  const fails = (reduction: Reduction): boolean => {
    if (runs >= options.maxRuns) return false;
    runs++;
    const tried = options.play(reduced(plan, reduction));
    if (tried.violation?.invariant !== invariant) return false;
    best = reduction;
    result = tried;
    return true;
  };
  for (let before = -1; before !== runs && runs < options.maxRuns;) {
    const size = JSON.stringify(best);
    dropActions(best.only ?? [], (only) => fails({ ...best, only }));
    for (let nodes = 2; nodes < (best.nodes ?? plan.nodes); nodes++) {
      if (fails({ ...best, nodes })) break;
    }
    const last = lastAction(reduced(plan, best).actions);
    for (const share of [0.5, 0.75, 0.9]) {
      const begun = last + 1;
      const quietAtMs = Math.ceil(begun + ((best.quietAtMs ?? plan.quietAtMs) - begun) * share);
      if (quietAtMs < (best.quietAtMs ?? plan.quietAtMs) && fails({ ...best, quietAtMs })) break;
    }
    before = JSON.stringify(best) === size ? runs : before;
  }
  return { reduction: best, plan: reduced(plan, best), outcome: result, runs };
}

function lastAction(actions: readonly Action[]): number {
  return actions.reduce((last, { atMs }) => Math.max(last, atMs), 5000);
}

// ddmin: complements of ever smaller pieces.
function dropActions(
  all: readonly number[],
  fails: (kept: readonly number[]) => boolean,
): void {
  let kept = [...all];
  let pieces = 1;
  while (kept.length > 0 && pieces <= kept.length) {
    const length = Math.ceil(kept.length / pieces);
    let smaller: number[] | undefined;
    for (let at = 0; at < kept.length && smaller === undefined; at += length) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + length)];
      if (fails(rest)) smaller = rest;
    }
    if (smaller === undefined) {
      pieces = pieces === kept.length ? kept.length + 1 : Math.min(kept.length, pieces * 2);
    } else {
      kept = smaller;
      pieces = Math.max(1, pieces - 1);
    }
  }
}

/** The part of a command line that replays a reduction. */
export function describeReduction(reduction: Reduction): string {
  const { only, nodes, quietAtMs } = reduction;
  return (nodes === undefined ? "" : ` --keep-nodes ${nodes}`) +
    (only === undefined ? "" : ` --only ${only.length === 0 ? "none" : only.join(",")}`) +
    (quietAtMs === undefined ? "" : ` --quiet-at ${quietAtMs}`);
}
