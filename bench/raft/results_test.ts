import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { whyVoid } from "./gate.ts";
import type { AppliedReply } from "./line_protocol.ts";
import { type Cell, median, meets, render, showCell } from "./results.ts";
import type { Row, Target } from "./rows.ts";

const cell = (...values: number[]): Cell => ({
  measured: values.map((value) => ({ value, version: "1" })),
  voids: [],
});

describe("whyVoid()", () => {
  const state = (more: Partial<AppliedReply> = {}): AppliedReply => ({
    applied: 10,
    hash: "0a",
    acknowledged: 0,
    failed: 0,
    unknown: 0,
    ...more,
  });
  const leader = state({ acknowledged: 10 });
  const cases: readonly (readonly [string, readonly AppliedReply[], number, string | undefined])[] =
    [
      ["equal", [leader, state(), state()], 0, undefined],
      ["another hash", [leader, state(), state({ hash: "0b" })], 0, "differ"],
      ["another count", [leader, state({ applied: 9 })], 0, "differ"],
      [
        "an acknowledged command is lost",
        [state({ acknowledged: 11 }), state()],
        0,
        "11 acknowledged",
      ],
      ["applied twice", [state({ acknowledged: 9 }), state()], 0, "9 acknowledged"],
      ["unknown ones may count", [state({ acknowledged: 8, unknown: 3 }), state()], 0, undefined],
      ["but not more", [state({ acknowledged: 8, unknown: 1 }), state()], 0, "8 acknowledged"],
      ["by a process that is gone", [state({ acknowledged: 1 }), state()], 9, undefined],
    ];
  for (const [name, states, earlier, expected] of cases) {
    it(name, () => {
      const why = whyVoid(states, earlier);
      if (expected === undefined) assertEquals(why, undefined);
      else assertStringIncludes(why!, expected);
    });
  }
});

describe("meets()", () => {
  const both: Target = { value: 100, ratio: 2 };
  const cases: readonly (readonly [
    Target,
    Row["unit"],
    number | undefined,
    number | undefined,
    boolean | undefined,
  ])[] = [
    [both, "ops/s", 100, 1_000, true],
    [both, "ops/s", 90, 45, true],
    [both, "ops/s", 90, 46, false],
    [both, "ops/s", 90, undefined, undefined],
    [both, "ops/s", undefined, 1, undefined],
    [{ ratio: 1.2 }, "ms", 120, 100, true],
    [{ ratio: 1.2 }, "ms", 121, 100, false],
    [{ value: 100 }, "ms", 100, 1, true],
    [{ value: 100 }, "ms", 101, undefined, false],
  ];
  for (const [target, unit, ours, theirs, expected] of cases) {
    it(`${JSON.stringify(target)} ${unit}: ${ours} against ${theirs}`, () => {
      assertEquals(meets(target, unit, ours, theirs), expected);
    });
  }
});

describe("median()", () => {
  it("is the middle value, or the mean of the two", () => {
    assertEquals([median([10, 2, 9]), median([1, 2, 10, 4])], [9, 3]);
  });
});

describe("render()", () => {
  const row: Row = {
    name: "fsync, 1 callers",
    section: "writes",
    unit: "ops/s",
    target: { value: 3_000, ratio: 3 },
    times: () => 1,
    measure: () => Promise.reject(new Error("not measured here")),
  };
  const run = (cells: ReadonlyMap<string, Cell>, contenders: readonly string[]) =>
    render({
      results: [{ row, cells }],
      contenders,
      machine: "a machine",
      fsyncsPerSecond: 5_000,
      loads: "0.1 and 0.2",
      date: "2026-01-02",
      command: "deno task bench:raft",
      scale: "3 rounds.",
    });

  it("shows medians, ranges, ratios and verdicts", () => {
    const text = run(new Map([["go", cell(900, 1_000, 1_100)], ["deno", cell(3_100)]]), [
      "go",
      "deno",
    ]);
    assertStringIncludes(
      text,
      "| fsync, 1 callers | 1,000 [900–1,100] | 3,100 | 3.10× | ≥ 3,000 ops/s or ≥ 3×: met |",
    );
    assertStringIncludes(text, "1 targets met, 0 missed: deno against go.");
  });

  it("leaves targets open without ours", () => {
    const text = run(new Map([["go", cell(900)]]), ["go"]);
    assertStringIncludes(text, "| fsync, 1 callers | 900 | ≥ 3,000 ops/s or ≥ 3× |");
    assertStringIncludes(text, "Only go was measured; 1 targets wait for ours.");
  });

  it("shows what was void and why, and never as a number", () => {
    const voided = { measured: [], voids: ["the nodes differ"] };
    const text = run(new Map([["go", cell(900)], ["deno", voided]]), ["go", "deno"]);
    assertStringIncludes(text, "| fsync, 1 callers | 900 | **void** | – |");
    assertStringIncludes(text, "- fsync, 1 callers, deno: the nodes differ");
    const some = showCell({ ...cell(5), voids: ["once"] }, "ms");
    assertEquals(some, "5.0 **1 void**");
  });
});
