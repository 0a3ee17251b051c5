import { between } from "../../../draw.ts";
import { type Fault, numberOf } from "../../../fault.ts";
import { write } from "../ledger.ts";

/** A node dies and begins anew at its address at once, again and again, while all write: answers to its former life reach the new one. */
export const amnesia: Fault = {
  name: "amnesia",
  weight: 2,
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      times: between(random, 5, 25),
      everyMs: between(random, 700, 3000),
    },
  }),
  begin: ({ cluster, nodes, random, boot, later }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const again = (times: number): void => {
      for (let other = 0; other < nodes; other++) {
        const process = cluster.running(other);
        if (process?.phase === "running") write(process, "news", `${times}`);
      }
      later(between(random, 0, numberOf(details, "everyMs")), () => {
        const process = cluster.running(node);
        if (process?.phase === "running") {
          process.crash();
          boot(node, { address: "same" });
        }
        if (times > 1) again(times - 1);
      });
    };
    again(numberOf(details, "times"));
  },
};
