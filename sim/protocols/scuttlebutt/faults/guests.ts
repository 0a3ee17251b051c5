import { between } from "../../../draw.ts";
import { type Fault, numberOf } from "../../../fault.ts";
import { write } from "../ledger.ts";

/** Nodes with names of their own come, write, and leave or die, one after the other: graves fill, digests must not. */
export const guests: Fault = {
  name: "guests",
  weight: 2,
  draw: (random) => ({
    forMs: 0,
    details: {
      count: between(random, 2, 12),
      stayMs: between(random, 500, 6000),
      leavePercent: between(random, 0, 100),
    },
  }),
  begin: ({ cluster, random, boot, later }, { details }) => {
    const stayMs = numberOf(details, "stayMs");
    const next = (left: number): void => {
      const { clusterName } = cluster.slots[0]!;
      const { index } = cluster.slot({ name: `guest${cluster.slots.length}`, clusterName });
      boot(index);
      write(cluster.running(index)!, "guest", "here");
      later(stayMs, () => {
        const process = cluster.running(index);
        if (between(random, 0, 99) < numberOf(details, "leavePercent")) process?.leave();
        else process?.crash();
        if (left > 1) next(left - 1);
      });
    };
    next(numberOf(details, "count"));
  },
};
