import { membersOf } from "../../../raft/config.ts";
import { between, oneOf } from "../../draw.ts";
import { numberOf } from "../../fault.ts";
import type { Group } from "./group.ts";
import { type GroupFault, repeated } from "./group_site.ts";

/**
 * A disk loses what it has promised: a bit of it is turned, or all of it is gone. The node must not come back under its name, and an operator
 * puts another in its place. No more is lost than the rest can decide without.
 */
export const diskLoss: GroupFault = {
  name: "diskLoss",
  weight: 3,
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: {
      node: between(random, 0, nodes - 1),
      leader: between(random, 0, 1),
      wiped: between(random, 0, 1),
      afterMs: oneOf(random, [0, 500, 3000]),
      everyMs: oneOf(random, [50, 500]),
    },
  }),
  begin: (site, { details }) => {
    const { cluster, nodes, later } = site;
    const leader = numberOf(details, "leader") === 1 ? cluster.leader?.slot : undefined;
    const slot = leader ?? numberOf(details, "node") % nodes;
    if (!cluster.canLose(slot)) return;
    if (numberOf(details, "wiped") === 1) cluster.wipe(slot);
    else if (!cluster.rot(slot)) return cluster.start(slot);
    let stop: (() => void) | undefined;
    let isOver = false;
    later(numberOf(details, "afterMs"), () => {
      if (isOver) return;
      cluster.stopStray();
      stop = repeated(site, numberOf(details, "everyMs"), () => replaceLost(cluster));
    });
    return () => {
      isOver = true;
      stop?.();
      cluster.stopStray();
    };
  },
};

/** What the operator does: the lost member goes, and one with another name comes. */
function replaceLost(cluster: Group): void {
  const { leader } = cluster;
  if (leader === undefined || leader.isPaused) return;
  const { config } = leader.status;
  const lost = membersOf(config).find((id) => cluster.isLost(id));
  if (lost === undefined || config.votersOutgoing.length > 0) return;
  const members = membersOf(config);
  const fresh = cluster.machines.find(({ id, lost }) =>
    lost === undefined && !members.includes(id)
  );
  const add = fresh === undefined
    ? []
    : [{ type: "addVoter", id: fresh.id, address: `${fresh.id}:1` }] as const;
  cluster.count("lost member replaced");
  leader.change({
    change: { type: "change", changes: [{ type: "remove", id: lost }, ...add], transition: "auto" },
  });
}
