import { explain } from "./explain.ts";
import {
  describeOperation,
  isRead,
  type Operation,
  type OperationKind,
  type Value,
} from "./operation.ts";
import { searchKey } from "./search.ts";

/** Options of {@link checkLinearizable}. */
export interface CheckOptions {
  /** What every register holds at the beginning. @default null */
  readonly initial?: Value;
  /**
   * Steps of the search for one key: times that an operation is tried or looked at. When they run out the answer is `unknown`. A step
   * takes about 0.1 µs, and keeps at most some 30 bytes. @default 10,000,000
   */
  readonly maxSteps?: number;
}

/** A key whose answers no order explains. */
export interface Violation {
  /** The register. */
  readonly key: string;
  /**
   * `linearizability`: no order in real time explains the operations other than stale reads. `monotonic-prefix`: some does, but none
   * in which every process's stale reads go forward.
   */
  readonly promise: "linearizability" | "monotonic-prefix";
  /** The operation whose return cannot be explained, while all that returned before can: its kind names the feature. */
  readonly offending: Operation;
  /** Few operations that no order explains, `offending` among them, in order of invocation. */
  readonly operations: readonly Operation[];
  /** Whether they cannot be explained whatever the register held before the first of them. */
  readonly anyInitial: boolean;
}

/** The answer of {@link checkLinearizable}. */
export interface Verdict {
  /** `violation` if any key has one, else `unknown` if the steps ran out for any key. */
  readonly verdict: "linearizable" | "violation" | "unknown";
  /** One a key that is not linearizable. */
  readonly violations: readonly Violation[];
  /** Keys whose steps ran out. */
  readonly exhausted: readonly string[];
  /** Registers checked. */
  readonly keys: number;
  /** Operations a kind, failed ones not counted. */
  readonly operations: ReadonlyMap<OperationKind, number>;
  /** Operations without outcome. */
  readonly unknown: number;
  /** Steps of all searches, those that shrink a violation not counted. */
  readonly steps: number;
}

const DEFAULT_MAX_STEPS = 10_000_000;
const MAX_EXPLAIN_STEPS = 300_000;
const MAX_EXPLAIN_TOTAL_STEPS = 5_000_000;

/**
 * Checks a history against registers. Each key alone: a history is linearizable exactly if it is for every object (Herlihy and Wing 1990,
 * theorem 1), and short histories are much easier than long ones.
 *
 * @param operations What `operationsOf` made of a history.
 *
 * @example A read that goes back
 * ```ts
 * import { checkLinearizable, operationsOf } from "./mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const operations = operationsOf([
 *   { process: 0, type: "invoke", f: "write", key: "x", value: 1, time: 0 },
 *   { process: 0, type: "ok", f: "write", key: "x", time: 10 },
 *   { process: 1, type: "invoke", f: "leaseRead", key: "x", time: 11 },
 *   { process: 1, type: "ok", f: "leaseRead", key: "x", value: null, time: 12 },
 * ]);
 * const { verdict, violations } = checkLinearizable(operations);
 * assertEquals([verdict, violations[0]?.offending.kind], ["violation", "leaseRead"]);
 * ```
 */
export function checkLinearizable(
  operations: readonly Operation[],
  options: CheckOptions = {},
): Verdict {
  const { initial = null, maxSteps = DEFAULT_MAX_STEPS } = options;
  const violations: Violation[] = [];
  const exhausted: string[] = [];
  let steps = 0;
  const byKey = Map.groupBy(operations, ({ key }) => key);
  for (const [key, all] of byKey) {
    const fresh = all.filter(({ kind }) => kind !== "staleRead");
    const promises: [Violation["promise"], readonly Operation[]][] = [["linearizability", fresh]];
    if (fresh.length < all.length) promises.push(["monotonic-prefix", all]);
    for (const [promise, some] of promises) {
      const result = searchKey(some, { initial, maxSteps });
      steps += result.steps;
      if (result.verdict === "unknown") exhausted.push(key);
      if (result.verdict === "violation") {
        const explanation = explain(some, {
          initial,
          maxSteps: Math.min(maxSteps, MAX_EXPLAIN_STEPS),
          maxTotalSteps: MAX_EXPLAIN_TOTAL_STEPS,
        });
        violations.push({ key, promise, ...explanation });
      }
      if (result.verdict !== "linearizable") break;
    }
  }
  const counts = new Map<OperationKind, number>();
  for (const { kind } of operations) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return {
    verdict: violations.length > 0
      ? "violation"
      : exhausted.length > 0
      ? "unknown"
      : "linearizable",
    violations,
    exhausted,
    keys: byKey.size,
    operations: counts,
    unknown: operations.filter(({ returned }) => returned === Infinity).length,
    steps,
  };
}

/** A violation for a human: the feature at fault, the window, and its operations, one a line. */
export function describeViolation(violation: Violation): string {
  const { key, promise, offending, operations, anyInitial } = violation;
  const from = Math.min(...operations.map(({ invokedAt }) => invokedAt));
  const feature = isRead(offending.kind)
    ? offending.kind
    : `${offending.kind}, or a read before it,`;
  const broken = promise === "linearizability"
    ? `${feature} is not linearizable`
    : "stale reads are not a monotonic prefix";
  return [
    `key ${key}: ${broken}: no order explains these ${operations.length} operations from time ${from} to ${offending.returnedAt}${
      anyInitial ? ", whatever the register held before" : " from the beginning"
    }`,
    ...operations.map((operation) =>
      `${operation.id === offending.id ? "  > " : "    "}${describeOperation(operation)}`
    ),
  ].join("\n");
}
