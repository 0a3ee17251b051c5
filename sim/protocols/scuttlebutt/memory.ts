import type { ScuttlebuttSettings } from "../../../gossip/scuttlebutt/options.ts";
import type { Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";
import { coreOf } from "./core_of.ts";

/** Steps between two looks at a process. */
const EVERY = 64;
/** Bytes of a digest entry at most, where names are as short as here. */
const ENTRY_BYTES = 40;
/** Rounds after waking, and for clocks that run fast. */
const SPARE_ROUNDS = 3;

/**
 * Invariant `memory`: records grow with the names there were, graves with their limit, tombstones with theirs, digests with the records,
 * and rounds with time. Invariant `deadline`: there is always a next one.
 */
export function memory(settings: ScuttlebuttSettings): Watcher {
  const names = new Map<string, Set<string>>();
  const steps = new WeakMap<Life, number>();
  const begun = new WeakMap<Life, number>();
  return {
    started(life) {
      const { clusterName, name } = life;
      names.set(clusterName, (names.get(clusterName) ?? new Set()).add(name));
      begun.set(life, life.localMs);
    },
    stepped(life) {
      const core = coreOf(life);
      if (!Number.isFinite(core.deadline)) {
        throw new ViolationError("deadline", `${life.name} waits for ${core.deadline}`);
      }
      const step = (steps.get(life) ?? 0) + 1;
      steps.set(life, step);
      if (step % EVERY !== 0) return;
      const fail = (detail: string): never => {
        throw new ViolationError("memory", `${life.name} ${detail}`);
      };
      const { alive, dead, left } = life.stats;
      const records = alive + dead + left;
      const count = names.get(life.clusterName)!.size;
      if (records > count) fail(`holds ${records} records of ${count} names`);
      const stats = core.scuttlebuttStats;
      if (stats.graves > settings.maxGraves) fail(`remembers ${stats.graves} lives`);
      if (stats.digestBytes > ENTRY_BYTES * records) {
        fail(`has a digest of ${stats.digestBytes} bytes for ${records} records`);
      }
      const rounds = (life.localMs - begun.get(life)!) / (0.94 * settings.gossipIntervalMs);
      if (stats.rounds > rounds + SPARE_ROUNDS) fail(`began ${stats.rounds} rounds`);
    },
  };
}
