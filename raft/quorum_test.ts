import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { jointVote, majorityValue, majorityVote, type VoteResult } from "./quorum.ts";

/** By definition: the largest candidate that more than half have reached. */
function naiveMajority(values: readonly number[]): number {
  if (values.length === 0) return Infinity;
  let best = -Infinity;
  for (const candidate of values) {
    const reached = values.filter((value) => value >= candidate).length;
    if (reached * 2 > values.length && candidate > best) best = candidate;
  }
  return best;
}

/** By definition: decided when every completion of the missing votes decides the same. */
function naiveVote(voters: readonly string[], votes: ReadonlyMap<string, boolean>): VoteResult {
  if (voters.length === 0) return "won";
  const wins = (missing: boolean) =>
    voters.filter((id) => votes.get(id) ?? missing).length * 2 > voters.length;
  if (wins(false)) return "won";
  return wins(true) ? "pending" : "lost";
}

const ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const half = fc.subarray(ids);
const cast = fc.array(fc.tuple(fc.constantFrom(...ids), fc.boolean())).map((all) => new Map(all));

describe("majorityValue()", () => {
  it("has the table of commit indexes", () => {
    const table: [number[], number][] = [
      [[], Infinity],
      [[7], 7],
      [[3, 5], 3],
      [[1, 2, 3], 2],
      [[5, 5, 1], 5],
      [[0, 0, 9], 0],
      [[1, 2, 3, 4], 2],
      [[5, 4, 3, 2, 1], 3],
      [[7, 1, 6, 2, 5, 3, 4], 4],
    ];
    for (const [values, expected] of table) {
      assertEquals(majorityValue([...values], values.length), expected);
    }
  });

  it("equals the naive one, whatever the order", () => {
    fc.assert(fc.property(fc.array(fc.nat(20), { maxLength: 12 }), (values) => {
      assertEquals(majorityValue([...values], values.length), naiveMajority(values));
    }));
  });

  it("looks at the first `count` values only", () => {
    assertEquals(majorityValue([1, 2, 3, 99, 99], 3), 2);
  });

  it("falls at most when a value falls", () => {
    fc.assert(fc.property(
      fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }),
      fc.nat(8),
      (values, at) => {
        const less = [...values];
        less[at % less.length] = 0;
        const before = majorityValue([...values], values.length);
        return majorityValue(less, less.length) <= before;
      },
    ));
  });
});

describe("votes", () => {
  it("equal the naive ones", () => {
    fc.assert(fc.property(half, cast, (voters, votes) => {
      assertEquals(majorityVote(voters, votes), naiveVote(voters, votes));
    }));
  });

  it("are joint when both halves are: swapping them changes nothing, an empty half neither", () => {
    fc.assert(fc.property(half, half, cast, (a, b, votes) => {
      const result = jointVote(a, b, votes);
      assertEquals(jointVote(b, a, votes), result);
      assertEquals(jointVote(a, [], votes), majorityVote(a, votes));
      assertEquals(jointVote(a, a, votes), majorityVote(a, votes));
      const halves = [naiveVote(a, votes), naiveVote(b, votes)];
      assertEquals(result === "won", halves.every((half) => half === "won"));
      assertEquals(result === "lost", halves.includes("lost"));
    }));
  });

  it("ignore who has none", () => {
    assertEquals(majorityVote(["a", "b", "c"], new Map([["x", true], ["y", true]])), "pending");
  });
});
