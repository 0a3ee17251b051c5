/**
 * What a node is made of, and what can be tuned.
 *
 * @module
 */
import { type Clock, cryptoRandom, systemClock } from "../membership/clock.ts";
import { type Logger, logtape } from "../membership/logger.ts";
import type { Transport } from "../transport/transport.ts";
import type { NodeId } from "./entry.ts";
import type { LogStore, SnapshotStore } from "./log_store.ts";
import type { StateMachine } from "./state_machine.ts";
import { defaultRaftSettings, leaseMs, type Prng } from "./options.ts";
import type { RaftTransportLimits } from "./transport.ts";

/** A member, when a group is founded. */
export interface Founder {
  /** Its name. */
  readonly id: NodeId;
  /** Where it is reached: `host:port`. */
  readonly address: string;
}

/** Options of {@link RaftNode.open}. All times in milliseconds, all sizes in bytes. */
export interface RaftNodeOptions<Result = unknown> {
  /** The own name, unique in the group for good: a member that lost its disk comes back under another one. 1 to 255 bytes. */
  readonly id: NodeId;
  /** Name of the group. Members of other groups are refused before anything else. */
  readonly clusterName: string;
  /** Where the other members reach this one: `host:port`. */
  readonly address: string;
  /** Moves bytes: `http2()`, one half of `shareTransport(http2())`, or a memory network's. Closed with the node. */
  readonly transport: Transport;
  /** Keeps the log. Opened and closed by the node. */
  readonly log: LogStore;
  /** Keeps snapshots. Opened and closed by the node. */
  readonly snapshots: SnapshotStore;
  /** What is replicated. New, or as {@link StateMachine.restore} leaves it. */
  readonly stateMachine: StateMachine<Result>;
  /**
   * Founds the group: the same list on every founding member, this one included. Stores that hold state already must have been founded with
   * the same list; then it changes nothing. Members that join later leave it out: they wait to be added.
   */
  readonly bootstrap?: readonly Founder[];
  /**
   * Whether commands that are proposed here while another member leads are handed on to it, again and again until something is heard of
   * them. Each carries a session, the caller's or one of the node's own, so that it is applied once.
   *
   * @default {false}
   */
  readonly forwardProposals?: boolean;
  /** How often a leader is heard from. @default {60} */
  readonly heartbeatIntervalMs?: number;
  /**
   * Silence after which a new leader is elected; the real timeout is drawn from one to two of it. At least 2 heartbeats. @default {600}
   */
  readonly electionTimeoutMs?: number;
  /**
   * Whether a leader answers reads without asking the others, as long as a quorum answered its heartbeats lately. Saves a round trip, and
   * rests on clocks where all else rests on none: if two members' clocks run apart by more than `maxClockDrift`, a read may be old. All
   * members need it on, with the same `electionTimeoutMs`; a group changes any of the three only as a whole, stopped. A machine that can be
   * suspended, or moved while it runs, must not use it: its clock may stand still. A pause of the process alone is harmless.
   *
   * Voters then keep their promise to a leader for an election timeout, also from their own start on: after all were restarted the first
   * leader takes that much longer, and {@link RaftNode.campaign} and {@link RaftNode.forgetLeader} wait for it too.
   *
   * @default {false}
   */
  readonly leaseReads?: boolean;
  /**
   * With `leaseReads`: by how much the clocks of two members may run apart, as a share of time. A lease lasts `electionTimeoutMs × (1 −
   * maxClockDrift)` from when the heartbeats were sent, and that must be more than `heartbeatIntervalMs`. 0 to below 1. Clocks of sound
   * machines differ by less than 0.001; the rest is margin.
   *
   * @default {0.1}
   */
  readonly maxClockDrift?: number;
  /** How long a proposal may wait to be appended. @default {5000} */
  readonly enqueueTimeoutMs?: number;
  /** How long a proposal or a read may take in all. @default {10000} */
  readonly timeoutMs?: number;
  /** Longest command. @default {1048576} */
  readonly maxCommandBytes?: number;
  /** Bytes of proposals that wait to be appended; more fail as overloaded. @default {67108864} */
  readonly maxQueuedBytes?: number;
  /** Bytes appended and not applied, above which proposals wait. @default {67108864} */
  readonly maxUnappliedBytes?: number;
  /** Bytes appended at a time, at most; a longer command goes alone. @default {1048576} */
  readonly maxBatchBytes?: number;
  /** Commands appended at a time, at most. @default {4096} */
  readonly maxBatchCommands?: number;
  /** Reads under way; more fail as overloaded. @default {65536} */
  readonly maxPendingReads?: number;
  /** Applied entries after which a snapshot is taken and the log is cut. @default {65536} */
  readonly snapshotEntries?: number;
  /** Applied bytes after which a snapshot is taken and the log is cut. @default {67108864} */
  readonly snapshotBytes?: number;
  /** Entries kept behind a snapshot, so that members slightly behind need none. @default {8192} */
  readonly trailingEntries?: number;
  /** Snapshots kept. At least 1; 2 leaves one to fall back on. @default {2} */
  readonly retainedSnapshots?: number;
  /** Tunes the streams between members. */
  readonly transportLimits?: RaftTransportLimits;
  /** Monotonic time. @default {systemClock()} */
  readonly clock?: Clock;
  /** Draws election timeouts. @default {cryptoRandom()} */
  readonly random?: Prng;
  /** Calls back in a later turn of the event loop; what is proposed until then becomes one batch. @default {setImmediate} */
  readonly defer?: (callback: () => void) => void;
  /** Where to write what happens. @default {logtape()} */
  readonly logger?: Logger;
}

