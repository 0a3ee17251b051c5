import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** One node's link goes up and down. */
export const flapping: Fault<WeatherSite> = {
  name: "flapping",
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 2000, longestMs),
    details: {
      node: between(random, 0, nodes - 1),
      downMs: between(random, 100, 6000),
      upMs: between(random, 100, 6000),
    },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const downUs = numberOf(details, "downMs") * 1000;
    const periodUs = downUs + numberOf(details, "upMs") * 1000;
    const start = cluster.now;
    return cluster.network.skies.begin({
      cut: true,
      // Cut off for as long as a suspicion lasts it believes all others dead, and says so when it is back.
      covers: (from, to) =>
        (from === node || to === node) && (cluster.now - start) % periodUs < downUs,
    });
  },
};
