import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Streams } from "../prng.ts";
import { atomicHistory } from "./_harness_histories.ts";
import { checkLinearizable } from "./check.ts";
import { checkCommitOrder, type GroundTruth } from "./commit_order.ts";
import { operationsOf } from "./history.ts";
import { operationKinds } from "./operation.ts";
import { Recorder } from "./recorder.ts";

function recorded(seed: number) {
  const { events, truth } = atomicHistory(new Streams(seed).named("truth"), {
    clients: 5,
    operations: 80,
    keys: 3,
    kinds: operationKinds,
    unknown: 0.05,
  });
  return { operations: operationsOf(events), truth };
}

/** Two writes one after the other, then reads: of the leader, and two stale ones of another process. */
function example() {
  const recorder = new Recorder();
  recorder.invoke("a", "write", "x", 1, 0).ok(1);
  recorder.invoke("a", "write", "x", 2, 2).ok(3);
  recorder.invoke("b", "leaderRead", "x", null, 4).ok(5, 2);
  recorder.invoke("c", "staleRead", "x", null, 6).ok(7, 1);
  recorder.invoke("c", "staleRead", "x", null, 8).ok(9, 2);
  recorder.invoke("d", "write", "y", 3, 10).ok(11);
  const applied = [0, 2, 10].map((operation, sequence) => ({ operation, client: "s", sequence }));
  const truth: GroundTruth = { applied, readAt: new Map([[4, 2], [6, 1], [8, 2]]) };
  return { operations: operationsOf(recorder.events), truth };
}

describe("checkCommitOrder()", () => {
  it("accepts what atomic registers do, and the search agrees", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { operations, truth } = recorded(seed);
        assertEquals(checkCommitOrder(operations, truth), undefined);
        assertEquals(checkLinearizable(operations).verdict, "linearizable");
      }),
      { numRuns: 50 },
    );
  });

  it("accepts the example", () => {
    const { operations, truth } = example();
    assertEquals(checkCommitOrder(operations, truth), undefined);
  });

  const [first, second, third] = example().truth.applied as [
    GroundTruth["applied"][0],
    GroundTruth["applied"][0],
    GroundTruth["applied"][0],
  ];
  const reads = example().truth.readAt;
  const wrong: Readonly<Record<string, readonly [rule: string, truth: GroundTruth]>> = {
    "a read that saw too little": ["result", {
      applied: [first, second, third],
      readAt: new Map([...reads, [4, 1]]),
    }],
    "a log in another order than real time": ["real-time", {
      applied: [third, first, second],
      readAt: new Map([[4, 3], [6, 2], [8, 3]]),
    }],
    "an answered write that is not in the log": ["exactly-once", {
      applied: [first, second],
      readAt: reads,
    }],
    "one command under two sequence numbers": ["exactly-once", {
      applied: [first, second, third, { ...third, sequence: 9 }],
      readAt: reads,
    }],
    "two commands under one sequence number": ["exactly-once", {
      applied: [first, second, { ...third, sequence: 0 }],
      readAt: reads,
    }],
    "a command that nobody invoked": ["phantom", {
      applied: [first, second, third, { operation: 99, client: "s", sequence: 9 }],
      readAt: reads,
    }],
    "a read beyond the log": ["phantom", {
      applied: [first, second, third],
      readAt: new Map([...reads, [4, 4]]),
    }],
    "stale reads that go back": ["result", {
      applied: [first, second, third],
      readAt: new Map([...reads, [8, 1]]),
    }],
    "a stale read ahead of time": ["monotonic-prefix", {
      applied: [first, second, third],
      readAt: new Map([...reads, [8, 3]]),
    }],
  };
  for (const [name, [rule, truth]] of Object.entries(wrong)) {
    it(`${rule}: ${name}`, () => {
      assertEquals(checkCommitOrder(example().operations, truth)?.rule, rule);
    });
  }

  it("monotonic-prefix: stale reads that go back across keys", () => {
    const recorder = new Recorder();
    recorder.invoke("a", "write", "x", 1, 0).ok(1);
    recorder.invoke("a", "write", "y", 1, 2).ok(3);
    recorder.invoke("c", "staleRead", "y", null, 6).ok(7, 1);
    recorder.invoke("c", "staleRead", "x", null, 8).ok(9, null);
    const operations = operationsOf(recorder.events);
    const applied = [0, 2].map((operation) => ({ operation, client: 1, sequence: operation }));
    const violation = checkCommitOrder(operations, { applied, readAt: new Map([[4, 2], [6, 0]]) });
    assertEquals([violation?.rule, violation?.operation?.id], ["monotonic-prefix", 6]);
  });

  it("real-time: a read that does not see what another read saw before", () => {
    const recorder = new Recorder();
    const slow = recorder.invoke("a", "write", "x", 1, 0);
    recorder.invoke("b", "leaderRead", "x", null, 1).ok(2, 1);
    recorder.invoke("c", "followerRead", "x", null, 3).ok(4, null);
    slow.ok(5);
    const operations = operationsOf(recorder.events);
    const applied = [{ operation: 0, client: 1, sequence: 1 }];
    const violation = checkCommitOrder(operations, { applied, readAt: new Map([[1, 1], [3, 0]]) });
    assertEquals([violation?.rule, violation?.operation?.kind], ["real-time", "followerRead"]);
  });

  it("a wrong order is caught whenever the search sees the difference", () => {
    let caught = 0;
    for (let seed = 0; seed < 60; seed++) {
      const { operations, truth } = recorded(seed);
      const at = seed % (truth.applied.length - 1);
      const applied = [...truth.applied];
      [applied[at], applied[at + 1]] = [applied[at + 1]!, applied[at]!];
      // The history is the same and linearizable: only the order claimed for it changes.
      if (checkCommitOrder(operations, { ...truth, applied }) !== undefined) caught++;
    }
    assert(caught > 20, `${caught} of 60`);
  });

  it("keeps a null that was written apart from the initial value", () => {
    const recorder = new Recorder();
    recorder.invoke("a", "write", "x", null, 0).ok(1);
    recorder.invoke("a", "read", "x", null, 2).ok(3, null);
    const truth = {
      applied: [{ operation: 0, client: 1, sequence: 1 }],
      readAt: new Map([[2, 1]]),
    };
    const operations = operationsOf(recorder.events);
    assertEquals(checkCommitOrder(operations, truth, { initial: 5 }), undefined);
  });

  it("refuses a read of unknown position", () => {
    const { operations, truth } = example();
    assertThrows(
      () => checkCommitOrder(operations, { ...truth, readAt: new Map() }),
      RangeError,
      "operation 4",
    );
  });
});
