import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** Two halves that hear each other only through one node in the middle; or a ring, in which each hears its neighbours alone. */
export const bridge: Fault<WeatherSite> = {
  name: "bridge",
  draw: (random, { nodes, longestMs }) => ({
    forMs: between(random, 2000, longestMs),
    details: { middle: between(random, 0, nodes - 1), ring: between(random, 0, 1) },
  }),
  begin: ({ cluster, nodes }, { details }) => {
    const middle = numberOf(details, "middle") % nodes;
    const ring = numberOf(details, "ring") === 1;
    return cluster.network.skies.begin({
      cut: true,
      covers: (from, to) => {
        if (!ring) return from !== middle && to !== middle && (from < middle) !== (to < middle);
        const apart = Math.abs(from - to);
        return apart > 1 && apart < nodes - 1;
      },
    });
  },
};
