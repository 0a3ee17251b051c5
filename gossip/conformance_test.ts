import { conformance } from "./_conformance.ts";
import { scuttlebutt } from "./scuttlebutt/scuttlebutt.ts";
import { swim } from "./swim/swim.ts";

conformance({
  strategy: swim("lan"),
  crashMs: 60_000,
  newsMs: 60_000,
  deviations: {
    "parted halves heal without a join":
      "memberlist forgets the dead after 30 s and keeps no addresses; a node's search for missing members joins them again",
  },
});
conformance({ strategy: scuttlebutt(), crashMs: 30_000, newsMs: 10_000, deviations: {} });
