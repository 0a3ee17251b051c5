import type { Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";
import { coreOf } from "./core_of.ts";
import { ledgerOf } from "./ledger.ts";

/** Invariant `own-keys`: the own keys are what was written, whatever was compacted or heard since. */
export function ownKeys(): Watcher {
  const versions = new WeakMap<Life, number>();
  return {
    stepped(life) {
      const { version, entries } = coreOf(life).localNode;
      const before = versions.get(life);
      if (version === before) return;
      if (before !== undefined && version < before) {
        throw new ViolationError("versions-grow", `${life.name} is at ${version} after ${before}`);
      }
      versions.set(life, version);
      const written = ledgerOf(life);
      let live = 0;
      for (const { key, value, internal, deleted } of entries) {
        if (internal || deleted) continue;
        live++;
        if (written.get(key) === value) continue;
        throw new ViolationError("own-keys", `${life.name} has ${key}, which was not written so`);
      }
      if (live === written.size) return;
      throw new ViolationError(
        "own-keys",
        `${life.name} has ${live} keys, ${written.size} were written`,
      );
    },
  };
}
