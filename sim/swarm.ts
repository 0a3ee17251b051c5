import type { Prng } from "../gossip/strategy.ts";
import type { SwimOptions, SwimPreset } from "../gossip/swim/options.ts";
import { between, chance, oneOf, some } from "./draw.ts";
import { faults } from "./faults/all.ts";
import type { Fault } from "./fault.ts";
import type { Action, Plan } from "./plan.ts";
import { Streams } from "./prng.ts";

/** Options of {@link draw}. */
export interface SwarmOptions {
  /** What everything follows from. */
  readonly seed: number;
  /** Machines; drawn when not given. */
  readonly nodes?: number;
}

/** How long the faults last, milliseconds, by how fast the protocol reacts. */
const RUN_MS: Readonly<Record<SwimPreset, number>> = {
  fast: 90_000,
  lan: 180_000,
  ckit: 400_000,
  wan: 600_000,
};

/**
 * Draws a plan (swarm testing, Groce et al. 2012): first which faults there are at all, most runs with a few of them, some with
 * stalls alone, some with none; then how many, when and how bad. A run with everything at once hides what one fault does.
 */
export function draw(options: SwarmOptions): Plan {
  const { seed } = options;
  const random = new Streams(seed).named("plan");
  const sizes = [between(random, 3, 6), between(random, 3, 12), between(random, 8, 20)];
  const large = chance(random, 0.04) ? between(random, 30, 60) : 0;
  const nodes = options.nodes ?? (large > 0 ? large : oneOf(random, sizes));
  const preset = oneOf<SwimPreset>(random, ["fast", "fast", "fast", "lan", "ckit"]);
  const runMs = Math.floor(RUN_MS[preset] * (0.5 + random()));
  const startMs = 5000;
  const chosen = faultsOf(random);
  const actions: Omit<Action, "id">[] = [];
  for (const fault of chosen) {
    for (let i = between(random, 1, 3); i > 0; i--) {
      const atMs = startMs + Math.floor(random() * runMs * 0.8);
      const drawn = fault.draw(random, { nodes, longestMs: Math.floor(runMs / 2) });
      actions.push({ fault: fault.name, atMs, ...drawn });
    }
  }
  actions.sort((a, b) => a.atMs - b.atMs);
  return Object.freeze({
    seed,
    nodes,
    swim: settingsOf(random, preset),
    latencyMs: oneOf<readonly [number, number]>(random, [[0.1, 1], [0.5, 5], [5, 40]]),
    rejoinIntervalMs: oneOf(random, [10_000, 30_000, 60_000]),
    splitStart: chance(random, 0.1),
    actions: Object.freeze(actions.map((action, id) => Object.freeze({ id, ...action }))),
    quietAtMs: startMs + runMs,
    maxWaitingPackets: oneOf(random, [8, 64, 1024]),
  });
}

function faultsOf(random: Prng): readonly Fault[] {
  if (chance(random, 0.05)) return [];
  if (chance(random, 0.15)) return faults.filter(({ name }) => name === "pause");
  const pool = faults.flatMap((fault) => Array.from({ length: fault.weight ?? 1 }, () => fault));
  return [...new Set(some(random, pool, between(random, 1, 7)))];
}

function settingsOf(random: Prng, preset: SwimPreset): SwimOptions {
  return Object.freeze({
    preset,
    compression: chance(random, 0.2),
    ...(chance(random, 0.3) ? { maxPacketBytes: oneOf(random, [512, 1400, 65_536]) } : {}),
    ...(chance(random, 0.2) ? { gossipNodes: between(random, 1, 4) } : {}),
    ...(chance(random, 0.15) ? { indirectChecks: between(random, 1, 5) } : {}),
  });
}
