import { between, oneOf } from "../../../draw.ts";
import { type Fault, numberOf } from "../../../fault.ts";
import { write } from "../ledger.ts";

/** All nodes, or one, set and delete keys for a while. */
export const keyWrites: Fault = {
  name: "keyWrites",
  weight: 14,
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 2000, longestMs),
    details: {
      node: between(random, 0, 2) === 0 ? between(random, 0, nodes - 1) : -1,
      everyMs: between(random, 20, oneOf(random, [200, 5000])),
      keys: between(random, 1, oneOf(random, [3, 30])),
      values: between(random, 1, 4),
      deletePercent: oneOf(random, [0, 20, 50]),
    },
  }),
  begin: ({ cluster, nodes, random, later }, { details }) => {
    const only = numberOf(details, "node");
    let over = false;
    const again = (): void => {
      if (over) return;
      const node = only < 0 ? between(random, 0, nodes - 1) : only % nodes;
      const key = `k${between(random, 0, numberOf(details, "keys") - 1)}`;
      const deletes = between(random, 0, 99) < numberOf(details, "deletePercent");
      // The empty value, too: it is not the same as none.
      const value = between(random, 0, numberOf(details, "values"));
      const process = cluster.running(node);
      if (process?.phase === "running") {
        write(process, key, deletes ? undefined : value === 0 ? "" : `v${value}`);
      }
      later(numberOf(details, "everyMs"), again);
    };
    again();
    return () => {
      over = true;
    };
  },
};
