import type { HistoryEvent } from "./history.ts";
import {
  type Argument,
  isRead,
  type OperationKind,
  operationKinds,
  type Result,
  type Value,
} from "./operation.ts";

/** A line that is not an event of a history. */
export class HistoryFormatError extends Error {
  /** The name of the class. */
  override readonly name: string = "HistoryFormatError";
  /** Number of the line, from 1. */
  readonly line: number;

  /** Line `line` cannot be read because of `problem`. */
  constructor(line: number, problem: string) {
    super(`Cannot read line ${line} of the history: ${problem}`);
    this.line = line;
  }
}

const types = ["invoke", "ok", "fail", "info"];
const fields = ["process", "type", "f", "key", "value", "result", "time"];

/**
 * Reads a history of JSON lines, one event each, in real-time order:
 * `{"process":0,"type":"invoke","f":"write","key":"x","value":1,"time":12}`.
 *
 * - `process`: a non-negative integer. `type`: `invoke`, `ok`, `fail` or `info`. `time`: a finite number.
 * - `f`: `read`, `leaderRead`, `followerRead`, `leaseRead`, `staleRead`, `write`, `cas` or `append`.
 * - `key`: a text. `value`: a text, a number or `null`; of `cas` a pair, expected and replacement. It must be there when `write`, `cas`
 *   and `append` are invoked and when a read is `ok`.
 * - `result`, of `ok` only: `true` or `false` for `cas`; the value made for `append`.
 *
 * Empty lines are passed over. Other fields are refused, so that a misspelt one is not overlooked.
 *
 * @throws {HistoryFormatError} At the first line that is anything else.
 */
export function parseHistory(text: string): readonly HistoryEvent[] {
  return text.split("\n").flatMap((line, index) =>
    line.trim() === "" ? [] : [parseEvent(line, index + 1)]
  );
}

/** Writes events as JSON lines that {@link parseHistory} reads, each with its line end. */
export function formatHistory(events: readonly HistoryEvent[]): string {
  return events.map(({ process, type, f, key, value, result, time }) =>
    `${JSON.stringify({ process, type, f, key, value, result, time })}\n`
  ).join("");
}

function parseEvent(text: string, line: number): HistoryEvent {
  const bad = (problem: string) => new HistoryFormatError(line, problem);
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(text);
  } catch {
    throw bad("it is not JSON");
  }
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw bad("it is not an object");
  }
  for (const name of Object.keys(event)) {
    if (!fields.includes(name)) throw bad(`unknown field ${JSON.stringify(name)}`);
  }
  const { process, type, f, key, value, result, time } = event;
  const expected = (name: string, what: string) =>
    bad(`'${name}' must be ${what}: current value is ${JSON.stringify(event[name])}`);
  if (!Number.isSafeInteger(process) || process as number < 0) {
    throw expected("process", "a non-negative integer");
  }
  if (!types.includes(type as string)) throw expected("type", `one of ${types.join(", ")}`);
  if (!operationKinds.includes(f as OperationKind)) {
    throw expected("f", `one of ${operationKinds.join(", ")}`);
  }
  if (typeof key !== "string") throw expected("key", "a text");
  if (!Number.isFinite(time)) throw expected("time", "a finite number");
  const reads = isRead(f as OperationKind);
  if (value === undefined) {
    if (type === (reads ? "ok" : "invoke")) throw expected("value", "there");
  } else if (f === "cas") {
    if (!Array.isArray(value) || value.length !== 2 || !value.every(isValue)) {
      throw expected("value", "a pair of texts, numbers or null");
    }
  } else if (!isValue(value)) throw expected("value", "a text, a number or null");
  if (result !== undefined) {
    const fits = type === "ok" && (f === "cas" ? typeof result === "boolean" : f === "append");
    if (!fits || (f === "append" && !isValue(result))) {
      throw expected("result", "left out, except for an ok cas (true, false) and append (a value)");
    }
  }
  return {
    process: process as number,
    type: type as HistoryEvent["type"],
    f: f as OperationKind,
    key,
    ...(value === undefined ? {} : { value: value as Argument }),
    ...(result === undefined ? {} : { result: result as Result }),
    time: time as number,
  };
}

function isValue(value: unknown): value is Value {
  return value === null || typeof value === "string" || typeof value === "number";
}
