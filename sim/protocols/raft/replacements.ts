import { isMember, membersOf } from "../../../raft/config.ts";
import type { MemberChange } from "../../../raft/contract.ts";
import { between, chance, oneOf } from "../../draw.ts";
import { numberOf } from "../../fault.ts";
import { type GroupFault, type GroupSite, repeated } from "./group_site.ts";
import type { RaftProcess } from "./raft_process.ts";

/** Voters are demoted, promoted and replaced, the leader as often as not, with the network cut and with leaders that die in mid-change. */
export const replacements: GroupFault = {
  name: "replacements",
  weight: 4,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: {
      everyMs: oneOf(random, [100, 300, 1000]),
      cutPercent: oneOf(random, [0, 30, 60]),
      crashPercent: oneOf(random, [0, 30, 60]),
    },
  }),
  begin: (site, { details }) => {
    const { cluster, random, later, nodes } = site;
    const everyMs = numberOf(details, "everyMs");
    let heal = (): void => {};
    const stop = repeated(site, everyMs, () => {
      heal();
      heal = (): void => {};
      const { leader } = cluster;
      if (leader === undefined || leader.isPaused) return;
      if (chance(random, numberOf(details, "cutPercent") / 100)) {
        const apart = between(random, 0, nodes - 1);
        heal = cluster.network.skies.begin({
          cut: true,
          covers: (from, to) => (from === apart) !== (to === apart),
        });
      }
      changeOne(site, leader);
      if (!chance(random, numberOf(details, "crashPercent") / 100)) return;
      // The joint phase is there, and its end may be.
      later(random() * 20, () => {
        if (cluster.at(leader.slot) !== leader) return;
        cluster.crash(leader.slot, chance(random, 0.5));
        later(everyMs, () => cluster.start(leader.slot));
      });
    });
    return () => {
      stop();
      heal();
    };
  },
};

function changeOne({ cluster, random }: GroupSite, leader: RaftProcess): void {
  const { config, id: self } = leader.status;
  if (membersOf(config).some((id) => cluster.isLost(id))) return;
  const address = (id: string): string => `${id}:1`;
  const subject = chance(random, 0.5) ? self : oneOf(random, config.voters);
  const [learner] = config.learners;
  const free = cluster.machines.filter(({ id, lost }) =>
    lost === undefined && !isMember(config, id)
  );
  const changes: MemberChange[] = [];
  const draw = random();
  if (learner !== undefined && draw < 0.4) {
    changes.push({ type: "addVoter", id: learner, address: address(learner) });
    if (chance(random, 0.5)) {
      changes.push({ type: "addLearner", id: subject, address: address(subject) });
    }
  } else if (draw < 0.6 || free.length === 0) {
    changes.push({ type: "addLearner", id: subject, address: address(subject) });
  } else {
    const { id } = oneOf(random, free);
    changes.push({ type: "remove", id: subject }, { type: "addVoter", id, address: address(id) });
  }
  leader.change({ change: { type: "change", changes, transition: "auto" } });
}
