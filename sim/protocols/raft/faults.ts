import type { MemberChange } from "../../../raft/contract.ts";
import { isMember, membersOf } from "../../../raft/config.ts";
import { between, chance, oneOf } from "../../draw.ts";
import { listOf, numberOf } from "../../fault.ts";
import { bridge } from "../../faults/bridge.ts";
import { corruption } from "../../faults/corruption.ts";
import { duplication } from "../../faults/duplication.ts";
import { flapping } from "../../faults/flapping.ts";
import { heavyTail } from "../../faults/heavy_tail.ts";
import { latePackets } from "../../faults/late_packets.ts";
import { loss } from "../../faults/loss.ts";
import { oneWayCut } from "../../faults/one_way_cut.ts";
import { partition } from "../../faults/partition.ts";
import { reordering } from "../../faults/reordering.ts";
import { slowLink } from "../../faults/slow_link.ts";
import { type GroupFault, type GroupSite, repeated } from "./group_site.ts";
import { isolatedLeaders } from "./isolated_leaders.ts";
import { diskLoss } from "./disk_loss.ts";
import { cancellations, oldMessages } from "./old_news.ts";
import { replacements } from "./replacements.ts";
import { rollingRestart } from "./rolling_restart.ts";
import { clockRates } from "./machine_clock.ts";

const crash: GroupFault = {
  name: "crash",
  weight: 4,
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      leader: between(random, 0, 1),
      soft: between(random, 0, 3),
      downMs: oneOf(random, [0, 1, 50, 500, 5000]),
    },
  }),
  begin: ({ cluster, nodes, later }, { details }) => {
    const leader = numberOf(details, "leader") === 1 ? cluster.leader?.slot : undefined;
    const slot = leader ?? numberOf(details, "node") % nodes;
    cluster.crash(slot, numberOf(details, "soft") === 0);
    later(numberOf(details, "downMs"), () => cluster.start(slot));
  },
};

/** Dies between two effects of one step, again and again. */
const crashMidStep: GroupFault = {
  name: "crashMidStep",
  weight: 4,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { everyMs: oneOf(random, [100, 300, 1000]), within: oneOf(random, [3, 10, 100]) },
  }),
  begin: (site, { details }) => {
    const { cluster, random } = site;
    return repeated(site, numberOf(details, "everyMs"), () => {
      for (const { slot } of cluster.machines) {
        if (cluster.at(slot) === undefined && chance(random, 0.7)) cluster.start(slot);
      }
      const process = chance(random, 0.4) ? cluster.leader : oneOf(random, cluster.running);
      if (process !== undefined) {
        process.effectsToLive = between(random, 1, numberOf(details, "within"));
      }
    });
  },
};

const massRestart: GroupFault = {
  name: "massRestart",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      downMs: Array.from({ length: nodes }, () => oneOf(random, [0, 20, 1000, 3000])),
    },
  }),
  begin: ({ cluster, later }, { details }) => {
    listOf(details, "downMs").forEach((downMs, slot) => {
      cluster.crash(slot);
      later(downMs, () => cluster.start(slot));
    });
  },
};

const pause: GroupFault = {
  name: "pause",
  weight: 2,
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 100, longestMs),
    details: { node: between(random, 0, nodes - 1), leader: between(random, 0, 1) },
  }),
  // A lease bears it: the clock of who stands still goes on.
  begin: ({ cluster, nodes, leaseDrift }, { details }) => {
    const leader = leaseDrift !== undefined || numberOf(details, "leader") === 1
      ? cluster.leader
      : undefined;
    const process = leader ?? cluster.at(numberOf(details, "node") % nodes);
    process?.pause();
    return () => process?.resume();
  },
};

const clockSkew: GroupFault = {
  name: "clockSkew",
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percents: Array.from({ length: nodes }, () => between(random, 80, 120)) },
  }),
  begin: ({ cluster, leaseDrift }, { details }) => {
    const rateOf = clockRates(leaseDrift);
    const percents = listOf(details, "percents");
    cluster.setRates(percents.map((percent) => rateOf((percent - 100) / 20)));
    return () => cluster.setRates(percents.map(() => 1));
  },
};

const clockJump: GroupFault = {
  name: "clockJump",
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: { node: between(random, 0, nodes - 1), ms: oneOf(random, [50, 500, 5000, 60_000]) },
  }),
  begin: ({ cluster, nodes, leaseDrift }, { details }) => {
    if (leaseDrift !== undefined) return;
    const slot = numberOf(details, "node") % nodes;
    cluster.machines[slot]!.clock.jump(numberOf(details, "ms"));
    cluster.at(slot)?.clockChanged();
  },
};

const slowDisk: GroupFault = {
  name: "slowDisk",
  weight: 2,
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { node: between(random, 0, nodes - 1), syncMs: oneOf(random, [5, 50, 300, 2000]) },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const { diskUs } = cluster.machines[numberOf(details, "node") % nodes]!;
    diskUs.sync = numberOf(details, "syncMs") * 1000;
    return () => diskUs.sync = diskUs.usualSync;
  },
};

