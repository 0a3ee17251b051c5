import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** A node declares that it is about to go, and stays. */
export const terminating: Fault = {
  name: "terminating",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: { node: between(random, 0, nodes - 1) },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const process = cluster.running(numberOf(details, "node") % nodes);
    if (process?.state === "participant") process.changeState("terminating");
  },
};