/** Numbers of {@link RaftNodeOptions}, all in place. */
export type RaftNodeNumbers = Required<
  Pick<
    RaftNodeOptions,
    | "heartbeatIntervalMs"
    | "electionTimeoutMs"
    | "enqueueTimeoutMs"
    | "timeoutMs"
    | "maxCommandBytes"
    | "maxQueuedBytes"
    | "maxUnappliedBytes"
    | "maxBatchBytes"
    | "maxBatchCommands"
    | "maxPendingReads"
    | "snapshotEntries"
    | "snapshotBytes"
    | "trailingEntries"
    | "retainedSnapshots"
  >
>;

/** {@link RaftNodeOptions} with every default in place. */
export type ResolvedRaftNodeOptions<Result> =
  & RaftNodeOptions<Result>
  & RaftNodeNumbers
  & Required<
    Pick<
      RaftNodeOptions<Result>,
      | "clock"
      | "random"
      | "defer"
      | "logger"
      | "forwardProposals"
      | "leaseReads"
      | "maxClockDrift"
    >
  >;

const NUMBERS: RaftNodeNumbers = {
  heartbeatIntervalMs: 60,
  // Two followers draw from one to two of it, so that the next leader commits after about 1.3 of it: within a second.
  electionTimeoutMs: 600,
  enqueueTimeoutMs: 5_000,
  timeoutMs: 10_000,
  maxCommandBytes: 1024 * 1024,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxUnappliedBytes: 64 * 1024 * 1024,
  maxBatchBytes: 1024 * 1024,
  maxBatchCommands: 4_096,
  maxPendingReads: 65_536,
  snapshotEntries: 65_536,
  snapshotBytes: 64 * 1024 * 1024,
  trailingEntries: 8_192,
  retainedSnapshots: 2,
};

const OTHERS = [
  "id",
  "clusterName",
  "address",
  "transport",
  "log",
  "snapshots",
  "stateMachine",
  "bootstrap",
  "forwardProposals",
  "leaseReads",
  "maxClockDrift",
  "transportLimits",
  "clock",
  "random",
  "defer",
  "logger",
];

/** That of the core. */
const DEFAULT_MAX_CLOCK_DRIFT = defaultRaftSettings.maxClockDrift;

