import { isRead, type Operation, type Value } from "./operation.ts";
import { type Initial, unseen } from "./problem.ts";
import { searchKey } from "./search.ts";
import { finds, makes, refused } from "./settle.ts";

/** Options of {@link explain}. */
export interface ExplainOptions {
  /** What the register holds at the beginning. */
  readonly initial: Value;
  /** Steps of one search. */
  readonly maxSteps: number;
  /** Steps of all searches, and one more for each operation that a search is given. */
  readonly maxTotalSteps: number;
}

/** Why a key is not linearizable. */
export interface Explanation {
  /** The operation whose return no order explains, while all that returned before can be explained. */
  readonly offending: Operation;
  /**
   * Few operations, `offending` among them, that no order explains. Whose return comes after that of `offending`, or which was under way
   * when the window begins, has no outcome here: it does not matter what it answered.
   */
  readonly operations: readonly Operation[];
  /** Whether they cannot be explained whatever the register held before. Otherwise it held the history's initial value. */
  readonly anyInitial: boolean;
}

/** Most values that are tried as what the register held before a window. */
const MAX_INITIALS = 128;

/**
 * Shrinks the operations of one key that are not linearizable. Every step keeps the truth: what it leaves cannot be explained, and for
 * that reason the whole cannot.
 *
 * 1. The shortest prefix, by returns, that cannot be explained.
 * 2. The shortest end of that prefix that cannot be explained from any value of the register.
 * 3. Reads are left out, and changes whose value nobody in the rest sees, as long as the rest cannot be explained.
 *
 * When the steps run out, the rest stays as large as it is.
 */
export function explain(operations: readonly Operation[], options: ExplainOptions): Explanation {
  let left = options.maxTotalSteps;
  const fails = (some: readonly Operation[], initials: readonly Initial[]): boolean =>
    initials.every((initial) => {
      if (left <= 0) return false;
      const maxSteps = Math.min(options.maxSteps, left);
      const { verdict, steps } = searchKey(some, { initial, maxSteps });
      left -= steps + some.length;
      return verdict === "violation";
    });
  const returns = operations.filter(({ returned }) => returned !== Infinity)
    .sort((a, b) => a.returned - b.returned);
  let [low, high] = [0, returns.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fails(until(operations, returns[middle]!.returned), [options.initial])) high = middle;
    else low = middle + 1;
  }
  const offending = returns[high]!;
  let kept = until(operations, offending.returned);
  let initials: readonly Initial[] | undefined = [options.initial];
  let anyInitial = false;
  for (let length = 2; length <= high && !kept.some(isStale); length *= 2) {
    const window = since(kept, returns[high - length]!.returned);
    const possible = initialsOf(window);
    if (possible === undefined || !fails(window, possible)) continue;
    [kept, initials, anyInitial] = [window, possible, true];
    break;
  }
  kept = withoutNeedless(kept, offending, (rest) => {
    const possible = anyInitial ? initialsOf(rest) : initials;
    return possible !== undefined && fails(rest, possible);
  });
  return { offending, operations: kept, anyInitial };
}

function isStale({ kind }: Operation): boolean {
  return kind === "staleRead";
}

/** What is known at a return: later ones have not happened. */
function until(operations: readonly Operation[], position: number): readonly Operation[] {
  return operations.filter(({ invoked }) => invoked < position).flatMap((operation) =>
    operation.returned <= position ? [operation] : open(operation)
  );
}

/** What returned after a position. What was under way then may have taken effect before. */
function since(operations: readonly Operation[], position: number): readonly Operation[] {
  return operations.filter(({ returned }) => returned > position).flatMap((operation) =>
    operation.invoked > position ? [operation] : open(operation)
  );
}

function open(operation: Operation): readonly Operation[] {
  return isRead(operation.kind)
    ? []
    : [{ ...operation, result: undefined, returned: Infinity, returnedAt: Infinity }];
}

/**
 * What a register may hold before some operations, as far as they can tell: what any of them finds, that without the end that another
 * appends, and so on, or something else. `undefined`: too many.
 */
function initialsOf(operations: readonly Operation[]): readonly Initial[] | undefined {
  const initials = new Set<Initial>([unseen]);
  const texts: string[] = [];
  for (const operation of operations) {
    const found = finds(operation);
    if (found !== undefined) initials.add(found);
    if (operation.kind !== "append") continue;
    texts.push(`${operation.argument ?? ""}`);
    if (typeof operation.result === "string" && operation.returned !== Infinity) {
      initials.add(operation.result);
    }
  }
  for (const initial of initials) {
    if (initials.size > MAX_INITIALS) return undefined;
    if (typeof initial !== "string") continue;
    for (const text of texts) {
      if (!initial.endsWith(text)) continue;
      const rest = initial.slice(0, initial.length - text.length);
      initials.add(rest);
      if (rest === "") initials.add(null);
      else if (`${Number(rest)}` === rest) initials.add(Number(rest));
    }
  }
  return [...initials];
}

function withoutNeedless(
  operations: readonly Operation[],
  offending: Operation,
  fails: (rest: readonly Operation[]) => boolean,
): readonly Operation[] {
  let kept = operations;
  const attempt = (rest: readonly Operation[]): boolean => {
    if (rest.length === kept.length || !fails(rest)) return false;
    kept = rest;
    return true;
  };
  const needless = (operation: Operation) => operation.id !== offending.id;
  for (let before = -1; before !== kept.length;) {
    before = kept.length;
    attempt(kept.filter(({ kind, id }) => !isRead(kind) || id === offending.id));
    const reads = kept.filter((operation) => isRead(operation.kind) && needless(operation));
    for (let size = reads.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at < reads.length; at += size) {
        const gone = new Set(reads.slice(at, at + size));
        attempt(kept.filter((operation) => !gone.has(operation)));
      }
    }
    const blind = new Set(unseenChanges(kept).filter(needless));
    if (attempt(kept.filter((operation) => !blind.has(operation)))) continue;
    for (const change of blind) {
      if (unseenChanges(kept).includes(change)) {
        attempt(kept.filter((operation) => operation !== change));
      }
    }
  }
  return kept;
}

/** Changes that nobody can tell to be missing: see `settle()` for why. */
function unseenChanges(operations: readonly Operation[]): readonly Operation[] {
  const sees = operations.some((operation) => refused(operation) || operation.kind === "append");
  if (sees) {
    return operations.filter(({ kind, returned }) => !isRead(kind) && returned === Infinity);
  }
  const found = new Set(operations.map(finds));
  return operations.filter((operation) => !isRead(operation.kind) && !found.has(makes(operation)));
}
