import { between, oneOf } from "../../draw.ts";
import { numberOf } from "../../fault.ts";
import { type GroupFault, repeated } from "./group_site.ts";
import { isolatedLeaders } from "./isolated_leaders.ts";

/** What was sent at any time while it lasts is heard again at any later time, by whoever has the name of the receiver then. */
export const oldMessages: GroupFault = {
  name: "oldMessages",
  weight: 3,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 2000, longestMs),
    details: {
      everyMs: oneOf(random, [2, 10, 50]),
      count: oneOf(random, [1, 3]),
      // Leaders are cut off one after the other, with one that follows, or hear nothing: logs are cut, and grow again.
      apart: oneOf(random, [0, 1, 1]),
      ways: oneOf(random, [0, 2]),
    },
  }),
  begin: (site, { forMs, details }) => {
    const { cluster, random } = site;
    cluster.network.hoard ??= [];
    const stop = repeated(site, numberOf(details, "everyMs"), () => {
      for (let count = numberOf(details, "count"); count > 0; count--) {
        const packet = oneOf(random, cluster.network.hoard ?? []);
        if (packet !== undefined) cluster.network.repeat(packet);
      }
    });
    const heal = numberOf(details, "apart") === 0 ? undefined : isolatedLeaders.begin(site, {
      forMs,
      details: { everyMs: 1000, ways: numberOf(details, "ways"), company: 1 },
    });
    return () => {
      stop();
      heal?.();
      cluster.network.hoard = undefined;
    };
  },
};

/** Clients end their waits: what they asked for may happen all the same. */
export const cancellations: GroupFault = {
  name: "cancellations",
  weight: 2,
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percent: oneOf(random, [5, 30, 80]) },
  }),
  begin: ({ cluster }, { details }) => {
    cluster.cancelPercent = numberOf(details, "percent");
    return () => cluster.cancelPercent = 0;
  },
};
