import type { ScuttlebuttCore } from "../../../gossip/scuttlebutt/core.ts";
import type { MemberProcess } from "../../member_process.ts";
import type { Life } from "../../observation.ts";

/** The core of a life that speaks Scuttlebutt. */
export function coreOf(life: Life): ScuttlebuttCore {
  return (life as MemberProcess).core as ScuttlebuttCore;
}
