import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Streams } from "../prng.ts";
import { arbitraryHistory, atomicHistory, naive, withAnswer } from "./_harness_histories.ts";
import { checkLinearizable, describeViolation } from "./check.ts";
import { explain } from "./explain.ts";
import { type HistoryEvent, operationsOf } from "./history.ts";
import type { Argument, OperationKind, Result, Value } from "./operation.ts";

/** `[process, kind, argument, result, invoked, returned]`; without return the outcome is unknown. */
type Row = readonly [number, OperationKind, Argument, Result, number, number?];

function history(rows: readonly Row[], key = "x"): readonly HistoryEvent[] {
  return rows.flatMap(([process, f, argument, result, invoked, returned]): HistoryEvent[] => {
    const common = { process, f, key };
    const invocation: HistoryEvent = { ...common, type: "invoke", value: argument, time: invoked };
    if (returned === undefined) return [invocation];
    const time = returned;
    if (f.endsWith("ead")) {
      return [invocation, { ...common, type: "ok", value: result as Value, time }];
    }
    return [invocation, {
      ...common,
      type: "ok",
      ...(result === undefined ? {} : { result }),
      time,
    }];
  }).sort((a, b) => a.time - b.time);
}

function verdictOf(rows: readonly Row[], initial: Value = null) {
  return checkLinearizable(operationsOf(history(rows)), { initial }).verdict;
}

const [yes, no] = ["linearizable", "violation"] as const;

// Herlihy and Wing 1990, figure 2, speaks of queues: the same shapes with registers. The others are named after what they show.
const known: readonly (readonly [string, typeof yes | typeof no, readonly Row[]])[] = [
  ["nothing happened", yes, []],
  ["read while a write is under way: old, then new", yes, [
    [0, "write", 1, undefined, 0, 10],
    [1, "read", null, null, 1, 2],
    [1, "read", null, 1, 3, 4],
  ]],
  ["new-old inversion (Lamport 1986: regular, not atomic)", no, [
    [0, "write", 1, undefined, 0, 10],
    [1, "read", null, 1, 1, 2],
    [1, "read", null, null, 3, 4],
  ]],
  ["new-old inversion of two readers", no, [
    [0, "write", 1, undefined, 0, 10],
    [1, "read", null, 1, 1, 2],
    [2, "read", null, null, 3, 4],
  ]],
  ["overlapping readers may see either", yes, [
    [0, "write", 1, undefined, 0, 10],
    [1, "read", null, 1, 1, 4],
    [2, "read", null, null, 3, 5],
  ]],
  ["stale read: sequentially consistent only", no, [
    [0, "write", 1, undefined, 0, 1],
    [1, "read", null, null, 2, 3],
  ]],
  ["readers that disagree on the order of concurrent writes", no, [
    [0, "write", 1, undefined, 0, 10],
    [1, "write", 2, undefined, 0.5, 10.5],
    [2, "read", null, 1, 11, 12],
    [3, "read", null, 2, 13, 14],
  ]],
  ["the same while the writes are under way", yes, [
    [0, "write", 1, undefined, 0, 20],
    [1, "write", 2, undefined, 0.5, 20.5],
    [2, "read", null, 1, 11, 12],
    [3, "read", null, 2, 13, 14],
  ]],
  ["lost update: two cas on one value", no, [
    [0, "write", 1, undefined, 0, 1],
    [1, "cas", [1, 2], true, 2, 5],
    [2, "cas", [1, 3], true, 3, 6],
  ]],
  ["one of two cas is refused", yes, [
    [0, "write", 1, undefined, 0, 1],
    [1, "cas", [1, 2], true, 2, 5],
    [2, "cas", [1, 3], false, 3, 6],
  ]],
  ["cas refused though nothing else had changed the value", no, [
    [0, "write", 1, undefined, 0, 1],
    [1, "cas", [1, 2], false, 2, 5],
  ]],
  ["read of a value before anybody wrote it", no, [
    [1, "read", null, 1, 0, 1],
    [0, "write", 1, undefined, 2, 3],
  ]],
  ["unknown write takes effect late", yes, [
    [0, "write", 1, undefined, 0],
    [1, "read", null, null, 1, 2],
    [1, "read", null, null, 3, 4],
    [1, "read", null, 1, 5, 6],
  ]],
  ["unknown write takes effect once", no, [
    [0, "write", 1, undefined, 0],
    [1, "read", null, 1, 1, 2],
    [2, "write", 2, undefined, 3, 4],
    [1, "read", null, 2, 5, 6],
    [1, "read", null, 1, 7, 8],
  ]],
  ["unknown write that nobody sees", yes, [
    [0, "write", 1, undefined, 0],
    [1, "read", null, null, 100, 101],
  ]],
  ["unknown cas enables another", yes, [
    [0, "cas", [null, 1], undefined, 0],
    [1, "cas", [1, 2], true, 1, 2],
    [2, "read", null, 2, 3, 4],
  ]],
  ["appends that a read sees in another order than real time", no, [
    [0, "append", "a", undefined, 0, 1],
    [1, "append", "b", undefined, 2, 3],
    [2, "read", null, "ba", 4, 5],
  ]],
  ["append that took effect twice", no, [
    [0, "append", "a", undefined, 0, 1],
    [2, "read", null, "aa", 4, 5],
  ]],
  ["append that says what it made", no, [
    [0, "append", "a", "a", 0, 10],
    [1, "append", "b", "b", 1, 11],
  ]],
  ["stale reads fall behind", yes, [
    [0, "write", 1, undefined, 0, 1],
    [0, "write", 2, undefined, 2, 3],
    [1, "staleRead", null, null, 4, 5],
    [1, "staleRead", null, 1, 6, 7],
    [2, "staleRead", null, 2, 8, 9],
    [1, "staleRead", null, 1, 10, 11],
  ]],
  ["stale reads go back", no, [
    [0, "write", 1, undefined, 0, 1],
    [1, "staleRead", null, 1, 4, 5],
    [1, "staleRead", null, null, 6, 7],
  ]],
  ["stale reads see the future", no, [
    [1, "staleRead", null, 1, 0, 1],
    [0, "write", 1, undefined, 2, 3],
  ]],
];

