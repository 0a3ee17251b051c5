import type { Watcher } from "../observation.ts";
import { gained } from "../view_change.ts";
import { ViolationError } from "../violation.ts";

/** Nobody lists a node that never belonged to its own cluster. */
export function labelsApart(): Watcher {
  const clusters = new Map<string, Set<string>>();
  return {
    started({ name, clusterName }) {
      const names = clusters.get(clusterName) ?? new Set();
      clusters.set(clusterName, names.add(name));
    },
    viewed(viewer, change) {
      const own = clusters.get(viewer.clusterName);
      // What it listed before was looked at before.
      for (const { name } of gained(change)) {
        if (own?.has(name)) continue;
        throw new ViolationError(
          "labels-apart",
          `${viewer.name} of ${viewer.clusterName} lists ${name}, which is not of it`,
        );
      }
    },
  };
}
