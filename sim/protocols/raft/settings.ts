import type { Prng } from "../../../gossip/strategy.ts";
import { between, chance, oneOf } from "../../draw.ts";
import { raftSettings } from "../../../raft/options.ts";
import type { Settings } from "../../protocol.ts";

/** Names of the core's settings among those of a run. */
const CORE = [
  "heartbeatMs",
  "electionTimeoutMs",
  "preVote",
  "checkQuorum",
  "leaseReads",
  "maxClockDrift",
  "maxAppendBytes",
  "maxAppendEntries",
  "maxInflightMessages",
  "maxInflightBytes",
  "maxUncommittedBytes",
  "maxApplyingBytes",
  "maxPendingReads",
  "trailingEntries",
  "maxEntryBytes",
];

/** Draws the settings of a run. Limits that are rarely met in the field are drawn small: rare paths become common. */
export function drawSettings(
  random: Prng,
): { readonly settings: Settings; readonly runMs: number } {
  const electionTimeoutMs = oneOf(random, [300, 300, 500, 1000]);
  const preVote = chance(random, 0.75);
  const checkQuorum = chance(random, 0.75);
  const settings: Settings = {
    electionTimeoutMs,
    heartbeatMs: Math.floor(electionTimeoutMs / between(random, 3, 8)),
    preVote,
    checkQuorum,
    ...(checkQuorum && chance(random, 0.4) ? { leaseReads: true } : {}),
    ...(chance(random, 0.5) ? { maxAppendEntries: oneOf(random, [1, 2, 8]) } : {}),
    ...(chance(random, 0.3) ? { maxAppendBytes: oneOf(random, [1, 200, 1000]) } : {}),
    maxInflightMessages: oneOf(random, [1, 2, 4, 16]),
    ...(chance(random, 0.3) ? { maxInflightBytes: oneOf(random, [1, 500]) } : {}),
    ...(chance(random, 0.2) ? { maxUncommittedBytes: oneOf(random, [1, 300]) } : {}),
    ...(chance(random, 0.3) ? { maxApplyingBytes: oneOf(random, [1, 300]) } : {}),
    ...(chance(random, 0.2) ? { maxPendingReads: oneOf(random, [1, 3]) } : {}),
    trailingEntries: oneOf(random, [0, 0, 2, 10, 100]),
    maxEntryBytes: 300,
    snapshotEvery: oneOf(random, [3, 10, 40, 200, 100_000]),
    applyUs: oneOf(random, [100, 1000, 20_000]),
    segmentBytes: oneOf(random, [1024, 4096, 16_384]),
    syncUs: oneOf(random, [100, 300, 3000]),
    clients: between(random, 1, 6),
    keys: between(random, 1, 5),
    thinkMs: oneOf(random, [5, 20, 60, 150]),
    readShare: oneOf(random, [0, 0.2, 0.5, 0.8]),
    encoded: chance(random, 0.3),
    // Percent of answers that take up to some election timeouts: rounds and acknowledgements of the past arrive in the present.
    lateReplies: oneOf(random, [0, 0, 0, 5, 30]),
    lasting: oneOf(random, ["", "", "", "slowDisk", "crashed", "oneWay"]),
  };
  const runMs = 5000 + electionTimeoutMs * between(random, 4, 20);
  // The more clocks may run apart, the more often a lease that is too long is met by who makes use of it.
  const drift = settings["leaseReads"] === true
    ? { maxClockDrift: oneOf(random, [0.1, 0.1, 0.3, 0.5]) }
    : {};
  return { settings: Object.freeze({ ...settings, ...drift }), runMs };
}

/** Those of the core. */
export function coreOptionsOf(settings: Settings): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    CORE.flatMap((name) => settings[name] === undefined ? [] : [[name, settings[name]]]),
  );
}

/** The same with other timing: of the election timeout and the heartbeats so many times as much. */
export function withTiming(
  options: Readonly<Record<string, unknown>>,
  { election, heartbeat }: { readonly election: number; readonly heartbeat: number },
): Readonly<Record<string, unknown>> {
  const electionTimeoutMs = Math.floor(Number(options["electionTimeoutMs"]) * election);
  const heartbeatMs = Math.max(1, Math.floor(Number(options["heartbeatMs"]) * heartbeat));
  return { ...options, electionTimeoutMs, heartbeatMs };
}

/** Those of the machines. */
export function worldOptionsOf(
  settings: Settings,
): { readonly snapshotEvery: number; readonly applyUs: number; readonly segmentBytes: number } {
  return {
    snapshotEvery: numberIn(settings, "snapshotEvery"),
    applyUs: numberIn(settings, "applyUs"),
    segmentBytes: numberIn(settings, "segmentBytes"),
  };
}

/** By how much clocks may run apart in a run whose leaders have leases; `undefined` where they have none. */
export function leaseDriftOf(settings: Settings): number | undefined {
  if (settings["leaseReads"] !== true) return undefined;
  return raftSettings(coreOptionsOf(settings)).maxClockDrift;
}

/** A setting that is a number. */
export function numberIn(settings: Settings, name: string): number {
  const value = settings[name];
  return typeof value === "number" ? value : 0;
}
