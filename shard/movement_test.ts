import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { naiveRingOwners, naiveTokens } from "./_harness_naive.ts";
import { fnv1a, jump, movement, murmur3, rendezvous, ring } from "./mod.ts";

const SEED = 20260107;
const names = (count: number) => Array.from({ length: count }, (_, i) => `node-${i}`);
const sets = fc.uniqueArray(fc.stringMatching(/^[a-e]{1,2}$/), { maxLength: 6 });

/** Sum of arcs with BigInt, from the definition: the owner of each stretch between neighbouring tokens of either ring. */
function naiveMovement(before: string[], after: string[], tokens: number): Map<string, bigint> {
  const a = naiveTokens(before, tokens);
  const b = naiveTokens(after, tokens);
  const cuts = [...new Set([...a, ...b].map(({ token }) => token))]
    .sort((x, y) => x < y ? -1 : x > y ? 1 : 0);
  const flows = new Map<string, bigint>();
  let last = -1n;
  for (const cut of [...cuts, (1n << 64n) - 1n]) {
    const from = naiveRingOwners(a, cut, 1)[0];
    const to = naiveRingOwners(b, cut, 1)[0];
    if (from !== to) {
      const flow = `${from}>${to}`;
      flows.set(flow, (flows.get(flow) ?? 0n) + cut - last);
    }
    last = cut;
  }
  return flows;
}

describe("movement()", () => {
  it("movement() of rings is the exact sum of arcs, between the right nodes", () => {
    fc.assert(
      fc.property(sets, sets, (before, after) => {
        const algorithm = ring({ tokens: 5 });
        const { flows, share, exact, standardError } = movement(
          algorithm.place(before),
          algorithm.place(after),
        );
        assert(exact);
        assertEquals(standardError, 0);
        const expected = naiveMovement(before, after, 5);
        const actual = new Map(flows.map(({ from, to, share }) => [`${from}>${to}`, share]));
        const wanted = new Map(
          [...expected].filter(([, arc]) => arc > 0n).map((
            [flow, arc],
          ) => [flow, Number(arc) / 2 ** 64]),
        );
        assertEquals([...actual].sort(), [...wanted].sort());
        assertAlmostEquals(share, [...wanted.values()].reduce((sum, part) => sum + part, 0), 1e-12);
      }),
      { seed: SEED, numRuns: 80 },
    );
  });

  it("movement() of a ring that gains a node names that node only, and about its fair share", () => {
    const before = ring().place(names(10));
    const { share, flows } = movement(before, before.with("new"));
    assertLess(Math.abs(share - 1 / 11), 0.02);
    assertEquals(flows.length, 10);
    assert(flows.every(({ to, from }) => to === "new" && from !== "new"));
    assertEquals(movement(before, before), {
      share: 0,
      flows: [],
      exact: true,
      standardError: 0,
      samples: 0,
    });
  });

  it("movement() from and to nobody is all of the key space", () => {
    for (const algorithm of [ring({ tokens: 4 }), rendezvous(), jump()]) {
      const none = algorithm.place([]);
      const one = algorithm.place(["a"]);
      assertEquals(movement(none, one).flows.map(({ from, to }) => [from, to]), [[undefined, "a"]]);
      assertAlmostEquals(movement(none, one).share, 1, 1e-9);
      assertEquals(movement(one, none).flows.map(({ from, to }) => [from, to]), [["a", undefined]]);
      assertEquals(movement(none, none).share, 0);
    }
  });

  it("movement() of other algorithms is an estimate within its standard error, equal each time", () => {
    for (const algorithm of [rendezvous(), rendezvous({ hash: murmur3 })]) {
      const before = algorithm.place(names(9));
      const after = before.with("new");
      const first = movement(before, after, { samples: 20_000 });
      assert(!first.exact);
      assertEquals(first.samples, 20_000);
      assertAlmostEquals(first.standardError, Math.sqrt(0.1 * 0.9 / 20_000), 2e-4);
      assertLess(Math.abs(first.share - 0.1), 4 * first.standardError);
      assertEquals(movement(before, after, { samples: 20_000 }), first);
      assert(first.flows.every(({ to }) => to === "new"));
    }
  });

  it("movement() between algorithms or hash families is sampled", () => {
    const a = ring().place(names(4));
    const b = rendezvous().place(names(4));
    const c = ring({ hash: fnv1a }).place(names(4));
    for (const other of [b, c]) {
      const { exact, share, standardError } = movement(a, other);
      assert(!exact);
      assertLess(Math.abs(share - 0.75), 0.2);
      assert(standardError > 0);
    }
  });

  it("movement() of a weight that grows goes to that node only", () => {
    const before = ring().place(names(5));
    const { flows } = movement(before, before.with({ name: "node-2", weight: 2 }));
    assertEquals(flows.length, 4);
    assert(flows.every(({ to }) => to === "node-2"));
  });

  it("movement() refuses a number of samples that is none", () => {
    const placement = rendezvous().place(["a"]);
    for (const samples of [0, -1, 0.5, NaN]) {
      assertThrows(() => movement(placement, placement, { samples }), RangeError, "'samples'");
    }
  });
});
