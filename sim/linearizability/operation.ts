/** What a register holds and operations carry; `null`: nothing. Compared with `Object.is`-like identity, so `1` is not `"1"`. */
export type Value = string | number | null;

/**
 * Ways to read. They have one meaning for the checker, except for `staleRead`, and are told apart so that a violation names the
 * feature: `leaderRead` and `followerRead` go through ReadIndex, `leaseRead` relies on the leader's lease, `read` is any.
 *
 * A `staleRead` is not linearizable. What it promises is a monotonic prefix: it shows the register as it was at some moment not
 * after its return and not before the moment that the same process's previous stale read of that key showed.
 */
export type ReadKind = "read" | "leaderRead" | "followerRead" | "leaseRead" | "staleRead";

/**
 * What a client can do to a register. `cas` replaces a value by another if it is the expected one. `append` concatenates text to the
 * value as text, `null` being empty.
 */
export type OperationKind = ReadKind | "write" | "cas" | "append";

/** All kinds. */
export const operationKinds: readonly OperationKind[] = Object.freeze([
  "read",
  "leaderRead",
  "followerRead",
  "leaseRead",
  "staleRead",
  "write",
  "cas",
  "append",
]);

/** Whether a kind changes nothing. */
export function isRead(kind: OperationKind): kind is ReadKind {
  return kind.endsWith("ead");
}

/** What an operation is given: nothing (reads, `null`), a value (`write`, `append`), or the expected value and its replacement. */
export type Argument = Value | readonly [expected: Value, replacement: Value];

/**
 * What an operation answered. Of a read the value; of a `cas` whether it replaced; of an `append` the value that it made, or
 * `undefined` if it did not say; of a `write` `undefined`.
 */
export type Result = Value | boolean | undefined;

/** One operation of a history, from its invocation to its return. */
export interface Operation {
  /** Position of the invocation in the history: unique. */
  readonly id: number;
  /** Who invoked it. A process has at most one operation at a time. */
  readonly process: number;
  /** What it does. */
  readonly kind: OperationKind;
  /** The register. */
  readonly key: string;
  /** What it was given. */
  readonly argument: Argument;
  /** What it answered; of no meaning while `returned` is infinite. */
  readonly result: Result;
  /** Position of the invocation in the history. */
  readonly invoked: number;
  /**
   * Position of the return; `Infinity` when the outcome is unknown: it may take effect at any time after the invocation, or never.
   * An operation precedes another exactly if its return has a lower position than the other's invocation.
   */
  readonly returned: number;
  /** Time of the invocation, in the history's unit: shown, never compared. */
  readonly invokedAt: number;
  /** Time of the return, in the history's unit; `Infinity` when unknown. */
  readonly returnedAt: number;
}

/**
 * The sequential specification of one register: what `operation` leaves behind when it finds `state`, or `undefined` if what it
 * answered is impossible then. What did not answer constrains nothing.
 */
export function step(state: Value, operation: Operation): { readonly next: Value } | undefined {
  const { kind, argument, result, returned } = operation;
  const answered = returned !== Infinity;
  switch (kind) {
    case "write":
      return { next: argument as Value };
    case "cas": {
      const [expected, replacement] = argument as readonly [Value, Value];
      const replaces = state === expected;
      if (answered && replaces !== (result !== false)) return undefined;
      return { next: replaces ? replacement : state };
    }
    case "append": {
      const next = appended(state, argument as Value);
      return answered && result !== undefined && result !== next ? undefined : { next };
    }
    default:
      return answered && result !== state ? undefined : { next: state };
  }
}

/** The value that `append` makes. */
export function appended(state: Value, text: Value): string {
  return `${state ?? ""}${text ?? ""}`;
}

/** One line for a human: `process 3: leaseRead x → 1 [12, 15]`. */
export function describeOperation(operation: Operation): string {
  const { process, kind, key, argument, result, returned, invokedAt, returnedAt } = operation;
  const given = isRead(kind)
    ? ""
    : Array.isArray(argument)
    ? ` ${JSON.stringify(argument[0])} by ${JSON.stringify(argument[1])}`
    : ` ${JSON.stringify(argument)}`;
  const answer = returned === Infinity
    ? " → unknown"
    : result === undefined
    ? ""
    : ` → ${JSON.stringify(result)}`;
  return `process ${process}: ${kind} ${key}${given}${answer} [${invokedAt}, ${
    returned === Infinity ? "…" : returnedAt
  }]`;
}
