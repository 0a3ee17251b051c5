import type { Prng } from "../../gossip/strategy.ts";
import type { AppliedCommand, GroundTruth } from "./commit_order.ts";
import type { HistoryEvent } from "./history.ts";
import {
  appended,
  type Argument,
  isRead,
  type Operation,
  type OperationKind,
  type Result,
  step,
  type Value,
} from "./operation.ts";
import { Recorder, type Recording } from "./recorder.ts";

/** Whether some order explains the operations of one key: all orders are tried, nothing is remembered. */
export function naive(operations: readonly Operation[], initial: Value = null): boolean {
  if (operations.every(({ returned }) => returned === Infinity)) return true;
  return operations.some((next) => {
    const rest = operations.filter((operation) => operation !== next);
    if (rest.some((other) => precedes(other, next))) return false;
    const after = step(initial, next);
    return after !== undefined && naive(rest, after.next);
  });
}

function precedes(one: Operation, other: Operation): boolean {
  if (other.kind !== "staleRead") return one.returned < other.invoked;
  return one.kind === "staleRead" && one.process === other.process && one.invoked < other.invoked;
}

export interface AtomicOptions {
  readonly clients: number;
  readonly operations: number;
  readonly keys?: number;
  readonly kinds: readonly OperationKind[];
  /** Share of operations without outcome. */
  readonly unknown?: number;
  /** How many different values are written; more operations than that repeat them. @default all differ */
  readonly values?: number;
}

interface Running {
  readonly recording: Recording;
  readonly kind: OperationKind;
  readonly key: string;
  readonly argument: Argument;
  readonly client: number;
  readonly sequence: number;
  effected: boolean;
  result: Result;
}

/**
 * A history of clients of atomic registers, each operation taking effect at a random moment between its invocation and its return, and
 * one without outcome at a later one or never; and the order in which they did.
 */
export function atomicHistory(
  random: Prng,
  options: AtomicOptions,
): { readonly events: readonly HistoryEvent[]; readonly truth: GroundTruth } {
  const { clients, operations, keys = 1, kinds, unknown = 0, values = Infinity } = options;
  const recorder = new Recorder();
  const registers = new Map<string, Value>();
  const versions = new Map<string, { readonly value: Value; readonly position: number }[]>();
  const applied: AppliedCommand[] = [];
  const readAt = new Map<number, number>();
  const running = new Map<number, Running>();
  const lost: Running[] = [];
  const seen = new Map<number, number>();
  const below = (bound: number) => Math.floor(random() * bound);
  let [time, begun, written] = [0, 0, 0];
  const fresh = (): Value => 1 + (written++ % values);

  const effect = (one: Running) => {
    const held = registers.get(one.key) ?? null;
    const history = versions.get(one.key) ?? [{ value: null, position: 0 }];
    versions.set(one.key, history);
    one.effected = true;
    if (one.kind === "staleRead") {
      // A replica that is somewhere between what it showed this client before and the end of the log.
      const from = seen.get(one.client) ?? 0;
      const at = from + below(applied.length + 1 - from);
      seen.set(one.client, at);
      one.result = history.findLast(({ position }) => position <= at)!.value;
      readAt.set(one.recording.id, at);
      return;
    }
    if (isRead(one.kind)) {
      one.result = held;
      readAt.set(one.recording.id, applied.length);
      return;
    }
    const [expected, replacement] = one.kind === "cas"
      ? one.argument as readonly [Value, Value]
      : [null, null];
    const next = one.kind === "write"
      ? one.argument as Value
      : one.kind === "append"
      ? appended(held, one.argument as Value)
      : held === expected
      ? replacement
      : held;
    one.result = one.kind === "write"
      ? undefined
      : one.kind === "append"
      ? (random() < 0.5 ? next : undefined)
      : held === expected;
    applied.push({
      operation: one.recording.id,
      client: one.client,
      sequence: one.sequence,
    });
    registers.set(one.key, next);
    history.push({ value: next, position: applied.length });
  };

  while (begun < operations || running.size > 0) {
    time++;
    if (lost.length > 0 && random() < 0.05) effect(lost.splice(below(lost.length), 1)[0]!);
    const client = below(clients);
    const one = running.get(client);
    if (one === undefined) {
      if (begun === operations) continue;
      const kind = kinds[below(kinds.length)]!;
      const key = `k${below(keys)}`;
      const held = registers.get(key) ?? null;
      const argument: Argument = isRead(kind)
        ? null
        : kind === "cas"
        ? [random() < 0.7 ? held : fresh(), fresh()]
        : kind === "append"
        ? `${fresh()},`
        : fresh();
      running.set(client, {
        recording: recorder.invoke(client, kind, key, argument, time),
        kind,
        key,
        argument,
        client,
        sequence: begun++,
        effected: false,
        result: undefined,
      });
    } else if (!one.effected) {
      if (random() < unknown) {
        one.recording.unknown(time);
        running.delete(client);
        // Stale reads of a new process owe nothing to those of the old one.
        seen.delete(client);
        if (!isRead(one.kind)) lost.push(one);
      } else effect(one);
    } else {
      one.recording.ok(time, one.result);
      running.delete(client);
    }
  }
  return { events: recorder.events, truth: { applied, readAt } };
}

/** A history of one key in which answers are drawn at random from a few values: about half of the small ones are linearizable. */
export function arbitraryHistory(
  random: Prng,
  options: { readonly operations: number; readonly kinds: readonly OperationKind[] },
): readonly HistoryEvent[] {
  const recorder = new Recorder();
  const below = (bound: number) => Math.floor(random() * bound);
  const texts = options.kinds.includes("append");
  const value = (): Value => texts ? ["a", "b", "ab", "ba", null][below(5)]! : below(3) || null;
  const running = new Map<number, { recording: Recording; kind: OperationKind }>();
  for (let [time, begun] = [0, 0]; begun < options.operations || running.size > 0; time++) {
    const client = below(3);
    const one = running.get(client);
    if (one === undefined) {
      if (begun++ >= options.operations) continue;
      const kind = options.kinds[below(options.kinds.length)]!;
      const argument: Argument = isRead(kind)
        ? null
        : kind === "cas"
        ? [value(), value()]
        : kind === "append"
        ? "ab"[below(2)]!
        : value();
      running.set(client, { recording: recorder.invoke(client, kind, "x", argument, time), kind });
      continue;
    }
    running.delete(client);
    if (random() < 0.25) one.recording.unknown(time);
    else if (isRead(one.kind)) one.recording.ok(time, value());
    else if (one.kind === "cas") one.recording.ok(time, random() < 0.6);
    else if (one.kind === "append" && random() < 0.3) one.recording.ok(time, value());
    else one.recording.ok(time);
  }
  return recorder.events;
}

/** Replaces the answer of the read that returns at an event. */
export function withAnswer(
  events: readonly HistoryEvent[],
  at: number,
  value: Value,
): readonly HistoryEvent[] {
  return events.map((event, index) => index === at ? { ...event, value } : event);
}
