import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

const YEAR_MS = 365 * 86_400_000;

/** A node's wall clock is up to ten years off; it restarts with it, so that its generation is far ahead or far behind. */
export const wallClock: Fault = {
  name: "wallClock",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      offsetMs: between(random, -10 * YEAR_MS, 10 * YEAR_MS),
      moves: between(random, 0, 1),
    },
  }),
  begin: ({ cluster, nodes, boot }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const process = cluster.running(node);
    cluster.slots[node]!.wallOffsetMs = numberOf(details, "offsetMs");
    if (process?.phase !== "running") return;
    process.crash();
    boot(node, { address: numberOf(details, "moves") === 1 ? "new" : "same" });
  },
};
