import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** As many as a large cluster is to begin with; more only take time. */
const MOST = 60;

/** Many new nodes start at one instant. */
export const joinStorm: Fault = {
  name: "joinStorm",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      count: between(random, 2, Math.max(3, Math.min(nodes, MOST))),
      stay: between(random, 0, 1),
    },
  }),
  begin: ({ cluster, boot, wanted, later }, { details }) => {
    const { clusterName } = cluster.slots[0]!;
    for (let i = 0; i < numberOf(details, "count"); i++) {
      const { index } = cluster.slot({ name: `storm${cluster.slots.length}`, clusterName });
      wanted.add(index);
      boot(index);
      if (numberOf(details, "stay") === 1) continue;
      later(5000 + 100 * i, () => {
        wanted.delete(index);
        cluster.running(index)?.leave();
      });
    }
  },
};
