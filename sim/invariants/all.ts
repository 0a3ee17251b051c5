import type { Invariant } from "../invariant.ts";
import { bounded } from "./bounded.ts";
import { labelsApart } from "./labels_apart.ts";
import { noBlamelessDeath } from "./no_blameless_death.ts";
import { observerLatest } from "./observer_latest.ts";
import { shardersAgree } from "./sharders_agree.ts";
import { viewWellFormed } from "./view_well_formed.ts";

/** The invariants of any protocol that hold at every step. Those of the end are in `play.ts`. */
export const invariants: readonly Invariant[] = Object.freeze([
  viewWellFormed,
  observerLatest,
  labelsApart,
  noBlamelessDeath,
  shardersAgree,
  bounded,
]);
