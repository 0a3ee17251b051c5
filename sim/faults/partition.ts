import { between } from "../draw.ts";
import { type Fault, listOf, type WeatherSite } from "../fault.ts";

/** The network falls into parts of any shape: 2 to 4 groups, which do not hear each other. */
export const partition: Fault<WeatherSite> = {
  name: "partition",
  weight: 3,
  draw: (random, { nodes, longestMs }) => {
    const groups = between(random, 2, 4);
    return {
      forMs: between(random, 2000, longestMs),
      details: { groups: Array.from({ length: nodes }, () => between(random, 0, groups - 1)) },
    };
  },
  begin: ({ cluster }, { details }) => {
    const groups = listOf(details, "groups");
    return cluster.network.skies.begin({
      cut: true,
      covers: (from, to) => (groups[from] ?? 0) !== (groups[to] ?? 0),
    });
  },
};
