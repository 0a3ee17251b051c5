/**
 * Checks a history of JSON lines: `deno task linearizable FILE [--initial JSON] [--max-steps N]`. FILE may be `-`: standard input.
 * `parseHistory` in `sim/linearizability/history_lines.ts` says what a line looks like.
 *
 * Exit status: 0 linearizable, 1 not linearizable, 2 usage or a history that cannot be read, 3 unknown, as the steps ran out.
 */
import { parseArgs } from "node:util";
import {
  checkLinearizable,
  describeViolation,
  HistoryError,
  HistoryFormatError,
  operationsOf,
  parseHistory,
} from "../sim/linearizability/mod.ts";
import type { HistoryEvent, Operation, Value } from "../sim/linearizability/mod.ts";
import { help } from "./usage.ts";

function refuse(problem: string): never {
  console.error(problem);
  Deno.exit(2);
}

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        initial: { type: "string", default: "null" },
        "max-steps": { type: "string", default: "10000000" },
      },
    });
  } catch (error) {
    refuse((error as Error).message);
  }
}

help(import.meta.url);
const { values, positionals } = options();
if (positionals.length !== 1) {
  refuse("Usage: deno task linearizable FILE [--initial JSON] [--max-steps N]");
}
const file = positionals[0]!;
const maxSteps = Number(values["max-steps"]);
if (!Number.isSafeInteger(maxSteps) || maxSteps < 1) {
  refuse(
    `Cannot check as '--max-steps' must be a positive integer: current value is ${
      values["max-steps"]
    }`,
  );
}
let initial: Value;
try {
  initial = JSON.parse(values.initial);
  if (typeof initial === "object" && initial !== null || typeof initial === "boolean") throw 0;
} catch {
  refuse(
    `Cannot check as '--initial' must be a JSON text, number or null: current value is ${values.initial}`,
  );
}

let events: readonly HistoryEvent[];
let operations: readonly Operation[];
try {
  const text = file === "-"
    ? await new Response(Deno.stdin.readable).text()
    : await Deno.readTextFile(file);
  events = parseHistory(text);
  operations = operationsOf(events);
} catch (error) {
  if (
    error instanceof HistoryFormatError || error instanceof HistoryError ||
    error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory
  ) refuse(`${file}: ${error.message}`);
  throw error;
}

const began = performance.now();
const verdict = checkLinearizable(operations, { initial, maxSteps });
const kinds = [...verdict.operations].sort().map(([kind, count]) => `${count} ${kind}`);
const failed = events.filter(({ type }) => type === "fail").length;
console.log(
  `${events.length} events, ${operations.length} operations (${
    kinds.join(", ") || "none"
  }), ${verdict.unknown} unknown, ${failed} failed and left out, ${verdict.keys} keys, ` +
    `${verdict.steps} steps, ${Math.round(performance.now() - began)} ms`,
);
for (const violation of verdict.violations) console.log(describeViolation(violation));
if (verdict.exhausted.length > 0) {
  console.log(`unknown after ${maxSteps} steps: key ${verdict.exhausted.join(", ")}`);
}
console.log(
  {
    linearizable: "linearizable",
    violation: "NOT LINEARIZABLE",
    unknown: "UNKNOWN",
  }[verdict.verdict],
);
Deno.exit({ linearizable: 0, violation: 1, unknown: 3 }[verdict.verdict]);
