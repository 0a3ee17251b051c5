import { between, oneOf } from "../../../draw.ts";
import { type Fault, numberOf } from "../../../fault.ts";
import { write } from "../ledger.ts";

/** A node sets many keys and deletes most of them, some times over: it compacts, while others are halfway through what it said. */
export const tombstones: Fault = {
  name: "tombstones",
  weight: 8,
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      keys: between(random, 4, oneOf(random, [12, 60])),
      keptPercent: oneOf(random, [0, 10, 50]),
      deleteAfterMs: between(random, 0, oneOf(random, [200, 5000])),
      everyMs: between(random, 1000, 10_000),
      times: between(random, 1, 6),
    },
  }),
  begin: ({ cluster, nodes, random, later }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const keys = numberOf(details, "keys");
    const each = (run: (key: number) => string | undefined | false): void => {
      const process = cluster.running(node);
      if (process?.phase !== "running") return;
      for (let key = 0; key < keys; key++) {
        const value = run(key);
        if (value !== false) write(process, `t${key}`, value);
      }
    };
    const again = (times: number): void => {
      each((key) => `${times}.${key}`);
      later(numberOf(details, "deleteAfterMs"), () => {
        each(() => between(random, 0, 99) < numberOf(details, "keptPercent") ? false : undefined);
        if (times > 1) later(numberOf(details, "everyMs"), () => again(times - 1));
      });
    };
    again(numberOf(details, "times"));
  },
};
