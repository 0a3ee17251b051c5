import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** A share of all packets arrives twice. */
export const duplication: Fault<WeatherSite> = {
  name: "duplication",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percent: between(random, 1, 100) },
  }),
  begin: ({ cluster }, { details }) =>
    cluster.network.skies.begin({ duplicates: numberOf(details, "percent") / 100 }),
};
