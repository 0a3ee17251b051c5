import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** Packets overtake each other: each waits a while of its own. */
export const reordering: Fault<WeatherSite> = {
  name: "reordering",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { jitterMs: between(random, 5, 800) },
  }),
  begin: ({ cluster }, { details }) => {
    const jitterUs = numberOf(details, "jitterMs") * 1000;
    return cluster.network.skies.begin({ delayUs: (random) => random() * jitterUs });
  },
};
