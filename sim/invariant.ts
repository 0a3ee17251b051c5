import type { SwimSettings } from "../gossip/swim/options.ts";
import type { Facts, Watcher } from "./observation.ts";
import type { Wiretap } from "./wiretap.ts";

/** What an invariant may know. */
export interface InvariantContext {
  /** The truth. */
  readonly facts: Facts;
  /** What is said. */
  readonly tap: Wiretap;
  /** How the nodes are set. */
  readonly settings: SwimSettings;
}

/** Makes a watcher that throws a `ViolationError` as soon as something holds no longer. */
export type Invariant = (context: InvariantContext) => Watcher;