describe("checkLinearizable()", () => {
  for (const [name, expected, rows] of known) {
    it(`${expected}: ${name}`, () => {
      assertEquals(verdictOf(rows), expected);
      assertEquals(naive(operationsOf(history(rows))) ? yes : no, expected);
    });
  }

  it("starts from the initial value", () => {
    assertEquals(verdictOf([[0, "read", null, 7, 0, 1]], 7), yes);
    assertEquals(verdictOf([[0, "read", null, 7, 0, 1]]), no);
  });

  it('tells 1 from "1"', () => {
    assertEquals(verdictOf([[0, "write", 1, undefined, 0, 1], [0, "read", null, "1", 2, 3]]), no);
  });

  it("judges each key alone and names the one at fault", () => {
    const good = history([[0, "write", 1, undefined, 0, 1], [1, "leaderRead", null, 1, 2, 3]], "a");
    const bad = history(
      [[2, "write", 1, undefined, 0, 1], [3, "leaseRead", null, null, 2, 3]],
      "b",
    );
    const events = [...good, ...bad].sort((a, b) => a.time - b.time);
    const result = checkLinearizable(operationsOf(events));
    assertEquals([result.verdict, result.keys, result.violations.length], [no, 2, 1]);
    const violation = result.violations[0]!;
    assertEquals([violation.key, violation.promise], ["b", "linearizability"]);
    assertEquals(
      describeViolation(violation),
      [
        "key b: leaseRead is not linearizable: no order explains these 2 operations from time 0 to 3 from the beginning",
        "    process 2: write b 1 [0, 1]",
        "  > process 3: leaseRead b → null [2, 3]",
      ].join("\n"),
    );
  });

  it("is unknown, not fine, when the steps run out; a violation elsewhere counts more", () => {
    const rows = known.find(([name]) => name.startsWith("readers that disagree"))![2];
    const operations = operationsOf(history(rows));
    const result = checkLinearizable(operations, { maxSteps: 1 });
    assertEquals([result.verdict, result.exhausted], ["unknown", ["x"]]);
    const bad = history([[8, "read", null, 1, 50, 51]], "y");
    const both = operationsOf([...history(rows), ...bad]);
    const { verdict, exhausted } = checkLinearizable(both, { maxSteps: 1 });
    assertEquals([verdict, exhausted], [no, ["x"]]);
  });

  it("says which promise stale reads break", () => {
    const rows = known.find(([name]) => name === "stale reads go back")![2];
    const [violation] = checkLinearizable(operationsOf(history(rows))).violations;
    assertEquals([violation!.promise, violation!.offending.invokedAt], ["monotonic-prefix", 6]);
    assertStringIncludes(describeViolation(violation!), "stale reads are not a monotonic prefix");
  });

  it("finds a stale read in a long history, and shows little else", () => {
    let caught = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { events } = atomicHistory(new Streams(seed).named("long"), {
        clients: 10,
        operations: 1_500,
        kinds: ["leaderRead", "followerRead", "write", "cas"],
        unknown: 0.01,
      });
      // A read in the last part answers what an early one answered: that value was overwritten long ago.
      const reads = events.flatMap(({ type, f }, at) =>
        type === "ok" && f.endsWith("ead") ? [at] : []
      );
      const late = reads[Math.floor(reads.length * 0.9)]!;
      const early = events[reads[Math.floor(reads.length * 0.1)]!]!.value as Value;
      assertEquals(checkLinearizable(operationsOf(events)).verdict, yes);
      const mutated = operationsOf(withAnswer(events, late, early));
      const { verdict, violations } = checkLinearizable(mutated);
      assertEquals(verdict, no, `seed ${seed}`);
      assertEquals(violations[0]!.offending.returned, late, `seed ${seed}`);
      assert(violations[0]!.operations.length <= 12, describeViolation(violations[0]!));
      caught++;
    }
    assertEquals(caught, 12);
  });
});

