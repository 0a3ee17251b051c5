import type { InvariantContext } from "../invariant.ts";
import type { Life, Watcher } from "../observation.ts";
import { lost } from "../view_change.ts";
import { ViolationError } from "../violation.ts";

/** The longest sleep that faults inflict: so long, at each end, old news may wait in one who sleeps. */
const LONGEST_SLEEP_MS = 30_000;

interface Sleep {
  readonly from: number;
  to: number;
}

/**
 * A node that is alive, awake, reachable and alone of its name is lost from nobody's view: what others slept through is held against
 * nobody. Whatever else could explain it must be longer ago than any news of it can live. Those who sleep later have no old news.
 */
export function noBlamelessDeath({ facts, bounds }: InvariantContext): Watcher {
  const sleeps: Sleep[] = [];
  const asleep = new Map<Life, Sleep>();
  const wake = (life: Life): void => {
    const sleep = asleep.get(life);
    if (sleep !== undefined) sleep.to = facts.now;
    asleep.delete(life);
  };
  const somebodySlept = (from: number, to: number): boolean =>
    sleeps.some((sleep) => sleep.from < to && sleep.to > from);
  const explained = (life: Life, nodes: number): boolean => {
    const since = Math.max(life.startedAt, facts.excusedAt(life.slot));
    // Somebody may be wrong about a node only if there ever was a reason.
    const wrongMs = since > life.startedAt ? bounds.wrongMs(nodes) : 0;
    const newsUs = (bounds.blameMs(nodes) + wrongMs) * 1000;
    if (since > facts.now - newsUs) return true;
    return somebodySlept(since, since + newsUs) &&
      since > facts.now - newsUs - 2 * LONGEST_SLEEP_MS * 1000;
  };
  return {
    slept(life) {
      const sleep = { from: facts.now, to: Infinity };
      sleeps.push(sleep);
      asleep.set(life, sleep);
    },
    woke: wake,
    ended: wake,
    viewed(viewer, change) {
      const { before } = change;
      for (const { name } of lost(change)) {
        const oldest = facts.now - (bounds.blameMs(before.length) + 2 * LONGEST_SLEEP_MS) * 1000;
        const lives = facts.livesOf(name).filter(({ clusterName, endedAt }) =>
          clusterName === viewer.clusterName && endedAt > oldest
        );
        const [life] = lives;
        if (lives.length !== 1 || life!.phase !== "running") continue;
        if (explained(life!, before.length)) continue;
        throw new ViolationError(
          "no-blameless-death",
          `${viewer.name} lost ${name}, which nothing can explain since ${
            Math.floor(Math.max(life!.startedAt, facts.excusedAt(life!.slot)) / 1000)
          } ms`,
        );
      }
    },
  };
}
