import type { PlantedBug } from "./patch.ts";

/** The bugs of SWIM that the simulator must find. */
export const swimBugs: readonly PlantedBug[] = Object.freeze([
  {
    name: "suspicion-never-refuted",
    what: "A node that hears that it is suspected or dead does not object.",
    caughtBy: ["converges", "no-blameless-death"],
    patches: [{
      file: "swim/verdicts.ts",
      search: "    own.incarnation = self.raiseIncarnation(accused);",
      replace:
        "    if (accused >= 0) return;\n    own.incarnation = self.raiseIncarnation(accused);",
    }],
  },
  {
    name: "retransmit-limit-ignored",
    what: "A broadcast is never carried often enough.",
    caughtBy: ["queues-drain", "bounded"],
    patches: [{
      file: "swim/broadcast_queue.ts",
      search: "if (entry.transmits < limit)",
      replace: "if (entry.transmits < limit || limit >= 0)",
    }],
  },
  {
    name: "label-unchecked",
    what: "Packets and streams of any cluster are taken in.",
    caughtBy: ["labels-apart"],
    patches: [{
      file: "swim/wire/label.ts",
      search: "found.some((byte, i) => byte !== label[i])",
      replace: "found.length === 0",
    }, {
      file: "swim/wire/stream_reader.ts",
      search: "if (label.some((byte, i) => byte !== bytes[2 + i])) return this.#refuse();",
      replace: "",
    }],
  },
]);
