import { between } from "../draw.ts";
import type { Fault } from "../fault.ts";

/** For a while the discovery lists addresses of processes that are gone. */
export const staleDiscovery: Fault = {
  name: "staleDiscovery",
  draw: (random, { longestMs }) => ({ forMs: between(random, 1000, longestMs), details: {} }),
  begin: ({ cluster }) => {
    for (const slot of cluster.slots) slot.staleDiscovery = true;
    return () => {
      for (const slot of cluster.slots) slot.staleDiscovery = false;
    };
  },
};
