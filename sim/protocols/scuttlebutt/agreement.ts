import type { Cluster } from "../../cluster.ts";
import type { ProtocolWatcher } from "../../protocol.ts";
import { coreOf } from "./core_of.ts";
import type { Wiretap } from "./wiretap.ts";

/** Rounds without an entry in any packet after which nothing is left to be told. */
const SILENT_ROUNDS = 10;

/**
 * In the end all hold the same of all, versions and lives alike (`maps-agree`), and no packet carries entries any more
 * (`falls-silent`).
 */
export function agreement(
  cluster: Cluster,
  tap: Wiretap,
  gossipIntervalMs: number,
): ProtocolWatcher {
  return {
    unsettled() {
      const running = [...cluster.alive()].filter(({ phase }) => phase === "running");
      for (const owner of running) {
        const { generation, version } = coreOf(owner).localNode;
        for (const life of running) {
          if (life === owner || life.clusterName !== owner.clusterName) continue;
          const held = coreOf(life).node(owner.name);
          if (held?.generation === generation && held.version === version) continue;
          return {
            invariant: "maps-agree",
            detail: `${life.name} holds ${owner.name} at ${held?.generation}/${held?.version}, ` +
              `it is at ${generation}/${version}`,
          };
        }
      }
      const silentMs = (cluster.now - tap.lastBlockAt) / 1000;
      if (silentMs >= SILENT_ROUNDS * gossipIntervalMs) return undefined;
      return {
        invariant: "falls-silent",
        detail: `packets carry entries, the last one ${Math.floor(silentMs)} ms ago`,
      };
    },
  };
}
