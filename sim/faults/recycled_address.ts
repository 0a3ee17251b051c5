import { between, oneOf } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** A node dies, and one of another name starts at its address: a new name at a known address. */
export const recycledAddress: Fault = {
  name: "recycledAddress",
  draw: (random, { nodes, longestMs }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      afterMs: between(random, 0, oneOf(random, [500, longestMs >> 2])),
    },
  }),
  begin: ({ cluster, nodes, boot, wanted, later }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    if (cluster.running(node)?.phase !== "running") return;
    cluster.running(node)!.crash();
    const { address, clusterName } = cluster.slots[node]!;
    wanted.delete(node);
    later(numberOf(details, "afterMs"), () => {
      if (cluster.running(node) !== undefined) return;
      const heir = cluster.slot({ name: `heir${cluster.slots.length}`, clusterName });
      wanted.add(heir.index);
      boot(heir.index, { address });
    });
  },
};