/** The disk fails, once: the node must stop, and finds what it may on its return. */
const diskError: GroupFault = {
  name: "diskError",
  weight: 2,
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      leader: between(random, 0, 1),
      kind: between(random, 0, 2),
      downMs: oneOf(random, [10, 1000]),
    },
  }),
  begin: ({ cluster, nodes, later }, { details }) => {
    const leader = numberOf(details, "leader") === 1 ? cluster.leader?.slot : undefined;
    const slot = leader ?? numberOf(details, "node") % nodes;
    const { disk } = cluster.machines[slot]!;
    const kind = numberOf(details, "kind");
    const downMs = numberOf(details, "downMs");
    if (kind === 2) {
      let used = 0;
      for (const file of disk.files().values()) used += file.length;
      disk.capacityBytes = used;
    } else {
      disk.fault = ({ type }) => type === (kind === 0 ? "sync" : "write") ? "EIO" : undefined;
    }
    later(2000 + downMs, () => {
      disk.fault = () => undefined;
      disk.capacityBytes = Infinity;
      cluster.start(slot);
    });
  },
};

const transfers: GroupFault = {
  name: "transfers",
  weight: 2,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { everyMs: oneOf(random, [20, 200, 1000]) },
  }),
  begin: (site, { details }) => {
    const { cluster, random } = site;
    return repeated(site, numberOf(details, "everyMs"), () => {
      const to = chance(random, 0.3) ? undefined : oneOf(random, cluster.machines).id;
      cluster.leader?.feed({ type: "transferLeadership", ...(to === undefined ? {} : { to }) });
    });
  },
};

const campaigns: GroupFault = {
  name: "campaigns",
  weight: 3,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { everyMs: oneOf(random, [20, 100, 500]) },
  }),
  begin: (site, { details }) => {
    const { cluster, random } = site;
    return repeated(site, numberOf(details, "everyMs"), () => {
      const process = cluster.at(between(random, 0, site.nodes - 1));
      if (chance(random, 0.3)) process?.feed({ type: "forgetLeader" });
      process?.feed({ type: "campaign" });
    });
  },
};

const forgetLeader: GroupFault = {
  name: "forgetLeader",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { everyMs: oneOf(random, [50, 500]) },
  }),
  begin: (site, { details }) =>
    repeated(site, numberOf(details, "everyMs"), () => {
      site.cluster.at(between(site.random, 0, site.nodes - 1))?.feed({ type: "forgetLeader" });
    }),
};

const snapshots: GroupFault = {
  name: "snapshots",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { everyMs: oneOf(random, [20, 200]) },
  }),
  begin: (site, { details }) =>
    repeated(site, numberOf(details, "everyMs"), () => {
      const process = oneOf(site.random, site.cluster.running);
      if (process !== undefined && !process.isPaused) process.takeSnapshot();
    }),
};

/** Members are added, promoted, demoted, replaced and removed, the leader among them. */
const configChanges: GroupFault = {
  name: "configChanges",
  weight: 6,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { everyMs: oneOf(random, [20, 100, 500]) },
  }),
  begin: (site, { details }) => {
    return repeated(site, numberOf(details, "everyMs"), () => changeSomething(site));
  },
};

function changeSomething({ cluster, random }: GroupSite): void {
  const any = chance(random, 0.1) ? oneOf(random, cluster.running) : cluster.leader;
  if (any === undefined || any.isPaused) return;
  const { config, configIndex } = any.status;
  if (config.votersOutgoing.length > 0 && !config.autoLeave && chance(random, 0.5)) {
    any.change({ change: { type: "leaveJoint" } });
    return;
  }
  // As long as a member is lost nothing else is changed: the others may all be needed.
  if (membersOf(config).some((id) => cluster.isLost(id))) return;
  const machines = cluster.machines.filter(({ lost }) => lost === undefined);
  const add = (type: "addVoter" | "addLearner"): MemberChange => {
    const out = machines.filter(({ id }) => !isMember(config, id));
    const { id } = oneOf(random, chance(random, 0.7) && out.length > 0 ? out : machines);
    return { type, id, address: `${id}:1` };
  };
  const remove = (): MemberChange => ({
    type: "remove",
    id: chance(random, 0.3) ? any.id : oneOf(random, [...config.voters, ...config.learners]),
  });
  const change = (): MemberChange => {
    const draw = random();
    if (draw < 0.25) return add("addLearner");
    if (draw < 0.65) {
      const [learner] = config.learners;
      if (learner === undefined || chance(random, 0.5)) return add("addVoter");
      return { type: "addVoter", id: learner, address: `${learner}:1` };
    }
    return remove();
  };
  const count = oneOf(random, [1, 1, 1, 2, 3]);
  const changes = Array.from({ length: count }, change);
  const transition = oneOf(random, ["auto", "auto", "joint", "explicit"] as const);
  any.change({
    change: { type: "change", changes, transition },
    ...(chance(random, 0.3)
      ? { expectedConfigIndex: between(random, configIndex - 1, configIndex) }
      : {}),
  });
}

/** All faults. A new one goes to the end: plans are drawn by position. */
export const raftFaults: readonly GroupFault[] = Object.freeze([
  loss,
  duplication,
  reordering,
  heavyTail,
  oneWayCut,
  partition,
  bridge,
  flapping,
  slowLink,
  corruption,
  latePackets,
  crash,
  crashMidStep,
  massRestart,
  pause,
  clockSkew,
  clockJump,
  slowDisk,
  diskError,
  transfers,
  campaigns,
  forgetLeader,
  snapshots,
  configChanges,
  isolatedLeaders,
  diskLoss,
  replacements,
  rollingRestart,
  oldMessages,
  cancellations,
]);
