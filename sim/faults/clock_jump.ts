import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** A node's monotonic clock jumps forward, as after a suspended machine: all its timers are due at once. */
export const clockJump: Fault = {
  name: "clockJump",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: { node: between(random, 0, nodes - 1), jumpMs: between(random, 100, 120_000) },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    cluster.excuse(node);
    cluster.running(node)?.clock.change({ jumpMs: numberOf(details, "jumpMs") });
  },
};
