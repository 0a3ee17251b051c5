import type { InvariantContext } from "../invariant.ts";
import type { Life, Watcher } from "../observation.ts";
import { ViolationError } from "../violation.ts";

/**
 * A node that is alive, awake, reachable and alone of its name is lost from nobody's view: what others slept through is held against
 * nobody. Whatever else could explain it must be longer ago than any news of it can live.
 */
export function noBlamelessDeath({ facts, bounds }: InvariantContext): Watcher {
  return {
    viewed(viewer, { before, peers }) {
      if (peers.length > before.length) return;
      const kept = new Set(peers.map(({ name }) => name));
      for (const { name } of before) {
        if (kept.has(name)) continue;
        const since = facts.now - bounds.blameMs(before.length) * 1000;
        const lives = livesOf(facts.lives, name, viewer.clusterName, since);
        const [life] = lives;
        if (lives.length !== 1 || life!.phase !== "running" || life!.startedAt > since) continue;
        if (facts.excusedAt(life!.slot) > since) continue;
        throw new ViolationError(
          "no-blameless-death",
          `${viewer.name} lost ${name}, which nothing can explain since ${
            Math.floor(since / 1000)
          } ms`,
        );
      }
    },
  };
}

/** Lives of a name that ran after an instant. */
function livesOf(
  lives: readonly Life[],
  name: string,
  clusterName: string,
  since: number,
): readonly Life[] {
  return lives.filter((life) =>
    life.name === name && life.clusterName === clusterName && life.endedAt > since
  );
}
