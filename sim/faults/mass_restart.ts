import { between, some } from "../draw.ts";
import { type Fault, listOf, numberOf } from "../fault.ts";

/** Many or all nodes die at one instant and come back together. */
export const massRestart: Fault = {
  name: "massRestart",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      victims: some(random, Array.from({ length: nodes }, (_, i) => i), between(random, 2, nodes)),
      afterMs: between(random, 0, 10_000),
      moves: between(random, 0, 1),
    },
  }),
  begin: ({ cluster, nodes, boot, later }, { details }) => {
    const victims = new Set(listOf(details, "victims").map((victim) => victim % nodes));
    const address = numberOf(details, "moves") === 1 ? "new" : "same";
    for (const node of victims) {
      if (cluster.running(node)?.phase !== "running") continue;
      cluster.running(node)!.crash();
      later(numberOf(details, "afterMs"), () => boot(node, { address }));
    }
  },
};
