import type { WireLimits } from "./wire/limits.ts";
import type { Keyring } from "./wire/keyring.ts";

/**
 * A set of defaults. Seconds from a crash to the last survivor's knowledge were measured in the simulator at 150 nodes.
 *
 * | preset | crash known everywhere | trade-off |
 * | --- | --- | --- |
 * | `ckit` | 49 to 72 s | what ckit runs, for clusters with Go nodes: hardly any traffic, a stall of 20 s is forgiven |
 * | `lan` | 10 to 12 s | memberlist's local network: five times the probes, a stall of 4 s is forgiven, 1400-byte packets |
 * | `wan` | 70 to 80 s | memberlist across regions: a probe may take 3 s, an exchange 30 s |
 * | `fast` | 2.4 to 3.4 s | sixteen times the probes of `ckit`; a stall of 2 s (0.9 s in clusters of up to ten), as of a long garbage collection, costs a false death, until the node refutes it |
 */
export type SwimPreset = "ckit" | "lan" | "wan" | "fast";

/** Settings of {@link swim}. Durations in milliseconds. All nodes of a cluster should agree on all but the last six. */
export interface SwimOptions {
  /** Where the defaults come from. @default {"ckit"} */
  readonly preset?: SwimPreset;
  /** One probe is begun each time. 1 or more. @default {5000} */
  readonly probeIntervalMs?: number;
  /** How long a direct probe may take before others are asked; less than the interval. @default {2000} */
  readonly probeTimeoutMs?: number;
  /** How many others are asked to probe a silent node. 0 or more. @default {3} */
  readonly indirectChecks?: number;
  /** Scales the time from suspicion to death: `mult × max(1, log₁₀ n) × probeIntervalMs`. 1 or more. @default {4} */
  readonly suspicionMult?: number;
  /** A suspicion that nobody confirms lasts this many times longer. 1 or more. @default {6} */
  readonly suspicionMaxTimeoutMult?: number;
  /** Scales how many packets carry one broadcast: `mult × ⌈log₁₀(n + 1)⌉`. 1 or more. @default {4} */
  readonly retransmitMult?: number;
  /** Bound of the factor by which bad local health slows probes down. 1 or more. @default {8} */
  readonly awarenessMaxMultiplier?: number;
  /** Broadcasts are gossiped each time, when there are any. 1 or more. @default {200} */
  readonly gossipIntervalMs?: number;
  /**
   * Fresh news does not wait for that, unless the last gossip is younger than this. 0 or more; from {@link gossipIntervalMs} on all news
   * waits, as in memberlist. @default {gossipIntervalMs / 4}
   */
  readonly gossipGapMs?: number;
  /** To how many nodes. 1 or more. @default {3} */
  readonly gossipNodes?: number;
  /** How long dead nodes are gossiped to, and records of dead and left ones are kept. @default {30000} */
  readonly gossipToTheDeadMs?: number;
  /** Whole states are exchanged with one random node each time; scaled up beyond 32 nodes. 0: never. @default {30000} */
  readonly pushPullIntervalMs?: number;
  /** How long one exchange may take. 1 or more. @default {2000} */
  readonly streamTimeoutMs?: number;
  /** After how long a dead name may return at another address without a newer generation. 0: never. @default {0} */
  readonly deadNodeReclaimMs?: number;
  /** How long leaving may take. @default {5000} */
  readonly leaveTimeoutMs?: number;
  /** Bytes of the largest packet that broadcasts are filled into. 512 or more. @default {10485760} */
  readonly maxPacketBytes?: number;
  /** Whether packets and exchanges are compressed. @default {true} */
  readonly compression?: boolean;
  /** Encrypts everything (AES-GCM); ckit never does. @default {undefined} */
  readonly keyring?: Keyring;
  /** With a keyring: whether plain traffic is refused. @default {true} */
  readonly verifyIncoming?: boolean;
  /** With a keyring: whether own traffic is encrypted. @default {true} */
  readonly verifyOutgoing?: boolean;
  /** Whether the generation is told to others, in 11 bytes of metadata. @default {true} */
  readonly announceGeneration?: boolean;
  /**
   * A timer later than this means that this process stalled: local health worsens by one, and nothing that timed out meanwhile is
   * held against others. @default {min(500, max(100, probeTimeoutMs / 4))}
   */
  readonly lagThresholdMs?: number;
  /** How long a collected (name, generation) stays unwelcome. @default {900000} */
  readonly collectedMemoryMs?: number;
  /** How many of them are remembered. @default {4096} */
  readonly maxCollectedNames?: number;
  /** Records held; news of more nodes is refused. 1 or more. @default {65536} */
  readonly maxMembers?: number;
  /** Addresses that one join dials at a time. 1 or more. @default {5} */
  readonly joinConcurrency?: number;
  /** How much a peer may make this node hold while it reads. @default {defaultWireLimits} */
  readonly limits?: Partial<WireLimits>;
}

/** Complete, checked settings. */
export type SwimSettings =
  & Required<Omit<SwimOptions, "preset" | "keyring" | "limits">>
  & { readonly keyring: Keyring | undefined; readonly limits: Partial<WireLimits> };

