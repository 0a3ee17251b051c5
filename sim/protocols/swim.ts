import type { Prng } from "../../gossip/strategy.ts";
import { pushPullIntervalMs, suspicionTimeoutMs } from "../../gossip/swim/formulas.ts";
import {
  type SwimOptions,
  type SwimPreset,
  type SwimSettings,
  swimSettings,
} from "../../gossip/swim/options.ts";
import { swim as strategy } from "../../gossip/swim/swim.ts";
import { between, chance, oneOf } from "../draw.ts";
import { faults } from "../faults/all.ts";
import { invariants } from "../invariants/all.ts";
import type { Bounds, Protocol, Settings } from "../protocol.ts";
import { SITUATIONS } from "../situations.ts";
import { incarnationsGrow } from "./swim/incarnations_grow.ts";
import { noReturn } from "./swim/no_return.ts";
import { SWIM_SITUATIONS, SwimSituations } from "./swim/situations.ts";
import { suspectedFirst } from "./swim/suspected_first.ts";
import { viewsGrow } from "./swim/views_grow.ts";
import { Wiretap } from "./swim/wiretap.ts";

/** How long the faults last, milliseconds, by how fast the protocol reacts. */
const RUN_MS: Readonly<Record<SwimPreset, number>> = {
  fast: 90_000,
  lan: 180_000,
  ckit: 400_000,
  wan: 600_000,
};
/** memberlist's message type of a checksummed packet. */
const CHECKSUMMED = 12;
/** memberlist's message type of a label header. */
const LABELLED = 244;

const CHARTED: Settings = Object.freeze({ preset: "lan", compression: false });

/** SWIM with Lifeguard, as memberlist and ckit speak it. */
export const swim: Protocol = Object.freeze(
  {
    name: "swim",
    faults,
    situations: Object.freeze([...SITUATIONS, ...SWIM_SITUATIONS]),
    draw: (random: Prng) => {
      const preset = oneOf<SwimPreset>(random, ["fast", "fast", "fast", "lan", "ckit"]);
      const runMs = Math.floor(RUN_MS[preset] * (0.5 + random()));
      return { settings: settingsOf(random, preset), runMs };
    },
    strategy: (settings: Settings) => strategy(settings as SwimOptions),
    checksummed: (packet: Uint8Array) =>
      packet[packet[0] === LABELLED ? 2 + packet[1]! : 0] === CHECKSUMMED,
    bounds: (settings: Settings) => boundsOf(swimSettings(settings as SwimOptions)),
    charts: {
      base: CHARTED,
      sensitivity: {
        xLabel: "suspicionMult (lines: suspicionMaxTimeoutMult)",
        coincide:
          "The lines all but lie on each other: the maximum is what an unconfirmed suspicion " +
          "lasts, and here the others confirm it at once",
        points: [1, 2, 6].flatMap((most) =>
          [1, 2, 3, 4, 6].map((mult) => ({
            line: `max ×${most}`,
            x: mult,
            settings: { ...CHARTED, suspicionMult: mult, suspicionMaxTimeoutMult: most },
          }))
        ),
      },
    },
    watch: ({ cluster, settings, situations }) => {
      const tap = new Wiretap();
      const context = { facts: cluster, tap, settings: swimSettings(settings as SwimOptions) };
      const common = { facts: cluster, bounds: boundsOf(context.settings) };
      return [
        // What occurred is counted before it is judged.
        new SwimSituations(cluster, tap, situations),
        ...invariants.map((invariant) => invariant(common)),
        ...[incarnationsGrow, viewsGrow, noReturn, suspectedFirst].map((invariant) =>
          invariant(context)
        ),
      ];
    },
  } satisfies Protocol,
);

/**
 * After the faults a death takes a probe at the worst local health and a suspicion that nobody confirms; a return takes a rejoin
 * round of each side; what both leave undone takes two push/pulls.
 */
function boundsOf(settings: SwimSettings): Bounds {
  const slowestProbesMs = 3 * settings.awarenessMaxMultiplier * settings.probeIntervalMs;
  const suspicionMs = (nodes: number): number =>
    suspicionTimeoutMs(nodes, settings) * settings.suspicionMaxTimeoutMult;
  return {
    recoveryMs: ({ names, rejoinIntervalMs }) =>
      slowestProbesMs + suspicionMs(names) +
      2 * pushPullIntervalMs(names, settings.pushPullIntervalMs) + 2.2 * rejoinIntervalMs +
      settings.gossipToTheDeadMs + 60_000,
    // Some broadcasts are told to one node a round only.
    drainMs: (names) => names * 64 * settings.gossipIntervalMs + 60_000,
    // A suspicion at its longest, probes at their slowest before and after it.
    blameMs: (nodes) => suspicionMs(2 * nodes) + slowestProbesMs,
    // Gossip may miss one, who then tells in its next push/pull whom it holds for dead; and once more those who accuse again.
    wrongMs: (nodes) => 2 * pushPullIntervalMs(2 * nodes, settings.pushPullIntervalMs),
  };
}

function settingsOf(random: Prng, preset: SwimPreset): Settings {
  return Object.freeze({
    preset,
    compression: chance(random, 0.2),
    ...(chance(random, 0.3) ? { maxPacketBytes: oneOf(random, [512, 1400, 65_536]) } : {}),
    ...(chance(random, 0.2) ? { gossipNodes: between(random, 1, 4) } : {}),
    ...(chance(random, 0.15) ? { indirectChecks: between(random, 1, 5) } : {}),
  });
}
