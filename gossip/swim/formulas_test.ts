import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import {
  confirmationsWanted,
  pushPullIntervalMs,
  remainingSuspicionMs,
  retransmitLimit,
  suspicionTimeoutMs,
} from "./formulas.ts";

const ckit = { suspicionMult: 4, probeIntervalMs: 5000 };

describe("suspicionTimeoutMs()", () => {
  // C-93 and the table of 5.8.
  const table: readonly (readonly [number, number])[] = [
    [0, 20_000],
    [1, 20_000],
    [3, 20_000],
    [10, 20_000],
    [11, 20_820],
    [20, 26_020],
    [50, 33_960],
    [99, 39_900],
    [100, 40_000],
    [999, 59_980],
    [1000, 60_000],
  ];
  for (const [n, expected] of table) {
    it(`is ${expected} ms for ${n} nodes as ckit sets it`, () => {
      assertEquals(suspicionTimeoutMs(n, ckit), expected);
    });
  }
});

describe("confirmationsWanted()", () => {
  it("is 0 where the cluster is too small to confirm, else the multiplier less 2", () => {
    assertEquals([1, 2, 3, 4, 100].map((n) => confirmationsWanted(n, 4)), [0, 0, 0, 2, 2]);
    assertEquals([2, 3, 100].map((n) => confirmationsWanted(n, 3)), [0, 1, 1]);
    assertEquals([0, 1, 5].map((n) => confirmationsWanted(n, 1)), [0, 0, 0]);
  });
});

describe("remainingSuspicionMs()", () => {
  const at = (confirmations: number, elapsedMs = 0) =>
    remainingSuspicionMs({ confirmations, wanted: 2, elapsedMs, minMs: 20_000, maxMs: 120_000 });

  it("falls from the maximum to the minimum with the logarithm of the confirmations (C-77)", () => {
    assertEquals([0, 1, 2].map((c) => at(c)), [120_000, 56_907, 20_000]);
  });

  it("takes off what has passed, also below zero", () => {
    assertEquals(at(1, 10_000), 46_907);
    assertEquals(at(2, 30_000), -10_000);
  });

  it("never undercuts the minimum", () => {
    assertEquals(at(5), 20_000);
  });

  it("matches memberlist's figures for other counts", () => {
    // Three confirmations wanted, 2 s to 30 s.
    const of = (confirmations: number, elapsedMs: number) =>
      remainingSuspicionMs({ confirmations, wanted: 3, elapsedMs, minMs: 2000, maxMs: 30_000 });
    assertEquals([of(0, 0), of(1, 2000), of(2, 3000), of(3, 4000)], [30_000, 14_000, 4810, -2000]);
  });
});

describe("retransmitLimit()", () => {
  it("is the multiplier times the decimal digits of n (C-92)", () => {
    assertEquals(
      [0, 1, 9, 10, 99, 100, 999, 1000].map((n) => retransmitLimit(n, 4)),
      [0, 4, 4, 8, 8, 12, 12, 16],
    );
  });
});

describe("pushPullIntervalMs()", () => {
  it("grows by one interval with each doubling beyond 32 (C-94)", () => {
    assertEquals(
      [1, 32, 33, 64, 65, 128, 129, 256, 257].map((n) => pushPullIntervalMs(n, 30_000) / 1000),
      [30, 30, 60, 60, 90, 90, 120, 120, 150],
    );
  });

  it("never falls as the cluster grows", () => {
    for (let n = 1; n < 5000; n++) {
      assert(pushPullIntervalMs(n + 1, 30_000) >= pushPullIntervalMs(n, 30_000), `at ${n}`);
    }
  });
});
