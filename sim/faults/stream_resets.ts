import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** A share of streams is reset in mid-stream, requests and answers alike. */
export const streamResets: Fault = {
  name: "streamResets",
  draw: (random, { longestMs }) => ({
    forMs: between(random, 1000, longestMs),
    details: { percent: between(random, 5, 80) },
  }),
  begin: ({ cluster }, { details }) =>
    cluster.network.skies.begin({ resets: numberOf(details, "percent") / 100 }),
};
