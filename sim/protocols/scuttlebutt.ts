import {
  type ScuttlebuttOptions,
  type ScuttlebuttSettings,
  scuttlebuttSettings,
} from "../../gossip/scuttlebutt/options.ts";
import { scuttlebutt as strategy } from "../../gossip/scuttlebutt/scuttlebutt.ts";
import type { GossipContext, GossipStrategy, Prng } from "../../gossip/strategy.ts";
import { between, chance, oneOf } from "../draw.ts";
import { invariants } from "../invariants/all.ts";
import { bounded } from "../invariants/bounded.ts";
import { noBlamelessDeath } from "../invariants/no_blameless_death.ts";
import type { Watcher } from "../observation.ts";
import type { Bounds, Protocol, Settings } from "../protocol.ts";
import { SITUATIONS } from "../situations.ts";
import { agreement } from "./scuttlebutt/agreement.ts";
import { scuttlebuttFaults } from "./scuttlebutt/faults/all.ts";
import { memory } from "./scuttlebutt/memory.ts";
import { ownKeys } from "./scuttlebutt/own_keys.ts";
import { Owners } from "./scuttlebutt/owners.ts";
import { Replicas } from "./scuttlebutt/replicas.ts";
import { SCUTTLEBUTT_SITUATIONS, ScuttlebuttSituations } from "./scuttlebutt/situations.ts";
import { Wiretap } from "./scuttlebutt/wiretap.ts";

/** The default: below it, nodes that are merely slow are called down now and then. */
const PATIENT = 20;
/** About what a node takes in a digest here. */
const ENTRY_BYTES = 16;

type Make = (settings: Settings) => GossipStrategy;

const CHARTED: Settings = Object.freeze({ gossipIntervalMs: 500, maxPacketBytes: 16_384 });

/** Scuttlebutt with φ accrual, as Kite has it. */
export const scuttlebutt: Protocol = Object.freeze(
  {
    name: "scuttlebutt",
    faults: scuttlebuttFaults,
    situations: Object.freeze([...SITUATIONS, ...SCUTTLEBUTT_SITUATIONS]),
    nodes: (random: Prng) => {
      if (chance(random, 1 / 300)) return between(random, 100, 150);
      if (chance(random, 0.04)) return between(random, 17, 40);
      return between(random, 3, oneOf(random, [5, 8, 8, 16]));
    },
    draw: (random: Prng, nodes: number) => {
      const settings = settingsOf(random, nodes);
      // As many rounds as there is time for.
      const rounds = nodes > 40
        ? 60
        : nodes > 16
        ? between(random, 60, 120)
        : between(random, 100, settings["downExpiryMs"] === undefined ? 250 : 400);
      return { settings, runMs: rounds * Number(settings["gossipIntervalMs"]) };
    },
    strategy: (settings: Settings) => mixed(strategy as Make, settings),
    made: (make: Make) => (settings: Settings) => mixed(make, settings),
    checksummed: () => true,
    bounds: (settings: Settings) => boundsOf(completed(settings)),
    charts: {
      base: CHARTED,
      sensitivity: {
        xLabel: "suspicionThreshold",
        points: [500, 1000].flatMap((gossipIntervalMs) =>
          [5, 8, 12, 16, 20, 30].map((suspicionThreshold) => ({
            line: `a round of ${gossipIntervalMs} ms`,
            x: suspicionThreshold,
            settings: { ...CHARTED, gossipIntervalMs, suspicionThreshold },
          }))
        ),
      },
    },
    watch: ({ cluster, settings: plain, situations }) => {
      const settings = completed(plain);
      const counter = new ScuttlebuttSituations(cluster, situations);
      const owners = new Owners();
      const tap = new Wiretap(cluster, (name) => packetBytesOf(plain, name), [counter]);
      const common = { facts: cluster, bounds: boundsOf(settings) };
      return [
        owners,
        // What occurred is counted before it is judged.
        counter,
        tap,
        ...invariants.filter((one) => one !== bounded && one !== noBlamelessDeath)
          .map((invariant) => invariant(common)),
        ...(settings.suspicionThreshold < PATIENT ? [] : [patient(noBlamelessDeath(common))]),
        ownKeys(),
        new Replicas({ facts: cluster, owners, settings }),
        memory(settings),
        agreement(cluster, tap, settings.gossipIntervalMs),
      ];

      /** Where digests go by pages, heartbeats come too seldom for the detector to be sure. */
      function patient(watcher: Watcher): Watcher {
        const { maxPacketBytes, otherPacketBytes = maxPacketBytes } = plain;
        const bytes = Math.min(Number(maxPacketBytes), Number(otherPacketBytes));
        const most = Math.floor(bytes / 2 / ENTRY_BYTES);
        return {
          ...watcher,
          viewed: (life, change) => {
            if (change.before.length <= most) watcher.viewed?.(life, change);
          },
        };
      }
    },
  } satisfies Protocol,
);

