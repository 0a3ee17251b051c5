import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Streams } from "../prng.ts";
import { arbitraryHistory, atomicHistory, naive } from "./_harness_histories.ts";
import { operationsOf } from "./history.ts";
import { type Operation, type OperationKind, step, type Value } from "./operation.ts";
import { searchKey } from "./search.ts";

const registers: readonly OperationKind[] = ["read", "leaderRead", "write", "cas"];
const mixes: readonly (readonly OperationKind[])[] = [
  ["read", "write"],
  registers,
  ["read", "append"],
  ["read", "write", "cas", "append"],
  ["staleRead", "write"],
  ["staleRead", "followerRead", "write", "cas"],
  ["staleRead", "read", "append"],
];

/** Whether an order is one: it keeps real time, and replays. */
function explains(order: readonly Operation[], all: readonly Operation[], initial: Value): boolean {
  const must = all.filter(({ returned }) => returned !== Infinity);
  const ids = new Set(order.map(({ id }) => id));
  if (ids.size !== order.length || must.some(({ id }) => !ids.has(id))) return false;
  let state = initial;
  let latestCall = -1;
  for (const operation of order) {
    const original = all.find(({ id }) => id === operation.id)!;
    if (original.returned < latestCall) return false;
    if (operation.kind !== "staleRead") latestCall = Math.max(latestCall, original.invoked);
    const after = step(state, original);
    if (after === undefined) return false;
    state = after.next;
  }
  return true;
}

describe("searchKey()", () => {
  for (const kinds of mixes) {
    it(`agrees with all orders: ${kinds.join(", ")}`, () => {
      let [linearizable, violations] = [0, 0];
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: 2, max: 7 }), (seed, length) => {
          const random = new Streams(seed).named("arbitrary");
          const operations = operationsOf(arbitraryHistory(random, { operations: length, kinds }));
          const expected = naive(operations) ? "linearizable" : "violation";
          for (const memoise of [true, false]) {
            const found = searchKey(operations, { initial: null, maxSteps: 1e6, memoise });
            assertEquals(found.verdict, expected);
            if (expected === "linearizable") assert(explains(found.order, operations, null));
          }
          if (expected === "linearizable") linearizable++;
          else violations++;
        }),
        { numRuns: 400 },
      );
      assert(linearizable > 20 && violations > 20, `${linearizable} and ${violations}`);
    });

    it(`explains what atomic registers do: ${kinds.join(", ")}`, () => {
      fc.assert(
        fc.property(fc.nat(), fc.constantFrom(3, 20, Infinity), (seed, values) => {
          const random = new Streams(seed).named("atomic");
          const { events } = atomicHistory(random, {
            clients: 5,
            operations: 60,
            kinds,
            unknown: 0.05,
            values,
          });
          const operations = operationsOf(events);
          const { verdict, order } = searchKey(operations, { initial: null, maxSteps: 1e6 });
          assertEquals(verdict, "linearizable");
          assert(explains(order, operations, null));
        }),
        { numRuns: 60 },
      );
    });
  }

  it("needs fewer steps with memory", () => {
    // Ten concurrent writes of three values, and a read of a fourth.
    const write = (process: number): Operation => ({
      id: process,
      process,
      kind: "write",
      key: "x",
      argument: process % 3,
      result: undefined,
      invoked: process,
      returned: 100 + process,
      invokedAt: 0,
      returnedAt: 1,
    });
    const operations: Operation[] = Array.from({ length: 8 }, (_, process) => write(process));
    operations.push({
      ...write(8),
      kind: "cas",
      argument: [7, 7],
      result: true,
      invoked: 200,
      returned: 201,
    });
    const [memory, none] = [true, false].map((memoise) =>
      searchKey(operations, { initial: null, maxSteps: 1e7, memoise })
    );
    assertEquals([memory!.verdict, none!.verdict], ["violation", "violation"]);
    assert(memory!.steps * 10 < none!.steps, `${memory!.steps} against ${none!.steps}`);
  });

  it("answers unknown when the steps run out", () => {
    const { events } = atomicHistory(new Streams(1).named("budget"), {
      clients: 8,
      operations: 200,
      kinds: registers,
    });
    const operations = operationsOf(events);
    const whole = searchKey(operations, { initial: null, maxSteps: 1e6 });
    assertEquals(whole.verdict, "linearizable");
    const half = searchKey(operations, { initial: null, maxSteps: whole.steps >> 1 });
    assertEquals([half.verdict, half.order], ["unknown", []]);
  });

  it("tells more than 32 operations under way apart", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { events } = atomicHistory(new Streams(seed).named("wide"), {
        clients: 70,
        operations: 400,
        kinds: registers,
        unknown: 0.05,
      });
      const operations = operationsOf(events);
      const { verdict, order } = searchKey(operations, { initial: null, maxSteps: 3e6 });
      assertEquals(verdict, "linearizable", `seed ${seed}`);
      assert(explains(order, operations, null), `seed ${seed}`);
    }
  });
});
