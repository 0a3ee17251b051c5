import { type Sharder, sharder } from "../../shard/sharder.ts";
import type { Life, Watcher } from "../observation.ts";
import { ViolationError } from "../violation.ts";

const KEYS: readonly string[] = ["a", "user:42", "zürich", "key/7", ""];
/** Views of at most so many peers are compared at every change. */
const SMALL_VIEW = 64;
/** Of larger ones every so many changes one is: a sharder made anew takes time in proportion to the view. */
const EVERY = 16;

/** Equal views give equal owners, by whatever way a sharder came to its view. */
export function shardersAgree(): Watcher {
  let changes = 0;
  return {
    viewed(life) {
      if (life.peers.length <= SMALL_VIEW || changes++ % EVERY === 0) checkSharder(life);
    },
  };
}

/**
 * Compares the owners of some keys with those of a sharder made anew.
 *
 * @throws {ViolationError} When they differ.
 */
export function checkSharder(life: Life): void {
  const { sharder: had, peers } = life;
  const wanted = ownersOf(sharder(had.algorithm, peers));
  const owners = ownersOf(had);
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === owners[i]) continue;
    throw new ViolationError(
      "sharders-agree",
      `${life.name} gives "${KEYS[i >> 1]}" to ${owners[i]}, a sharder of the same view to ${
        wanted[i]
      }`,
    );
  }
}

/** For each key who would be asked to read it, then who to write it. */
function ownersOf(of: Sharder): readonly string[] {
  const { peers } = of;
  const readers = Math.min(2, peers.length);
  let participants = 0;
  for (const { state } of peers) if (state === "participant") participants++;
  const writers = Math.min(2, participants);
  return KEYS.flatMap((key) => [
    of.lookup(key, readers, "read").map(({ name }) => name).join(),
    of.lookup(key, writers, "readWrite").map(({ name }) => name).join(),
  ]);
}
