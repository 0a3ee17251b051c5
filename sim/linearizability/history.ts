import {
  type Argument,
  isRead,
  type Operation,
  type OperationKind,
  type Result,
} from "./operation.ts";

/**
 * One event of a history.
 *
 * `invoke`: a process asks. `ok`: it got its answer. `fail`: it is certain that the operation did not and will not take effect; such
 * operations are left out. `info`: nobody knows, and it may still take effect; the process is never used again (its client goes on
 * under a new process). What never returns is unknown as well.
 */
export interface HistoryEvent {
  /** Who: at most one operation of a process is under way. */
  readonly process: number;
  /** What happened. */
  readonly type: "invoke" | "ok" | "fail" | "info";
  /** The operation. */
  readonly f: OperationKind;
  /** The register. */
  readonly key: string;
  /**
   * Of an invocation the argument, of a read's `ok` the value that it answered. Other returns may repeat the argument, or leave it
   * out.
   */
  readonly value?: Argument;
  /** Of `ok`: whether a `cas` replaced (@default true), the value that an `append` made (@default unknown). */
  readonly result?: Result;
  /** When, in any unit, never falling within a history. For humans: the order of the events is what counts. */
  readonly time: number;
}

/** A history that cannot be one, such as a return without invocation. */
export class HistoryError extends Error {
  /** The name of the class. */
  override readonly name: string = "HistoryError";
  /** Position of the event at fault, from 0. */
  readonly position: number;

  /** A history whose event at `position` is impossible. */
  constructor(position: number, problem: string) {
    super(`Cannot use event ${position + 1} of the history: ${problem}`);
    this.position = position;
  }
}

/**
 * Pairs invocations with returns. Failed operations are left out, operations without outcome stay open forever.
 *
 * @param events In real-time order. Histories of several recorders are put in order with {@link inOrder}.
 * @throws {HistoryError} When a process invokes while it has an operation under way or after an unknown one, a return has no
 * invocation or another operation's name, or time falls.
 */
export function operationsOf(events: readonly HistoryEvent[]): readonly Operation[] {
  const open = new Map<number, { readonly event: HistoryEvent; readonly position: number }>();
  const retired = new Set<number>();
  const operations: Operation[] = [];
  let time = -Infinity;
  for (const [position, event] of events.entries()) {
    const bad = (problem: string) => new HistoryError(position, problem);
    if (!(event.time >= time)) throw bad(`time fell from ${time} to ${event.time}`);
    time = event.time;
    const under = open.get(event.process);
    if (event.type === "invoke") {
      if (retired.has(event.process)) {
        throw bad(`process ${event.process} goes on after an operation of unknown outcome`);
      }
      if (under !== undefined) throw bad(`process ${event.process} has an operation under way`);
      open.set(event.process, { event, position });
      continue;
    }
    if (under === undefined) throw bad(`process ${event.process} has no operation under way`);
    open.delete(event.process);
    const { f, key } = under.event;
    if (f !== event.f || key !== event.key) {
      throw bad(`'${event.f} ${event.key}' returns, but '${f} ${key}' was invoked`);
    }
    if (event.type === "info") {
      retired.add(event.process);
      operations.push(operation(under.event, under.position));
    } else if (event.type === "ok") {
      if (
        !isRead(f) && event.value !== undefined && !sameArgument(event.value, under.event.value)
      ) {
        throw bad(`the value of the return is not that of the invocation`);
      }
      operations.push({
        ...operation(under.event, under.position),
        result: resultOf(event),
        returned: position,
        returnedAt: event.time,
      });
    }
  }
  for (const { event, position } of open.values()) operations.push(operation(event, position));
  return operations.sort((a, b) => a.invoked - b.invoked);
}

function operation(event: HistoryEvent, position: number): Operation {
  const { process, f, key, value = null, time } = event;
  return {
    id: position,
    process,
    kind: f,
    key,
    argument: isRead(f) ? null : value,
    result: undefined,
    invoked: position,
    returned: Infinity,
    invokedAt: time,
    returnedAt: Infinity,
  };
}

function resultOf({ f, value, result }: HistoryEvent): Result {
  if (isRead(f)) return (value ?? null) as Result;
  return f === "cas" ? result ?? true : result;
}

function sameArgument(one: Argument, other: Argument | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other ?? null);
}

/**
 * Puts the events of several recorders with one clock in order: by time, and at one time invocations first, so that what happened
 * at the same time counts as concurrent. The clock must be fine enough to tell a return from the same process's next invocation;
 * {@link operationsOf} refuses the history otherwise.
 */
export function inOrder(events: readonly HistoryEvent[]): readonly HistoryEvent[] {
  const later = (event: HistoryEvent) => event.type === "invoke" ? 0 : 1;
  return events.toSorted((a, b) => a.time - b.time || later(a) - later(b));
}
