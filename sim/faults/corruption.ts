import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** A share of packets arrives changed or cut short. */
export const corruption: Fault<WeatherSite> = {
  name: "corruption",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percent: between(random, 1, 40) },
  }),
  begin: ({ cluster }, { details }) =>
    cluster.network.skies.begin({ corrupts: numberOf(details, "percent") / 100 }),
};
