import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** A share of all packets is lost. */
export const loss: Fault<WeatherSite> = {
  name: "loss",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percent: between(random, 1, 60) },
  }),
  begin: ({ cluster }, { details }) =>
    cluster.network.skies.begin({ loss: numberOf(details, "percent") / 100 }),
};
