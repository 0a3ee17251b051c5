import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** All nodes restart, one after the other, politely or not, as in a deployment. */
export const rollingRestart: Fault = {
  name: "rollingRestart",
  draw: (random) => ({
    forMs: 0,
    details: {
      everyMs: between(random, 500, 15_000),
      downMs: between(random, 0, 5000),
      moves: between(random, 0, 1),
      polite: between(random, 0, 1),
    },
  }),
  begin: ({ cluster, nodes, boot, later }, { details }) => {
    const address = numberOf(details, "moves") === 1 ? "new" : "same";
    const polite = numberOf(details, "polite") === 1;
    for (let node = 0; node < nodes; node++) {
      later(node * numberOf(details, "everyMs"), () => {
        const process = cluster.running(node);
        if (process?.phase !== "running") return;
        if (polite) process.leave();
        else process.crash();
        later(numberOf(details, "downMs") + (polite ? 5500 : 0), () => boot(node, { address }));
      });
    }
  },
};
