import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** A node says goodbye; perhaps it comes back. */
export const leave: Fault = {
  name: "leave",
  weight: 2,
  draw: (random, { nodes, longestMs }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      afterMs: between(random, 0, 1) === 0 ? -1 : between(random, 6000, 6000 + longestMs),
      moves: between(random, 0, 1),
    },
  }),
  begin: ({ cluster, nodes, boot, wanted, later }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const process = cluster.running(node);
    if (process === undefined) return;
    const afterMs = numberOf(details, "afterMs");
    if (afterMs < 0) wanted.delete(node);
    process.leave();
    if (afterMs < 0) return;
    later(
      afterMs,
      () => boot(node, { address: numberOf(details, "moves") === 1 ? "new" : "same" }),
    );
  },
};
