import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** One node does not hear another one, which hears it. */
export const oneWayCut: Fault<WeatherSite> = {
  name: "oneWayCut",
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { from: between(random, 0, nodes - 1), to: between(random, 0, nodes - 1) },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const cutFrom = numberOf(details, "from") % nodes;
    const cutTo = numberOf(details, "to") % nodes;
    return cluster.network.skies.begin({
      cut: true,
      touches: new Set([cutFrom, cutTo]),
      covers: (from, to) => from === cutFrom && to === cutTo,
    });
  },
};
