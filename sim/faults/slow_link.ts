import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** What one node sends and receives has to pass a narrow line, and queues. */
export const slowLink: Fault<WeatherSite> = {
  name: "slowLink",
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: {
      node: between(random, 0, nodes - 1),
      bytesPerSecond: between(random, 100, 20_000),
    },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    return cluster.network.skies.begin({
      bytesPerSecond: numberOf(details, "bytesPerSecond"),
      covers: (from, to) => from === node || to === node,
    });
  },
};
