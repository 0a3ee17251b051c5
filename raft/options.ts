/** Draws from [0, 1). Only the election timeout is drawn. */
export type Prng = () => number;

/** Settings of {@link RaftCore}. Durations in milliseconds, sizes in bytes. Members of a group should agree on all of them. */
export interface RaftOptions {
  /** A leader tells its followers each time that it lives. 1 or more. @default {100} */
  readonly heartbeatMs?: number;
  /**
   * T: a follower that hears nothing campaigns after a time drawn from [T, 2T), and a leader that does not hear a quorum for T steps down.
   * More than `heartbeatMs`; ten times that, and ten times the 99.9th percentile of the event loop's lag, is sound. @default {1000}
   */
  readonly electionTimeoutMs?: number;
  /** Whether a node asks if it would win before it begins a term (thesis §9.6): a node that comes back deposes nobody. @default {true} */
  readonly preVote?: boolean;
  /** Whether a leader without a quorum steps down, and voters that hear a leader refuse to vote (thesis §6.2). @default {true} */
  readonly checkQuorum?: boolean;
  /**
   * Whether a leader answers reads without a round while a quorum's heartbeats are fresh (thesis §6.4.1). Needs `checkQuorum`. Rests on
   * clocks, see `maxClockDrift`, and on promises of the voters: every member must have it on, with the same T. They then vote for nobody
   * within T of a heartbeat or of their start, and neither `campaign` nor `forgetLeader` shortens that; only a transfer does.
   *
   * @default {false}
   */
  readonly leaseReads?: boolean;
  /**
   * With `leaseReads`: by how much the clocks of two members may run apart, as a share of time: while the faster one counts T, the slower
   * one counts more than `T × (1 − drift)`. That is how long a lease lasts; it must outlast a heartbeat. 0 to below 1. @default {0.1}
   */
  readonly maxClockDrift?: number;
  /** The largest command. 1 to 64 MiB. @default {1048576} */
  readonly maxEntryBytes?: number;
  /** An append message is filled up to this; one entry always goes. 1 or more. @default {1048576} */
  readonly maxAppendBytes?: number;
  /** And up to this many entries. 1 or more. @default {4096} */
  readonly maxAppendEntries?: number;
  /** Appends that a follower has not acknowledged. Few: more only queue before its disk. 1 or more. @default {4} */
  readonly maxInflightMessages?: number;
  /** Their bytes; one message may exceed it. 1 or more. @default {4194304} */
  readonly maxInflightBytes?: number;
  /**
   * Bytes of commands that a leader has appended and not seen applied. One batch always goes when there are none. 1 or more.
   * @default {67108864}
   */
  readonly maxUncommittedBytes?: number;
  /** Bytes of entries that are being applied at a time, 16 for each entry included; one entry always goes. 1 or more. @default {4194304} */
  readonly maxApplyingBytes?: number;
  /** Reads that wait at a time. 1 or more. @default {65536} */
  readonly maxPendingReads?: number;
  /** Entries before a snapshot that stay, so that a slow follower needs none. 0 or more. @default {8192} */
  readonly trailingEntries?: number;
  /** Bound of their bytes. 0 or more. @default {16777216} */
  readonly trailingBytes?: number;
}

/** Complete, checked settings. */
export type RaftSettings = Required<RaftOptions>;

/** The largest entry that a peer's message may hold, whatever the own `maxEntryBytes`: 64 MiB. */
export const hardMaxEntryBytes = 64 * 1024 * 1024;

/** The defaults of {@link RaftOptions}. */
export const defaultRaftSettings: RaftSettings = Object.freeze({
  heartbeatMs: 100,
  electionTimeoutMs: 1000,
  preVote: true,
  checkQuorum: true,
  leaseReads: false,
  maxClockDrift: 0.1,
  maxEntryBytes: 1024 * 1024,
  maxAppendBytes: 1024 * 1024,
  maxAppendEntries: 4096,
  maxInflightMessages: 4,
  maxInflightBytes: 4 * 1024 * 1024,
  maxUncommittedBytes: 64 * 1024 * 1024,
  maxApplyingBytes: 4 * 1024 * 1024,
  maxPendingReads: 65_536,
  trailingEntries: 8192,
  trailingBytes: 16 * 1024 * 1024,
});

const counts = [
  "maxAppendBytes",
  "maxAppendEntries",
  "maxInflightMessages",
  "maxInflightBytes",
  "maxUncommittedBytes",
  "maxApplyingBytes",
  "maxPendingReads",
] as const;

/**
 * Completes and checks settings.
 *
 * @throws {RangeError} When one is out of its range.
 */
export function raftSettings(options: RaftOptions = {}): RaftSettings {
  const settings: RaftSettings = { ...defaultRaftSettings };
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && Object.hasOwn(settings, name)) {
      (settings as Record<string, unknown>)[name] = value;
    }
  }
  const fail = (name: keyof RaftSettings, rule: string): never => {
    throw new RangeError(
      `Cannot use raft settings as '${name}' must be ${rule}: current value is ${settings[name]}`,
    );
  };
  if (!(settings.heartbeatMs >= 1 && settings.heartbeatMs < Infinity)) {
    fail("heartbeatMs", "1 or more");
  }
  if (
    !(settings.electionTimeoutMs > settings.heartbeatMs && settings.electionTimeoutMs < Infinity)
  ) fail("electionTimeoutMs", "more than 'heartbeatMs'");
  for (const name of counts) {
    if (!(Number.isSafeInteger(settings[name]) && settings[name] >= 1)) fail(name, "1 or more");
  }
  for (const name of ["trailingEntries", "trailingBytes"] as const) {
    if (!(Number.isSafeInteger(settings[name]) && settings[name] >= 0)) fail(name, "0 or more");
  }
  const { maxEntryBytes, maxClockDrift } = settings;
  if (
    !(Number.isSafeInteger(maxEntryBytes) && maxEntryBytes >= 1 &&
      maxEntryBytes <= hardMaxEntryBytes)
  ) fail("maxEntryBytes", `1 to ${hardMaxEntryBytes}`);
  if (!(maxClockDrift >= 0 && maxClockDrift < 1)) fail("maxClockDrift", "0 to below 1");
  if (settings.leaseReads && !settings.checkQuorum) {
    fail("checkQuorum", "true as 'leaseReads' is");
  }
  if (settings.leaseReads && leaseMs(settings) <= settings.heartbeatMs) {
    fail("maxClockDrift", "so small that a lease outlasts a heartbeat");
  }
  return Object.freeze(settings);
}

/** How long a lease lasts, by the clock of the leader, from when the round began that gave it (thesis §6.4.1). */
export function leaseMs(
  { electionTimeoutMs, maxClockDrift }: Pick<RaftSettings, "electionTimeoutMs" | "maxClockDrift">,
): number {
  return electionTimeoutMs * (1 - maxClockDrift);
}
