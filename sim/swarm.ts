import type { Prng } from "../gossip/strategy.ts";
import { between, chance, oneOf, some } from "./draw.ts";
import type { Action, Plan } from "./plan.ts";
import { Streams } from "./prng.ts";
import type { AnyProtocol, Drawable } from "./protocol.ts";

/** Options of {@link draw}. */
export interface SwarmOptions {
  /** What everything follows from. */
  readonly seed: number;
  /** Machines; drawn when not given. */
  readonly nodes?: number;
  /** Machines at most, where they are drawn: a run takes time in the square of them. @default {1000} */
  readonly mostNodes?: number;
}

/** Share of the worlds that have {@link HUGE} machines and more. */
const HUGE_SHARE = 0.035;
/** Of so many seeds in a row one has all but as many machines as there may be. */
const MOST_EVERY = 250;
/** Above so many machines a run is short. */
const HUGE = 100;
const HUGE_RUN_MS = 40_000;

/**
 * Draws a plan (swarm testing, Groce et al. 2012): first which faults there are at all, most runs with a few of them, some with
 * stalls alone, some with none; then how many, when and how bad. A run with everything at once hides what one fault does.
 */
export function draw(protocol: AnyProtocol, options: SwarmOptions): Plan {
  const { seed } = options;
  const random = new Streams(seed).named("plan");
  const ownWorld = "play" in protocol;
  const sizes = new Streams(seed).named("size");
  const drawnNodes = protocol.nodes?.(sizes) ?? sizeOf(seed, sizes);
  const nodes = options.nodes ?? Math.min(drawnNodes, options.mostNodes ?? Infinity);
  const { settings, ...pace } = protocol.draw(
    new Streams(seed).named(`settings:${protocol.name}`),
    nodes,
  );
  const runMs = nodes > HUGE ? Math.min(pace.runMs, HUGE_RUN_MS) : pace.runMs;
  const startMs = ownWorld ? protocol.startMs : 5000;
  const chosen = faultsOf(random, protocol.faults).slice(0, nodes > HUGE ? 2 : undefined);
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
    protocol: protocol.name,
    ...(options.nodes === undefined ? {} : { asked: options.nodes }),
    ...(nodes < drawnNodes && options.nodes === undefined ? { mostNodes: nodes } : {}),
    nodes,
    settings,
    latencyMs: oneOf<readonly [number, number]>(random, [[0.1, 1], [0.5, 5], [5, 40]]),
    rejoinIntervalMs: oneOf(random, [10_000, 30_000, 60_000]),
    splitStart: chance(random, 0.1),
    actions: Object.freeze(actions.map((action, id) => Object.freeze({ id, ...action }))),
    quietAtMs: startMs + runMs,
    maxWaitingPackets: oneOf(random, [8, 64, 1024]),
  });
}

/**
 * 3 to 1,000 machines. Most bugs need few, and a run takes time in the square of them: a few in a hundred seeds have more than a hundred,
 * three quarters of them no more than 160, and of any 250 in a row one has 900 or more.
 */
function sizeOf(seed: number, random: Prng): number {
  if (seed % MOST_EVERY === MOST_EVERY - 1) return between(random, 900, 1000);
  const kind = random();
  if (kind < HUGE_SHARE) {
    if (random() < 0.75) return between(random, 100, 160);
    const share = random();
    return 100 + Math.floor(901 * share * share);
  }
  if (kind < HUGE_SHARE + 0.05) return between(random, 21, 60);
  return between(random, 3, oneOf(random, [6, 12, 20]));
}

function faultsOf(random: Prng, faults: Drawable["faults"]): Drawable["faults"] {
  if (chance(random, 0.05)) return [];
  if (chance(random, 0.15)) return faults.filter(({ name }) => name === "pause");
  const pool = faults.flatMap((fault) => Array.from({ length: fault.weight ?? 1 }, () => fault));
  return [...new Set(some(random, pool, between(random, 1, 7)))];
}
