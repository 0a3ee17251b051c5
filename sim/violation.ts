/** Safety: something bad happened. Liveness: something good did not happen in time. */
export type ViolationKind = "safety" | "liveness";

/** Thrown out of a world when an invariant does not hold. */
export class ViolationError extends Error {
  /** For `switch` across realms. */
  override readonly name = "ViolationError";
  /** Which invariant. */
  readonly invariant: string;
  /** Which kind. */
  readonly kind: ViolationKind;

  /** Says what happened. */
  constructor(invariant: string, detail: string, kind: ViolationKind = "safety") {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
    this.kind = kind;
  }
}
