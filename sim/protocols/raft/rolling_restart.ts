import { between, chance, oneOf } from "../../draw.ts";
import { listOf, numberOf } from "../../fault.ts";
import type { GroupFault } from "./group_site.ts";

/** All nodes restart, one after the other, each with other timing: they are as patient as before or more, and no leader is more silent. */
export const rollingRestart: GroupFault = {
  name: "rollingRestart",
  weight: 2,
  draw: (random, { nodes }) => {
    const isAlike = chance(random, 0.3);
    const percent = oneOf(random, [100, 150, 200]);
    return {
      forMs: 0,
      details: {
        everyMs: oneOf(random, [50, 500, 2000]),
        downMs: oneOf(random, [0, 20, 500]),
        hard: between(random, 0, 1),
        elections: Array.from(
          { length: nodes },
          () => isAlike ? percent : oneOf(random, [100, 150, 200]),
        ),
        heartbeats: Array.from({ length: nodes }, () => oneOf(random, [50, 75, 100])),
      },
    };
  },
  begin: ({ cluster, nodes, later, leaseDrift }, { details }) => {
    const elections = listOf(details, "elections");
    const heartbeats = listOf(details, "heartbeats");
    for (let slot = 0; slot < nodes; slot++) {
      later(slot * numberOf(details, "everyMs"), () => {
        cluster.crash(slot, numberOf(details, "hard") === 0);
        const election = (elections[slot] ?? 100) / 100;
        const heartbeat = (heartbeats[slot] ?? 100) / 100;
        // Leases are reckoned with the timeout that all have.
        if (leaseDrift === undefined && (election !== 1 || heartbeat !== 1)) {
          cluster.machines[slot]!.timing = { election, heartbeat };
          cluster.count("restart with other timing");
        }
        later(numberOf(details, "downMs"), () => cluster.start(slot));
      });
    }
    later(nodes * numberOf(details, "everyMs"), () => cluster.count("rolling restart"));
  },
};
