import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { fuzzInput, fuzzTargets, seededRandom } from "./_harness_fuzz.ts";

const INPUTS = 3_000;

describe("fuzz", () => {
  for (const target of fuzzTargets) {
    it(`${target.name} accepts or refuses any bytes, and never fails otherwise`, () => {
      const random = seededRandom(20_260_226);
      assert(target.seeds.some((seed) => target.run(seed, random)));
      let accepted = 0;
      for (let i = 0; i < INPUTS; i++) {
        if (target.run(fuzzInput(target.seeds, random), random)) accepted += 1;
      }
      // All or none would mean that the inputs test nothing.
      assert(accepted < INPUTS);
      assert(accepted > 0);
    });

    it(`${target.name} accepts or refuses every truncation and every byte doubled`, () => {
      const random = seededRandom(1);
      let runs = 0;
      for (const seed of target.seeds) {
        for (let at = 0; at <= seed.length; at++) {
          target.run(seed.subarray(0, at), random);
          target.run(Uint8Array.from([...seed.subarray(0, at), ...seed.subarray(at - 1)]), random);
          runs += 2;
        }
      }
      assertEquals(runs, target.seeds.reduce((sum, seed) => sum + 2 * (seed.length + 1), 0));
    });
  }
});
