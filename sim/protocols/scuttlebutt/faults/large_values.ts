import { between, oneOf } from "../../../draw.ts";
import { type Fault, numberOf } from "../../../fault.ts";
import { write } from "../ledger.ts";

/** A node sets values that no packet can carry, with small ones before and after them. */
export const largeValues: Fault = {
  name: "largeValues",
  weight: 4,
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      bytes: between(random, 400, oneOf(random, [1500, 20_000, 65_536])),
      everyMs: between(random, 100, 8000),
      times: between(random, 1, 8),
    },
  }),
  begin: ({ cluster, nodes, later }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const again = (times: number): void => {
      const process = cluster.running(node);
      if (process?.phase === "running") {
        write(process, "before", `${times}`);
        write(process, `large${times % 3}`, `${times}`.padEnd(numberOf(details, "bytes"), "x"));
        write(process, "after", `${times}`);
      }
      if (times > 1) later(numberOf(details, "everyMs"), () => again(times - 1));
    };
    again(numberOf(details, "times"));
  },
};
