import { between } from "../draw.ts";
import { type Fault, numberOf, type WeatherSite } from "../fault.ts";

/** Some packets are heard a second time up to minutes later, when their sender, their receiver or their news are of a former life. */
export const latePackets: Fault<WeatherSite> = {
  name: "latePackets",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percent: between(random, 1, 15), mostMs: between(random, 1000, longestMs) },
  }),
  begin: ({ cluster }, { details }) => {
    const mostUs = numberOf(details, "mostMs") * 1000;
    return cluster.network.skies.begin({
      echoes: numberOf(details, "percent") / 100,
      echoUs: (random) => 1 + random() * mostUs,
    });
  },
};
