import { assert } from "@std/assert";
import { describe, it } from "node:test";
import { fuzzInput, seededRandom } from "../swim/wire/_harness_fuzz.ts";
import { fuzzTargets } from "./_harness_fuzz.ts";

const INPUTS = 2000;

/** Some seconds of work on a busy machine: Bun gives a test five unless told otherwise. */
const LONG = { timeout: 120_000 };

describe("fuzz", () => {
  for (const target of fuzzTargets) {
    it(`${target.name} survives anything`, LONG, () => {
      const random = seededRandom(20_261_121);
      const inputs = Math.ceil(INPUTS / target.weight);
      let accepted = 0;
      for (const seed of target.seeds) if (target.run(seed, random)) accepted++;
      for (let i = 0; i < inputs; i++) {
        if (target.run(fuzzInput(target.seeds, random), random)) accepted++;
      }
      // All or none would mean that the inputs test nothing.
      assert(accepted > 0 && accepted < inputs + target.seeds.length, `${accepted}`);
    });
  }
});