describe("mutated histories", () => {
  const kinds: readonly OperationKind[] = ["read", "read", "write", "cas"];
  const small = (seed: number) =>
    atomicHistory(new Streams(seed).named("small"), { clients: 3, operations: 8, kinds }).events;
  const returnsOf = (events: readonly HistoryEvent[]) =>
    events.flatMap(({ type, f }, at) => type === "ok" && f === "read" ? [at] : []);
  const mutations: Readonly<
    Record<string, (events: readonly HistoryEvent[], pick: number) => readonly HistoryEvent[]>
  > = {
    "two reads swap answers"(events, pick) {
      const reads = returnsOf(events);
      if (reads.length < 2) return events;
      const [one, other] = [reads[pick % reads.length]!, reads[(pick + 1) % reads.length]!];
      const swapped = withAnswer(events, one, events[other]!.value as Value);
      return withAnswer(swapped, other, events[one]!.value as Value);
    },
    "a write is lost"(events, pick) {
      const writes = events.flatMap(({ type, f }, at) =>
        type === "ok" && f === "write" ? [at] : []
      );
      if (writes.length === 0) return events;
      const { process } = events[writes[pick % writes.length]!]!;
      const at = writes[pick % writes.length]!;
      const invoked = events.findLastIndex((event, i) => i < at && event.process === process);
      return events.filter((_, i) => i !== at && i !== invoked);
    },
    "a read answers what an earlier one did"(events, pick) {
      const reads = returnsOf(events);
      if (reads.length < 2) return events;
      const late = 1 + pick % (reads.length - 1);
      return withAnswer(events, reads[late]!, events[reads[late - 1]!]!.value as Value);
    },
    "an operation moves to another time"(events, pick) {
      const at = pick % events.length;
      const { process } = events[at]!;
      const own = events.filter((event) => event.process === process);
      const others = events.filter((event) => event.process !== process);
      const shifted = [
        ...others.slice(0, pick % (others.length + 1)),
        ...own,
        ...others.slice(pick % (others.length + 1)),
      ];
      return shifted.map((event, time) => ({ ...event, time }));
    },
  };
  for (const [name, mutate] of Object.entries(mutations)) {
    it(`${name}: caught exactly when no order explains it`, () => {
      let caught = 0;
      fc.assert(
        fc.property(fc.nat(), fc.nat(100), (seed, pick) => {
          const operations = operationsOf(mutate(small(seed), pick));
          const expected = naive(operations) ? yes : no;
          assertEquals(checkLinearizable(operations).verdict, expected);
          if (expected === no) caught++;
        }),
        { numRuns: 300 },
      );
      assert(caught > 20, `${caught} of 300 were wrong at all`);
    });
  }
});

describe("explain()", () => {
  it("shows only what cannot be explained", () => {
    const kinds: readonly OperationKind[] = ["read", "write", "cas", "append", "staleRead"];
    let [shrunk, windows] = [0, 0];
    fc.assert(
      fc.property(fc.nat(), fc.subarray([...kinds], { minLength: 2 }), (seed, some) => {
        const random = new Streams(seed).named("explain");
        const operations = operationsOf(arbitraryHistory(random, { operations: 8, kinds: some }));
        if (naive(operations)) return;
        const found = explain(operations, { initial: null, maxSteps: 1e5, maxTotalSteps: 1e6 });
        assert(found.operations.some(({ id }) => id === found.offending.id));
        const initials = found.anyInitial ? [null, 1, 2, 9, "a", "b", "ab", "ba", "aba"] : [null];
        for (const initial of initials) assert(!naive(found.operations, initial));
        if (found.operations.length < operations.length) shrunk++;
        if (found.anyInitial) windows++;
      }),
      { numRuns: 400 },
    );
    assert(shrunk > 50 && windows > 5, `${shrunk} shrunk, ${windows} windows`);
  });

  it("needs two reads to show that an appended text went back", () => {
    const rows: Row[] = Array.from(
      { length: 40 },
      (_, i) => [0, "append", `${i},`, undefined, 4 * i, 4 * i + 1],
    );
    const text = (count: number) => Array.from({ length: count }, (_, i) => `${i},`).join("");
    rows.push([1, "leaseRead", null, text(40), 200, 201], [
      2,
      "leaseRead",
      null,
      text(39),
      202,
      203,
    ]);
    const { violations } = checkLinearizable(operationsOf(history(rows)));
    assertEquals(violations[0]!.operations.map(({ kind }) => kind), ["leaseRead", "leaseRead"]);
    assertEquals(violations[0]!.anyInitial, true);
  });
});
