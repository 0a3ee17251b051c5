import { between, heavyTailed } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** Most packets are quick, a few take seconds. */
export const heavyTail: Fault<WeatherSite> = {
  name: "heavyTail",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percent: between(random, 20, 70), mostMs: between(random, 1000, 20_000) },
  }),
  begin: ({ cluster }, { details }) => {
    const probability = numberOf(details, "percent") / 100;
    const most = numberOf(details, "mostMs") * 1000;
    return cluster.network.skies.begin({
      delayUs: (random) => heavyTailed(random, { least: 500, most, probability }),
    });
  },
};
