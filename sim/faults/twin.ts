import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** A second node with the name of a first one runs for a while. */
export const twin: Fault = {
  name: "twin",
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { node: between(random, 0, nodes - 1) },
  }),
  begin: ({ cluster, nodes, boot }, { details }) => {
    const original = cluster.slots[numberOf(details, "node") % nodes]!;
    if (original.process?.phase !== "running") return;
    const { name, clusterName, index } = original;
    const double = cluster.slot({ name, clusterName });
    boot(double.index);
    return () => {
      cluster.running(double.index)?.crash();
      cluster.excuse(index);
    };
  },
};
