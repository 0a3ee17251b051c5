import { describeOperation, isRead, type Operation, step, type Value } from "./operation.ts";

/** A command that took effect on a state machine. */
export interface AppliedCommand {
  /** Id of the operation that it carries out. */
  readonly operation: number;
  /** The session and its sequence number, by which the state machine knows a command that comes twice. */
  readonly client: string | number;
  /** Number of the command within its session. */
  readonly sequence: number;
}

/** What a simulation knows and a real client does not. */
export interface GroundTruth {
  /** The commands that took effect, in the order of the log. */
  readonly applied: readonly AppliedCommand[];
  /** By the id of a read: how many of the applied commands its state machine had applied when it read. */
  readonly readAt: ReadonlyMap<number, number>;
}

/** How an operation contradicts the order of the log. */
export interface OrderViolation {
  /**
   * - `real-time`: an operation that began after another's return comes before it in the log.
   * - `result`: replaying the log gives another answer.
   * - `exactly-once`: a command took effect twice, or one that was answered never did.
   * - `phantom`: a command took effect that nobody invoked, or that is known to have failed.
   * - `monotonic-prefix`: a process's stale reads went back, or ahead of time.
   */
  readonly rule: "real-time" | "result" | "exactly-once" | "phantom" | "monotonic-prefix";
  /** The operation at fault, if there is one. */
  readonly operation?: Operation;
  /** What was expected. */
  readonly detail: string;
}

/**
 * Checks a history against the order in which its commands took effect, in one pass. Where the order is known this replaces the search:
 * a history that passes is linearizable, and the order is the proof.
 *
 * @param operations All operations that did not fail, of all keys.
 * @returns The first contradiction, or `undefined`.
 * @throws {RangeError} When an answered read is missing in `readAt`.
 */
export function checkCommitOrder(
  operations: readonly Operation[],
  truth: GroundTruth,
  options: { readonly initial?: Value } = {},
): OrderViolation | undefined {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const positions = new Map<number, number>();
  return placeCommands(operations, truth, byId, positions) ??
    replay(
      truth.applied,
      byId,
      readsByPosition(operations, truth.readAt),
      options.initial ?? null,
    ) ??
    checkRealTime(
      operations,
      (operation) =>
        isRead(operation.kind) ? truth.readAt.get(operation.id) : positions.get(operation.id),
    );
}

/** Numbers the commands from 1 in the order of the log. */
function placeCommands(
  operations: readonly Operation[],
  { applied }: GroundTruth,
  byId: ReadonlyMap<number, Operation>,
  positions: Map<number, number>,
): OrderViolation | undefined {
  const seen = new Set<string>();
  for (const [index, { operation: id, client, sequence }] of applied.entries()) {
    const operation = byId.get(id);
    const name = `command ${sequence} of client ${client}`;
    if (operation === undefined || isRead(operation.kind)) {
      return { rule: "phantom", detail: `${name} took effect, but operation ${id} did not` };
    }
    const session = JSON.stringify([client, sequence]);
    if (seen.has(session) || positions.has(id)) {
      return { rule: "exactly-once", operation, detail: `${name} took effect twice` };
    }
    seen.add(session);
    positions.set(id, index + 1);
  }
  for (const operation of operations) {
    if (isRead(operation.kind) || operation.returned === Infinity) continue;
    if (!positions.has(operation.id)) {
      return { rule: "exactly-once", operation, detail: "it was answered, but never took effect" };
    }
  }
  return undefined;
}

function readsByPosition(
  operations: readonly Operation[],
  readAt: ReadonlyMap<number, number>,
): ReadonlyMap<number, readonly Operation[]> {
  return Map.groupBy(
    operations.filter(({ kind, returned }) => isRead(kind) && returned !== Infinity),
    ({ id }) => {
      const position = readAt.get(id);
      if (position === undefined) {
        throw new RangeError(
          `Cannot check the commit order as 'readAt' must have every answered read: operation ${id} is missing`,
        );
      }
      return position;
    },
  );
}

function replay(
  applied: readonly AppliedCommand[],
  byId: ReadonlyMap<number, Operation>,
  reads: ReadonlyMap<number, readonly Operation[]>,
  initial: Value,
): OrderViolation | undefined {
  const registers = new Map<string, Value>();
  const run = (operation: Operation, position: number): OrderViolation | undefined => {
    const held = registers.has(operation.key) ? registers.get(operation.key)! : initial;
    const result = step(held, operation);
    if (result === undefined) {
      const detail = `after ${position} commands ${operation.key} holds ${JSON.stringify(held)}, ` +
        `but it answered ${JSON.stringify(operation.result ?? null)}`;
      return { rule: "result", operation, detail };
    }
    if (!isRead(operation.kind)) registers.set(operation.key, result.next);
    return undefined;
  };
  for (let position = 0; position <= applied.length; position++) {
    if (position > 0) {
      const violation = run(byId.get(applied[position - 1]!.operation)!, position - 1);
      if (violation !== undefined) return violation;
    }
    for (const read of reads.get(position) ?? []) {
      const violation = run(read, position);
      if (violation !== undefined) return violation;
    }
  }
  for (const [position, [operation]] of reads) {
    if (position > applied.length || position < 0) {
      const detail = `it read after ${position} of ${applied.length} commands`;
      return { rule: "phantom", operation: operation!, detail };
    }
  }
  return undefined;
}

/**
 * A command at position p comes after everything with a lower position, and after reads at lower positions; a read at p after the
 * commands up to p. So whoever returned pushes a floor under what is invoked later: commands must lie above it, reads not below.
 */
function checkRealTime(
  operations: readonly Operation[],
  positionOf: (operation: Operation) => number | undefined,
): OrderViolation | undefined {
  const moments = operations.flatMap((operation) => [
    { at: operation.invoked, operation, returns: false },
    ...(operation.returned === Infinity ? [] : [{
      at: operation.returned,
      operation,
      returns: true,
    }]),
  ]).sort((a, b) => a.at - b.at);
  const none = { position: 0, operation: undefined as Operation | undefined };
  let [floor, ahead] = [none, none];
  const stale = new Map<number, number>();
  for (const { operation, returns } of moments) {
    const position = positionOf(operation);
    if (position === undefined) continue;
    if (operation.kind === "staleRead") {
      if (!returns) continue;
      const before = stale.get(operation.process) ?? 0;
      if (position < before) {
        const detail = `it saw ${position} commands, the process's previous one ${before}`;
        return { rule: "monotonic-prefix", operation, detail };
      }
      stale.set(operation.process, position);
      if (position > ahead.position) ahead = { position, operation };
    } else if (returns) {
      if (position > floor.position) floor = { position, operation };
    } else if (isRead(operation.kind) ? position < floor.position : position <= floor.position) {
      const detail = `it lies at ${position}, but ${
        describeOperation(floor.operation!)
      } at ${floor.position} had returned`;
      return { rule: "real-time", operation, detail };
    } else if (!isRead(operation.kind) && position <= ahead.position) {
      const detail = `it saw ${ahead.position} commands, but number ${position} was invoked later`;
      return { rule: "monotonic-prefix", operation: ahead.operation!, detail };
    }
  }
  return undefined;
}