type Timing = Omit<SwimSettings, "lagThresholdMs" | "gossipGapMs">;

const ckit: Timing = Object.freeze({
  probeIntervalMs: 5000,
  probeTimeoutMs: 2000,
  indirectChecks: 3,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  retransmitMult: 4,
  awarenessMaxMultiplier: 8,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  pushPullIntervalMs: 30_000,
  streamTimeoutMs: 2000,
  deadNodeReclaimMs: 0,
  leaveTimeoutMs: 5000,
  maxPacketBytes: 10 * 1024 * 1024,
  compression: true,
  keyring: undefined,
  verifyIncoming: true,
  verifyOutgoing: true,
  announceGeneration: true,
  collectedMemoryMs: 15 * 60_000,
  maxCollectedNames: 4096,
  maxMembers: 65_536,
  joinConcurrency: 5,
  limits: Object.freeze({}),
});

const lan: Timing = Object.freeze({
  ...ckit,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  streamTimeoutMs: 10_000,
  maxPacketBytes: 1400,
});

const presets: Readonly<Record<SwimPreset, Timing>> = Object.freeze({
  ckit,
  lan,
  wan: Object.freeze({
    ...lan,
    probeIntervalMs: 5000,
    probeTimeoutMs: 3000,
    suspicionMult: 6,
    gossipIntervalMs: 500,
    gossipNodes: 4,
    gossipToTheDeadMs: 60_000,
    pushPullIntervalMs: 60_000,
    streamTimeoutMs: 30_000,
  }),
  fast: Object.freeze({
    ...ckit,
    probeIntervalMs: 300,
    probeTimeoutMs: 150,
    suspicionMult: 3,
    suspicionMaxTimeoutMult: 1.5,
    gossipIntervalMs: 100,
  }),
});

const minima: Readonly<Record<string, number>> = Object.freeze({
  probeIntervalMs: 1,
  probeTimeoutMs: 1,
  indirectChecks: 0,
  suspicionMult: 1,
  suspicionMaxTimeoutMult: 1,
  retransmitMult: 1,
  awarenessMaxMultiplier: 1,
  gossipIntervalMs: 1,
  gossipGapMs: 0,
  gossipNodes: 1,
  gossipToTheDeadMs: 0,
  pushPullIntervalMs: 0,
  streamTimeoutMs: 1,
  deadNodeReclaimMs: 0,
  leaveTimeoutMs: 0,
  maxPacketBytes: 512,
  lagThresholdMs: 1,
  collectedMemoryMs: 0,
  maxCollectedNames: 0,
  maxMembers: 1,
  joinConcurrency: 1,
});

/** Options whose defaults come from others. */
const derived: ReadonlySet<string> = new Set(["lagThresholdMs", "gossipGapMs"]);

const integers: ReadonlySet<string> = new Set([
  "indirectChecks",
  "awarenessMaxMultiplier",
  "gossipNodes",
  "maxPacketBytes",
  "maxCollectedNames",
  "maxMembers",
  "joinConcurrency",
]);

/**
 * Completes options with those of their preset.
 *
 * @throws {RangeError} When one is outside its range; the message names it.
 * @throws {TypeError} When there is no option of a name that is given.
 */
export function swimSettings(options: SwimOptions | SwimPreset = {}): SwimSettings {
  const { preset = "ckit", ...chosen } = typeof options === "string"
    ? { preset: options }
    : options;
  const defaults: Timing | undefined = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (defaults === undefined) {
    throw new RangeError(
      `Cannot configure SWIM as 'preset' must be ckit, lan, wan or fast: current value is ${preset}`,
    );
  }
  for (const name of Object.keys(chosen)) {
    if (!Object.hasOwn(defaults, name) && !derived.has(name)) {
      throw new TypeError(`Cannot configure SWIM as there is no option '${name}'`);
    }
  }
  const given = Object.entries(chosen).filter(([, value]) => value !== undefined);
  const probeTimeoutMs = chosen.probeTimeoutMs ?? defaults.probeTimeoutMs;
  const gossipIntervalMs = chosen.gossipIntervalMs ?? defaults.gossipIntervalMs;
  const settings: SwimSettings = {
    ...defaults,
    gossipGapMs: gossipIntervalMs / 4,
    lagThresholdMs: Math.min(500, Math.max(100, probeTimeoutMs / 4)),
    ...Object.fromEntries(given),
  };
  for (const [name, minimum] of Object.entries(minima)) {
    const value = settings[name as keyof SwimSettings] as unknown as number;
    const whole = !integers.has(name) || Number.isInteger(value);
    if (!(Number.isFinite(value) && value >= minimum && whole)) {
      throw new RangeError(
        `Cannot configure SWIM as '${name}' must be ${
          integers.has(name) ? "an integer" : "a number"
        } of at least ${minimum}: current value is ${value}`,
      );
    }
  }
  if (settings.probeTimeoutMs >= settings.probeIntervalMs) {
    throw new RangeError(
      `Cannot configure SWIM as 'probeTimeoutMs' must be less than 'probeIntervalMs' ${settings.probeIntervalMs}: current value is ${settings.probeTimeoutMs}`,
    );
  }
  return Object.freeze(settings);
}
