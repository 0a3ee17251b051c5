/**
 * Settings of {@link scuttlebutt}. Durations in milliseconds. Names and meanings follow Kite, which calls `maxPacketBytes` the maximum
 * packet size.
 */
export interface ScuttlebuttOptions {
  /** A round is begun each time, up to a twentieth sooner or later. 50 to 60000. @default {500} */
  readonly gossipIntervalMs?: number;
  /**
   * Bytes of the largest packet sent, header included; what is received may always have 65535. 512 to 65507. Over HTTP/2, where packets
   * need not fit into a datagram, 16384 carries the digest of some 740 nodes instead of 61, for up to twelve times the idle traffic of a
   * large cluster. @default {1400}
   */
  readonly maxPacketBytes?: number;
  /**
   * A peer is down once it was silent for more than so many mean gaps between its heartbeats: 20 are a true φ of 8.7 (see
   * {@link PhiEstimator}). 4 or more. @default {20}
   */
  readonly suspicionThreshold?: number;
  /** Tombstones are dropped, and all other own keys sent anew, once there are so many. 1 or more. @default {500} */
  readonly compactThreshold?: number;
  /** … and once there are so many for each live key. 0 or more. @default {0} */
  readonly compactRatio?: number;
  /** How long one exchange by stream may take. 1 or more. @default {10000} */
  readonly streamTimeoutMs?: number;
  /** With how many live peers a round is begun. 1 or more. @default {1} */
  readonly fanout?: number;
  /** Gaps between heartbeats remembered for each peer. 1 or more. @default {100} */
  readonly windowSize?: number;
  /**
   * How long a node that is down is kept, keys and all. At least `16 · suspicionThreshold · gossipIntervalMs`.
   * @default {max(900000, 16 · suspicionThreshold · gossipIntervalMs)}
   */
  readonly downExpiryMs?: number;
  /** How long a node that left is kept. 1 or more. @default {60000} */
  readonly leftExpiryMs?: number;
  /**
   * How long a removed life stays unwelcome unless it shows new signs of life. At least `downExpiryMs`.
   *
   * @default {max(1800000, 2 · downExpiryMs)}
   */
  readonly graveyardMs?: number;
  /** How many removed lives are remembered. 1 or more. @default {4096} */
  readonly maxGraves?: number;
  /** A whole exchange with one random peer each time, up to a twentieth sooner or later, as a safety net. 0: never. @default {60000} */
  readonly syncIntervalMs?: number;
  /** Nodes held; more are ignored. 2 or more. @default {10000} */
  readonly maxNodes?: number;
  /** Bytes of the largest own value. 1 to 1000000. @default {65536} */
  readonly maxValueBytes?: number;
  /** Larger own values are reported as large. 0 or more. @default {4096} */
  readonly warnValueBytes?: number;
  /** Own live keys. 1 or more. @default {10000} */
  readonly maxKeys?: number;
  /** Bytes of all own live keys and values. 1 or more. @default {8388608} */
  readonly maxNodeBytes?: number;
  /** Expiry and compaction are looked after once in so many rounds. 1 or more. @default {10} */
  readonly sweepEvery?: number;
  /** Bytes of one request or reply by stream; what a peer may make this node hold. 1048576 or more. @default {67108864} */
  readonly maxStreamBytes?: number;
}

/** Complete, checked settings. */
export type ScuttlebuttSettings = Required<ScuttlebuttOptions>;

type Range = readonly [least: number, most: number, kind: "integer" | "number"];

