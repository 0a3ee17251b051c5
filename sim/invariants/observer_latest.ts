import type { Watcher } from "../observation.ts";
import { ViolationError } from "../violation.ts";

/** When a change is over, an observer was told of the list as it is now, last. */
export function observerLatest(): Watcher {
  return {
    viewed(life, { peers }) {
      if (life.observed === peers && life.peers === peers) return;
      throw new ViolationError(
        "observer-latest",
        `an observer of ${life.name} was told of ${
          life.observed?.length ?? 0
        } peers last, there are ${peers.length}`,
      );
    },
  };
}
