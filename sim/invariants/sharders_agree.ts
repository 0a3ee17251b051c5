import { sharder } from "../../shard/sharder.ts";
import type { Life, Watcher } from "../observation.ts";
import { ViolationError } from "../violation.ts";

const KEYS: readonly string[] = ["a", "user:42", "zürich", "key/7", ""];
/** Every so many changes of views one is checked. */
const EVERY = 16;

/** Equal views give equal owners, by whatever way a sharder came to its view. */
export function shardersAgree(): Watcher {
  let changes = 0;
  return {
    viewed(life) {
      if (changes++ % EVERY === 0) checkSharder(life);
    },
  };
}

/**
 * Compares the owners of some keys with those of a sharder made anew.
 *
 * @throws {ViolationError} When they differ.
 */
export function checkSharder(life: Life): void {
  const fresh = sharder(life.sharder.algorithm, life.peers);
  for (const key of KEYS) {
    for (const op of ["read", "readWrite"] as const) {
      const owners = (of: typeof fresh): string => {
        const eligible = of.peers.filter(({ state }) => op === "read" || state === "participant");
        return of.lookup(key, Math.min(2, eligible.length), op).map(({ name }) => name).join();
      };
      const [wanted, had] = [owners(fresh), owners(life.sharder)];
      if (wanted === had) continue;
      throw new ViolationError(
        "sharders-agree",
        `${life.name} gives "${key}" to ${had}, a sharder of the same view to ${wanted}`,
      );
    }
  }
}
