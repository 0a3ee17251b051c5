import { addressFault, frozenConfig, idFault, isJoint } from "./config.ts";
import type { ConfigChange, MemberChange } from "./contract.ts";
import type { ClusterConfig, Index, NodeId } from "./entry.ts";

/** A configuration, or why there is none. */
export type ConfigResult =
  | { readonly ok: true; readonly config: ClusterConfig }
  | { readonly ok: false; readonly detail: string };

/**
 * What a change makes of a configuration (C3, C5, C7).
 *
 * - A simple change gives or takes one vote at most; learners and addresses are unrestricted.
 * - A joint change keeps the voters as the outgoing half. A voter of it that is to be a learner waits in `learnersNext`, for a
 *   node never is both.
 * - While joint only leaving is legal, and only then.
 */
export function changedConfig(config: ClusterConfig, change: ConfigChange): ConfigResult {
  if (change.type === "leaveJoint") {
    return isJoint(config)
      ? { ok: true, config: leftJoint(config) }
      : illegal("the configuration is not joint");
  }
  if (isJoint(config)) return illegal("the configuration is joint: only leaving it is possible");
  if (change.changes.length === 0) return illegal("nothing is to change");
  for (const { id, ...rest } of change.changes) {
    const fault = idFault(id) ??
      (rest.type === "remove" ? undefined : addressFault(rest.address));
    if (fault !== undefined) return illegal(fault);
  }
  const joint = change.transition !== "auto";
  const simple = joint ? undefined : changedMembers(config, change.changes, []);
  const moved = simple === undefined ? 0 : difference(config.voters, simple.voters);
  if (simple !== undefined && moved <= 1) {
    return simple.voters.length === 0
      ? illegal("somebody must have a vote")
      : { ok: true, config: simple };
  }
  if (config.voters.length === 0) return illegal("nobody has a vote yet");
  const entered = changedMembers(config, change.changes, config.voters);
  if (entered.voters.length === 0) return illegal("somebody must have a vote");
  return {
    ok: true,
    config: frozenConfig({ ...entered, autoLeave: change.transition !== "explicit" }),
  };
}

/** The configuration after a joint phase. */
export function leftJoint(config: ClusterConfig): ClusterConfig {
  const learners = [...config.learners, ...config.learnersNext].sort();
  const stays = new Set([...config.voters, ...learners]);
  return frozenConfig({
    voters: config.voters,
    votersOutgoing: [],
    learners,
    learnersNext: [],
    autoLeave: false,
    addresses: config.addresses.filter(([id]) => stays.has(id)),
  });
}

function changedMembers(
  config: ClusterConfig,
  changes: readonly MemberChange[],
  outgoing: readonly NodeId[],
): ClusterConfig {
  const voters = new Set(config.voters);
  const learners = new Set(config.learners);
  const learnersNext = new Set<NodeId>();
  const addresses = new Map(config.addresses);
  const leaving = new Set(outgoing);
  for (const change of changes) {
    const { id } = change;
    voters.delete(id);
    learners.delete(id);
    learnersNext.delete(id);
    if (change.type === "remove") {
      if (!leaving.has(id)) addresses.delete(id);
      continue;
    }
    addresses.set(id, change.address);
    if (change.type === "addVoter") voters.add(id);
    else if (leaving.has(id)) learnersNext.add(id);
    else learners.add(id);
  }
  return frozenConfig({
    voters: [...voters].sort(),
    votersOutgoing: [...outgoing],
    learners: [...learners].sort(),
    learnersNext: [...learnersNext].sort(),
    autoLeave: false,
    addresses: [...addresses].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0),
  });
}

function difference(a: readonly NodeId[], b: readonly NodeId[]): number {
  return a.filter((id) => !b.includes(id)).length + b.filter((id) => !a.includes(id)).length;
}

function illegal(detail: string): ConfigResult {
  return { ok: false, detail };
}

/** A configuration and the index of the entry that made it. */
export interface PlacedConfig {
  readonly index: Index;
  readonly config: ClusterConfig;
}

/**
 * The configurations of the log, ascending. The last one is in force from its append on, committed or not; cutting the log
 * brings back the one before (thesis §4.1). The first is the one that the log began with.
 */
export class ConfigHistory {
  #placed: PlacedConfig[];

  /** Begins with the configuration of a snapshot, or with nobody. */
  constructor(base: PlacedConfig) {
    this.#placed = [base];
  }

  /** The one in force. */
  get latest(): PlacedConfig {
    return this.#placed[this.#placed.length - 1]!;
  }

  /** The one that is in force once all up to `index` is applied, as far back as the history goes. */
  at(index: Index): PlacedConfig {
    for (let i = this.#placed.length - 1; i > 0; i--) {
      if (this.#placed[i]!.index <= index) return this.#placed[i]!;
    }
    return this.#placed[0]!;
  }

  /** Puts one in force. */
  push(placed: PlacedConfig): void {
    this.#placed.push(placed);
  }

  /** Rolls back those from an index on. The first always stays. */
  truncate(from: Index): void {
    let { length } = this.#placed;
    while (length > 1 && this.#placed[length - 1]!.index >= from) length--;
    this.#placed.length = length;
  }

  /** Forgets those that only mattered before `through`. */
  compact(through: Index): void {
    while (this.#placed.length > 1 && this.#placed[1]!.index <= through) this.#placed.shift();
  }

  /** Begins anew from a snapshot. */
  reset(base: PlacedConfig): void {
    this.#placed = [base];
  }
}
