import type { Bounds } from "./protocol.ts";
import type { Facts, Watcher } from "./observation.ts";

/** What an invariant of all protocols may know. */
export interface InvariantContext {
  /** The truth. */
  readonly facts: Facts;
  /** How long things may take. */
  readonly bounds: Bounds;
}

/** Makes a watcher that throws a `ViolationError` as soon as something holds no longer. */
export type Invariant = (context: InvariantContext) => Watcher;
