import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Streams } from "../prng.ts";
import { atomicHistory } from "./_harness_histories.ts";
import { HistoryError, type HistoryEvent, inOrder, operationsOf } from "./history.ts";
import { formatHistory, HistoryFormatError, parseHistory } from "./history_lines.ts";
import { operationKinds } from "./operation.ts";
import { Recorder } from "./recorder.ts";

const write = { f: "write", key: "x", value: 1 } as const;

describe("operationsOf()", () => {
  it("pairs invocations with returns, leaves failures out and unknown ones open", () => {
    const operations = operationsOf([
      { ...write, process: 0, type: "invoke", time: 0 },
      { ...write, process: 1, type: "invoke", time: 1 },
      { ...write, process: 2, type: "invoke", time: 2 },
      { ...write, process: 3, type: "invoke", time: 2 },
      { ...write, process: 0, type: "ok", time: 3 },
      { ...write, process: 1, type: "fail", time: 4 },
      { ...write, process: 2, type: "info", time: 5 },
    ]);
    assertEquals(operations.map(({ id, returned, returnedAt }) => [id, returned, returnedAt]), [
      [0, 4, 3],
      [2, Infinity, Infinity],
      [3, Infinity, Infinity],
    ]);
  });

  const invoke = { ...write, process: 0, type: "invoke", time: 5 } as const;
  const impossible: Readonly<Record<string, readonly HistoryEvent[]>> = {
    "has an operation under way": [invoke, invoke],
    "has no operation under way": [{ ...invoke, type: "ok" }],
    "unknown outcome": [invoke, { ...invoke, type: "info" }, invoke],
    "time fell": [invoke, { ...invoke, type: "ok", time: 4 }],
    "was invoked": [invoke, { ...invoke, type: "ok", key: "y" }],
    "not that of the invocation": [invoke, { ...invoke, type: "ok", value: 2 }],
  };
  for (const [problem, events] of Object.entries(impossible)) {
    it(`refuses a history: ${problem}`, () => {
      const error = assertThrows(() => operationsOf(events), HistoryError, problem);
      assertEquals((error as HistoryError).position, events.length - 1);
    });
  }
});

describe("inOrder()", () => {
  it("puts invocations first at one time", () => {
    const one: HistoryEvent[] = [
      { ...write, process: 0, type: "invoke", time: 1 },
      { ...write, process: 0, type: "ok", time: 2 },
    ];
    const other: HistoryEvent[] = [
      { ...write, process: 1, type: "invoke", time: 2 },
      { ...write, process: 1, type: "ok", time: 3 },
    ];
    assertEquals(inOrder([...one, ...other]).map(({ process }) => process), [0, 1, 0, 1]);
  });
});

describe("Recorder", () => {
  it("continues a client of unknown outcome as a new process", () => {
    const recorder = new Recorder();
    recorder.invoke("a", "write", "x", 1, 0).unknown(1);
    recorder.invoke("b", "read", "x", null, 1).ok(2, 1);
    recorder.invoke("a", "cas", "x", [1, 2], 3).ok(4, false);
    recorder.invoke("a", "append", "x", "z", 5).fail(6);
    assertEquals(recorder.events.map(({ process }) => process), [0, 0, 1, 1, 2, 2, 2, 2]);
    assertEquals(operationsOf(recorder.events).map(({ result }) => result), [undefined, 1, false]);
  });
});

describe("parseHistory()", () => {
  it("reads what formatHistory() writes", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { events } = atomicHistory(new Streams(seed).named("lines"), {
          clients: 4,
          operations: 30,
          kinds: operationKinds,
          unknown: 0.1,
        });
        const again = parseHistory(formatHistory(events));
        assertEquals(operationsOf(again), operationsOf(events));
        assertStrictEquals(formatHistory(again), formatHistory(events));
      }),
      { numRuns: 30 },
    );
  });

  const line = { process: 0, type: "invoke", f: "write", key: "x", value: 1, time: 0 };
  const wrong: readonly (readonly [problem: string, text: string])[] = [
    ["it is not JSON", "{"],
    ["it is not an object", "[]"],
    ["it is not an object", "null"],
    ['unknown field "node"', JSON.stringify({ ...line, node: 1 })],
    ["'process' must be", JSON.stringify({ ...line, process: -1 })],
    ["'process' must be", JSON.stringify({ ...line, process: "a" })],
    ["'type' must be", JSON.stringify({ ...line, type: "done" })],
    ["'f' must be", JSON.stringify({ ...line, f: "delete" })],
    ["'key' must be", JSON.stringify({ ...line, key: 1 })],
    ["'time' must be", JSON.stringify({ ...line, time: null })],
    ["'value' must be there", JSON.stringify({ ...line, value: undefined })],
    ["'value' must be there", JSON.stringify({ ...line, f: "read", type: "ok", value: undefined })],
    ["'value' must be a text", JSON.stringify({ ...line, value: [1, 2] })],
    ["'value' must be a text", JSON.stringify({ ...line, value: true })],
    ["'value' must be a pair", JSON.stringify({ ...line, f: "cas" })],
    ["'value' must be a pair", JSON.stringify({ ...line, f: "cas", value: [1, 2, 3] })],
    ["'result' must be", JSON.stringify({ ...line, result: true })],
    [
      "'result' must be",
      JSON.stringify({ ...line, type: "ok", f: "cas", value: [1, 2], result: 1 }),
    ],
    ["'result' must be", JSON.stringify({ ...line, type: "ok", f: "append", result: true })],
  ];
  for (const [problem, text] of wrong) {
    it(`refuses a line with its number: ${problem}: ${text}`, () => {
      const whole = `${JSON.stringify(line)}\n\n${text}\n`;
      const error = assertThrows(() => parseHistory(whole), HistoryFormatError, problem);
      assertEquals((error as HistoryFormatError).line, 3);
    });
  }
});