const ranges: Readonly<Record<keyof ScuttlebuttSettings, Range>> = Object.freeze({
  gossipIntervalMs: [50, 60_000, "number"],
  maxPacketBytes: [512, 65_507, "integer"],
  suspicionThreshold: [4, 1e6, "number"],
  compactThreshold: [1, 1e9, "integer"],
  compactRatio: [0, 1e9, "number"],
  streamTimeoutMs: [1, 1e9, "number"],
  fanout: [1, 1000, "integer"],
  windowSize: [1, 100_000, "integer"],
  downExpiryMs: [1, 1e12, "number"],
  leftExpiryMs: [1, 1e12, "number"],
  graveyardMs: [1, 1e13, "number"],
  maxGraves: [1, 1e7, "integer"],
  syncIntervalMs: [0, 1e12, "number"],
  maxNodes: [2, 1e6, "integer"],
  maxValueBytes: [1, 1_000_000, "integer"],
  warnValueBytes: [0, 1e9, "integer"],
  maxKeys: [1, 1e7, "integer"],
  maxNodeBytes: [1, 1e9, "integer"],
  sweepEvery: [1, 1e6, "integer"],
  maxStreamBytes: [1 << 20, 2 ** 31, "integer"],
});

/**
 * Completes and checks options.
 *
 * @throws {RangeError} When one is outside its range; the message names it.
 * @throws {TypeError} When the options are no object, or there is none of a name that is given.
 */
export function scuttlebuttSettings(options: ScuttlebuttOptions = {}): ScuttlebuttSettings {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot configure Scuttlebutt as its options must be an object: current value is ${options}`,
    );
  }
  const { gossipIntervalMs = 500, suspicionThreshold = 20 } = options;
  // Half of it must be four times what detection takes with the prior alone, or news of the dead could outrun their removal.
  const leastDownExpiryMs = 16 * suspicionThreshold * gossipIntervalMs;
  const downExpiryMs = options.downExpiryMs ?? Math.max(900_000, leastDownExpiryMs);
  const settings: ScuttlebuttSettings = {
    gossipIntervalMs,
    maxPacketBytes: options.maxPacketBytes ?? 1400,
    suspicionThreshold,
    compactThreshold: options.compactThreshold ?? 500,
    compactRatio: options.compactRatio ?? 0,
    streamTimeoutMs: options.streamTimeoutMs ?? 10_000,
    fanout: options.fanout ?? 1,
    windowSize: options.windowSize ?? 100,
    downExpiryMs,
    leftExpiryMs: options.leftExpiryMs ?? 60_000,
    graveyardMs: options.graveyardMs ?? Math.max(1_800_000, 2 * downExpiryMs),
    maxGraves: options.maxGraves ?? 4096,
    syncIntervalMs: options.syncIntervalMs ?? 60_000,
    maxNodes: options.maxNodes ?? 10_000,
    maxValueBytes: options.maxValueBytes ?? 65_536,
    warnValueBytes: options.warnValueBytes ?? 4096,
    maxKeys: options.maxKeys ?? 10_000,
    maxNodeBytes: options.maxNodeBytes ?? 8 << 20,
    sweepEvery: options.sweepEvery ?? 10,
    maxStreamBytes: options.maxStreamBytes ?? 64 << 20,
  };
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(ranges, name)) {
      throw new TypeError(`Cannot configure Scuttlebutt as there is no option '${name}'`);
    }
  }
  for (const [name, [least, most, kind]] of Object.entries(ranges)) {
    const value = settings[name as keyof ScuttlebuttSettings];
    const inside = typeof value === "number" && value >= least && value <= most;
    if (!inside || (kind === "integer" && !Number.isInteger(value))) {
      throw new RangeError(
        `Cannot configure Scuttlebutt as '${name}' must be ${
          kind === "integer" ? "an integer" : "a number"
        } from ${least} to ${most}: current value is ${
          typeof value === "string" ? JSON.stringify(value) : value
        }`,
      );
    }
  }
  if (downExpiryMs < leastDownExpiryMs) {
    throw new RangeError(
      `Cannot configure Scuttlebutt as 'downExpiryMs' must be at least ${leastDownExpiryMs}, 16 times suspicionThreshold times gossipIntervalMs: current value is ${downExpiryMs}`,
    );
  }
  if (settings.graveyardMs < downExpiryMs) {
    throw new RangeError(
      `Cannot configure Scuttlebutt as 'graveyardMs' must be at least 'downExpiryMs' ${downExpiryMs}: current value is ${settings.graveyardMs}`,
    );
  }
  return Object.freeze(settings);
}
