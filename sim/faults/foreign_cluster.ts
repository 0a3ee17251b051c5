import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** As long as the name of the main cluster: only the letters tell them apart. */
const FOREIGN = "mis";

/** Nodes of another cluster on the same network, with seeds of this one, one of them at an address that was used here. */
export const foreignCluster: Fault = {
  name: "foreignCluster",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: { count: between(random, 1, 3), node: between(random, 0, nodes - 1) },
  }),
  begin: ({ cluster, nodes, boot, wanted }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const bait = cluster.slots[node]!.address;
    const strangers = Array.from({ length: numberOf(details, "count") }, () => {
      const slot = cluster.slot({ name: `alien${cluster.slots.length}`, clusterName: FOREIGN });
      wanted.add(slot.index);
      return slot;
    });
    const victim = cluster.running(node);
    if (victim?.phase === "running" && details["count"] !== 1) {
      victim.crash();
      boot(node, { address: "new" });
    }
    const recycles = cluster.network.at(bait) === undefined;
    strangers.forEach(({ index }, i) => {
      boot(index, i === 0 && recycles ? { address: bait } : {});
      for (const { address, clusterName } of cluster.slots) {
        if (clusterName !== FOREIGN) cluster.running(index)?.join([address]);
      }
    });
  },
};
