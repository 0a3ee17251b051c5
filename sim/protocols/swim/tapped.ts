import type { SwimSettings } from "../../../gossip/swim/options.ts";
import type { Facts } from "../../observation.ts";
import type { Wiretap } from "./wiretap.ts";

/** What an invariant of SWIM's messages may know. */
export interface Tapped {
  /** The truth. */
  readonly facts: Facts;
  /** What is said. */
  readonly tap: Wiretap;
  /** How the nodes are set. */
  readonly settings: SwimSettings;
}
