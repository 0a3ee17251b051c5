import type { Invariant } from "../invariant.ts";
import { bounded } from "./bounded.ts";
import { incarnationsGrow } from "./incarnations_grow.ts";
import { labelsApart } from "./labels_apart.ts";
import { noBlamelessDeath } from "./no_blameless_death.ts";
import { noReturn } from "./no_return.ts";
import { observerLatest } from "./observer_latest.ts";
import { shardersAgree } from "./sharders_agree.ts";
import { viewWellFormed } from "./view_well_formed.ts";
import { viewsGrow } from "./views_grow.ts";

/** All invariants of membership that hold at every step. Those of the end are in `play.ts`. */
export const invariants: readonly Invariant[] = Object.freeze([
  viewWellFormed,
  observerLatest,
  labelsApart,
  noBlamelessDeath,
  incarnationsGrow,
  viewsGrow,
  noReturn,
  shardersAgree,
  bounded,
]);