/** Fills in the defaults. @throws {TypeError} For a name that is none, or a part that is missing. @throws {RangeError} For a number. */
export function resolveRaftNodeOptions<Result>(
  options: RaftNodeOptions<Result>,
  defer: (callback: () => void) => void,
): ResolvedRaftNodeOptions<Result> {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(NUMBERS, name) && !OTHERS.includes(name)) {
      throw new TypeError(`Cannot open a node as there is no option '${name}'`);
    }
  }
  const bytes = new TextEncoder().encode(options.id).length;
  if (bytes < 1 || bytes > 255) {
    throw new RangeError(
      `Cannot open a node as 'id' must be 1 to 255 bytes: current value is ${bytes}`,
    );
  }
  for (const name of ["clusterName", "address"] as const) {
    if (typeof options[name] !== "string" || options[name] === "") {
      throw new TypeError(
        `Cannot open a node as '${name}' must be a text: current value is ${options[name]}`,
      );
    }
  }
  for (const name of ["transport", "log", "snapshots", "stateMachine"] as const) {
    if (typeof options[name] !== "object" || options[name] === null) {
      throw new TypeError(`Cannot open a node as it needs a '${name}'`);
    }
  }
  const numbers: Record<string, number> = {};
  for (const [name, byDefault] of Object.entries(NUMBERS)) {
    const value = options[name as keyof RaftNodeNumbers] ?? byDefault;
    const timed = name.endsWith("Ms");
    const least = name === "trailingEntries" ? 0 : 1;
    if (!(value >= least) || (!timed && value !== Infinity && !Number.isInteger(value))) {
      throw new RangeError(
        `Cannot open a node as '${name}' must be ${
          timed ? "a number" : "an integer"
        } of at least ${least}: current value is ${value}`,
      );
    }
    numbers[name] = value;
  }
  const resolved = numbers as unknown as RaftNodeNumbers;
  if (resolved.electionTimeoutMs < 2 * resolved.heartbeatIntervalMs) {
    throw new RangeError(
      `Cannot open a node as 'electionTimeoutMs' must be at least 2 heartbeats: current value is ${resolved.electionTimeoutMs}`,
    );
  }
  checkLease(options, resolved);
  const { bootstrap, id } = options;
  if (bootstrap !== undefined && !bootstrap.some((founder) => founder.id === id)) {
    throw new RangeError(
      `Cannot open a node as 'bootstrap' must hold its own id: current value lacks ${id}`,
    );
  }
  return {
    ...options,
    ...resolved,
    clock: options.clock ?? systemClock(),
    random: options.random ?? cryptoRandom(),
    defer: options.defer ?? defer,
    logger: options.logger ?? logtape(),
    forwardProposals: options.forwardProposals ?? false,
    leaseReads: options.leaseReads ?? false,
    maxClockDrift: options.maxClockDrift ?? DEFAULT_MAX_CLOCK_DRIFT,
  };
}

function checkLease(
  { leaseReads = false, maxClockDrift }: Pick<RaftNodeOptions, "leaseReads" | "maxClockDrift">,
  { electionTimeoutMs, heartbeatIntervalMs }: RaftNodeNumbers,
): void {
  if (typeof leaseReads !== "boolean") {
    throw new TypeError(
      `Cannot open a node as 'leaseReads' must be true or false: current value is ${leaseReads}`,
    );
  }
  const drift = maxClockDrift ?? DEFAULT_MAX_CLOCK_DRIFT;
  if (!(drift >= 0 && drift < 1)) {
    throw new RangeError(
      `Cannot open a node as 'maxClockDrift' must be 0 to below 1: current value is ${drift}`,
    );
  }
  if (!leaseReads && maxClockDrift !== undefined) {
    throw new RangeError(
      `Cannot open a node as 'leaseReads' must be true with a 'maxClockDrift': current value is false`,
    );
  }
  if (leaseReads && leaseMs({ electionTimeoutMs, maxClockDrift: drift }) <= heartbeatIntervalMs) {
    throw new RangeError(
      `Cannot open a node as 'maxClockDrift' must be so small that a lease outlasts a heartbeat: current value is ${drift}`,
    );
  }
}
