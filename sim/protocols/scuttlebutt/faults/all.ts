import type { Fault } from "../../../fault.ts";
import { faults } from "../../../faults/all.ts";
import { amnesia } from "./amnesia.ts";
import { guests } from "./guests.ts";
import { keyWrites } from "./key_writes.ts";
import { largeValues } from "./large_values.ts";
import { tombstones } from "./tombstones.ts";

/** What may befall Scuttlebutt: what befalls any protocol, and what its owners write. A new one goes to the end. */
export const scuttlebuttFaults: readonly Fault[] = Object.freeze([
  ...faults,
  keyWrites,
  tombstones,
  largeValues,
  guests,
  amnesia,
]);
