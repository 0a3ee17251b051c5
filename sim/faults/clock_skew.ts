import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** A node's monotonic clock runs up to a fifth too fast or too slow. */
export const clockSkew: Fault = {
  name: "clockSkew",
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { node: between(random, 0, nodes - 1), percent: between(random, 80, 120) },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const slot = cluster.slots[node]!;
    slot.clockRate = numberOf(details, "percent") / 100;
    slot.process?.clock.change({ rate: slot.clockRate });
    return () => {
      slot.clockRate = 1;
      slot.process?.clock.change({ rate: 1 });
    };
  },
};
