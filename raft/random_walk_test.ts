import { assert } from "@std/assert";
import { describe, it } from "node:test";
import { type Sightings, walk } from "./_harness_walk.ts";

describe("random walk", () => {
  const seen: Sightings = {};
  for (let seed = 1; seed <= 24; seed++) {
    const members = 3 + seed % 3;
    it(`seed ${seed}, ${members} members: the invariants hold after every step`, () => {
      const sightings = walk({ seed, steps: 2500, members, changes: seed % 4 !== 0 });
      for (const [what, count] of Object.entries(sightings)) seen[what] = (seen[what] ?? 0) + count;
    });
  }

  it("saw the situations that it is for", () => {
    for (
      const what of [
        "elected",
        "crashed",
        "leader crashed",
        "truncated",
        "joint",
        "group changed",
        "snapshot taken",
        "reset by a snapshot",
        "transferred",
        "read by a leader",
        "read by a follower",
        "committed",
      ]
    ) assert((seen[what] ?? 0) > 0, `Nothing was ${what}`);
  });
});
