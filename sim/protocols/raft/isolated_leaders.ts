import { between, chance, oneOf } from "../../draw.ts";
import { numberOf } from "../../fault.ts";
import { type GroupFault, type GroupSite, repeated } from "./group_site.ts";
import { clockRates } from "./machine_clock.ts";

/** Whoever leads is cut off, and the next one, and the next: it goes on believing that it leads, and is asked. */
export const isolatedLeaders: GroupFault = {
  name: "isolatedLeaders",
  weight: 6,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 2000, longestMs),
    details: {
      everyMs: oneOf(random, [500, 1000, 3000]),
      // Both ways, what it says, or what it hears.
      ways: between(random, 0, 2),
      // Alone, or with one other.
      company: between(random, 0, 1),
    },
  }),
  begin: (site, { details }) => {
    const { cluster, random, nodes } = site;
    const ways = numberOf(details, "ways");
    let heal = (): void => {};
    const stop = repeated(site, numberOf(details, "everyMs"), () => {
      heal();
      const slot = cluster.leader?.slot;
      if (slot === undefined) return;
      if (site.leaseDrift !== undefined) temptLease(site, slot, site.leaseDrift);
      const island = new Set([slot]);
      if (numberOf(details, "company") === 1) island.add(between(random, 0, nodes - 1));
      heal = cluster.network.skies.begin({
        cut: true,
        covers: (from, to) =>
          (ways !== 2 && island.has(from) && !island.has(to)) ||
          (ways !== 1 && !island.has(from) && island.has(to)),
      });
    });
    return () => {
      stop();
      heal();
    };
  },
};

/**
 * All that could make a leader read for too long by its lease, as it is cut off: its clock is the slowest there may be and the others' the
 * fastest, one of them campaigns until somebody lets it, now and then at the leader's own wish, and the leader is asked all the while.
 */
function temptLease(site: GroupSite, slot: number, leaseDrift: number): void {
  const { cluster, random, later, electionMs } = site;
  const rateOf = clockRates(leaseDrift);
  cluster.setRates(cluster.machines.map((_, other) => rateOf(other === slot ? -1 : 1)));
  const leader = cluster.at(slot)!;
  const others = cluster.running.filter((process) => process !== leader);
  if (others.length === 0) return;
  const { id, slot: candidate } = oneOf(random, others);
  if (chance(random, 0.3)) leader.feed({ type: "transferLeadership", to: id });
  // A campaign more often than this would cut the one before short.
  for (let at = 1; at < 20; at++) {
    later(at * electionMs / 10, () => cluster.at(candidate)?.feed({ type: "campaign" }));
  }
  for (let at = 1; at < 60; at++) {
    later(at * electionMs / 30, () => {
      cluster.at(slot)?.read("k0", { byRound: false }, ({ type }) => {
        if (type === "done") cluster.count("cut off and read");
      });
    });
  }
}