/**
 * After the faults a death takes a silence of `threshold` gaps, each as long as the detector lets it be at most; a return takes a rejoin
 * round of each side, a raise of the generation that was put off, and a sync.
 */
function boundsOf(settings: ScuttlebuttSettings): Bounds {
  const { gossipIntervalMs, suspicionThreshold } = settings;
  const longestGapMs = Math.max(10_000, 20 * gossipIntervalMs);
  return {
    recoveryMs: ({ rejoinIntervalMs }) =>
      suspicionThreshold * longestGapMs + 2.2 * rejoinIntervalMs + 180_000,
    drainMs: (names) => (120 + 2 * names) * gossipIntervalMs + 120_000,
    // A heartbeat that was late or lost is followed by others within few rounds.
    blameMs: () => 3 * suspicionThreshold * gossipIntervalMs,
    // That a node is down is an opinion, which nobody takes over from another.
    wrongMs: () => 0,
  };
}

function settingsOf(random: Prng, nodes: number): Settings {
  const large = nodes > 16;
  const maxPacketBytes = large
    ? oneOf(random, [1400, 16_384, 16_384])
    : oneOf(random, [512, 512, 700, 1400, 1400, 16_384]);
  const gossipIntervalMs = large ? 500 : oneOf(random, [200, 500, 500, 1000]);
  // Short lives: what is down is removed within the run, and graves are forgotten.
  const short = !large && chance(random, 0.4)
    ? {
      suspicionThreshold: 5,
      downExpiryMs: 80 * gossipIntervalMs,
      graveyardMs: oneOf(random, [80, 160, 1000]) * gossipIntervalMs,
      leftExpiryMs: oneOf(random, [5, 20, 80]) * gossipIntervalMs,
    }
    : {};
  return Object.freeze({
    gossipIntervalMs,
    maxPacketBytes,
    compactThreshold: oneOf(random, [2, 5, 20, 500]),
    ...short,
    ...(chance(random, 0.2) ? { otherPacketBytes: oneOf(random, [512, 1400, 65_507]) } : {}),
    ...(chance(random, 0.2) ? { fanout: 3 } : {}),
    ...(chance(random, 0.2) ? { compactRatio: 1 } : {}),
    ...(chance(random, 0.3) ? { syncIntervalMs: oneOf(random, [0, 5000]) } : {}),
    ...(chance(random, 0.15) ? { maxGraves: oneOf(random, [1, 4]) } : {}),
    ...(chance(random, 0.3) ? { sweepEvery: oneOf(random, [1, 3]) } : {}),
  });
}

/** Every second name has packets of another length, where the settings say so. */
function mixed(make: Make, plain: Settings): GossipStrategy {
  const { otherPacketBytes, ...settings } = plain;
  const one = make(settings);
  if (otherPacketBytes === undefined) return one;
  const other = make({ ...settings, maxPacketBytes: otherPacketBytes });
  return {
    ...one,
    create: (context: GossipContext) => (isOther(context.name) ? other : one).create(context),
  };
}

function packetBytesOf({ maxPacketBytes, otherPacketBytes }: Settings, name: string): number {
  return Number(
    otherPacketBytes !== undefined && isOther(name) ? otherPacketBytes : maxPacketBytes,
  );
}

function isOther(name: string): boolean {
  return name.charCodeAt(name.length - 1) % 2 === 1;
}

function completed({ otherPacketBytes: _, ...settings }: Settings): ScuttlebuttSettings {
  return scuttlebuttSettings(settings as ScuttlebuttOptions);
}
