import type { Prng } from "../../../gossip/strategy.ts";
import type { Fault, WeatherSite } from "../../fault.ts";
import type { Group } from "./group.ts";

/** Where a fault of a group strikes. */
export interface GroupSite extends WeatherSite {
  readonly cluster: Group;
  readonly random: Prng;
  /** Does something later, unless the faults are over by then. */
  readonly later: (ms: number, run: () => void) => void;
  /** The drift that leases bear, where they are read by: clocks run apart by less, and do not jump. */
  readonly leaseDrift: number | undefined;
  /** The election timeout of all, milliseconds. */
  readonly electionMs: number;
}

/** A fault of a group. */
export type GroupFault = Fault<GroupSite>;

/** Does something again and again until it is ended. */
export function repeated(site: GroupSite, everyMs: number, act: () => void): () => void {
  let isOver = false;
  const once = (): void => {
    if (isOver) return;
    act();
    site.later(everyMs * (0.5 + site.random()), once);
  };
  once();
  return () => isOver = true;
}
