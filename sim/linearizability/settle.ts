import { isRead, type Operation, type Value } from "./operation.ts";
import type { Initial } from "./problem.ts";

/**
 * Decides operations of unknown outcome where the answers of others do, without changing whether the key is linearizable. Each one
 * left doubles what the search may have to look at.
 *
 * - A read without answer says nothing: left out. So is a change that changes nothing.
 * - A value that nobody saw: the change that would have made it may as well never have happened. In any order that includes it, what
 *   follows it before the next change to see the state is a blind write, so it can be taken out; and without outcome it need not
 *   occur. This holds while nothing appends and no `cas` was refused, which sees any state.
 * - A value that somebody saw and only one operation can have made: that operation took effect, before the first return of who
 *   saw it.
 * - Where something appends the same holds for a text that occurs in no value that was seen.
 */
export function settle(given: readonly Operation[], initial: Initial): readonly Operation[] {
  let operations = given.filter(({ kind, argument, returned }) =>
    returned !== Infinity || !(isRead(kind) || changesNothing(kind, argument))
  );
  if (operations.every(({ returned }) => returned !== Infinity)) return operations;
  if (operations.some(({ kind }) => kind === "append")) return withoutUnseenText(operations);
  for (let before = -1; before !== operations.length;) {
    before = operations.length;
    operations = withoutUnseenValues(operations);
  }
  return withDeadlines(operations, initial);
}

function changesNothing(kind: Operation["kind"], argument: Operation["argument"]): boolean {
  if (kind === "cas") {
    return (argument as readonly Value[])[0] === (argument as readonly Value[])[1];
  }
  return kind === "append" && (argument === "" || argument === null);
}

/** The value that an operation makes, if it takes effect and is not an append; `undefined`: none. */
export function makes({ kind, argument, result, returned }: Operation): Value | undefined {
  if (kind === "write") return argument as Value;
  if (kind !== "cas" || (result === false && returned !== Infinity)) return undefined;
  return (argument as readonly [Value, Value])[1];
}

/** The value that an operation finds, if it takes effect; `undefined`: any. */
export function finds({ kind, argument, result, returned }: Operation): Value | undefined {
  if (isRead(kind)) return result as Value;
  if (kind !== "cas" || (result === false && returned !== Infinity)) return undefined;
  return (argument as readonly [Value, Value])[0];
}

/** Whether an operation is a `cas` that found another value than it expected. */
export function refused({ kind, result, returned }: Operation): boolean {
  return kind === "cas" && result === false && returned !== Infinity;
}

function withoutUnseenValues(operations: readonly Operation[]): Operation[] {
  if (operations.some(refused)) return [...operations];
  const seen = new Set(operations.map(finds));
  return operations.filter((operation) =>
    operation.returned !== Infinity || seen.has(makes(operation))
  );
}

function withDeadlines(operations: readonly Operation[], initial: Initial): readonly Operation[] {
  const makers = new Map<Value, number>();
  const firstSeen = new Map<Value, number>();
  for (const operation of operations) {
    const [made, found] = [makes(operation), finds(operation)];
    if (made !== undefined) makers.set(made, (makers.get(made) ?? 0) + 1);
    if (found !== undefined && operation.returned !== Infinity) {
      firstSeen.set(found, Math.min(firstSeen.get(found) ?? Infinity, operation.returned));
    }
  }
  return operations.map((operation) => {
    const made = makes(operation);
    if (operation.returned !== Infinity || made === undefined) return operation;
    const seen = firstSeen.get(made);
    if (seen === undefined || makers.get(made) !== 1 || made === initial) return operation;
    const returned = seen - 0.5;
    // Seen before it was invoked: nothing can explain that, and the search has to find it out.
    return returned < operation.invoked ? operation : { ...operation, result: true, returned };
  });
}

// A text that nobody saw within a value belongs to a stretch, up to the next blind write, that nobody saw.
function withoutUnseenText(operations: readonly Operation[]): readonly Operation[] {
  if (operations.some(refused)) return operations;
  const seen = new Set<string>();
  for (const operation of operations) {
    const { kind, result, returned } = operation;
    const found = kind === "append" && returned !== Infinity ? result : finds(operation);
    if (found !== undefined) seen.add(`${found ?? ""}`);
  }
  const texts = [...seen];
  return operations.filter((operation) => {
    if (operation.returned !== Infinity) return true;
    const made = operation.kind === "append" ? operation.argument : makes(operation);
    return texts.some((text) => text.includes(`${made ?? ""}`));
  });
}
