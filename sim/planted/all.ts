import type { PlantedBug } from "./patch.ts";
import { raftBugs } from "./raft.ts";
import { scuttlebuttBugs } from "./scuttlebutt.ts";
import { swimBugs } from "./swim.ts";

/** The bugs that the simulator must find, by protocol. */
export const plantedBugs: ReadonlyMap<string, readonly PlantedBug[]> = new Map([
  ["swim", swimBugs],
  ["scuttlebutt", scuttlebuttBugs],
  ["raft", raftBugs],
]);
