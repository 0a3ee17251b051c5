import { appended, isRead, type Operation, type Value } from "./operation.ts";
import { settle } from "./settle.ts";

/** Stands for a value that no operation of the key mentions. What is appended to it is such a value again. */
export const unseen: unique symbol = Symbol("unseen");

/** What a register holds before the first operation. */
export type Initial = Value | typeof unseen;

/** The interned value that matches nothing. */
export const UNSEEN = 0;

/** What an operation is to the search. */
export const Code = Object.freeze(
  {
    /** Needs the state `a`, changes nothing. */
    read: 0,
    /** Needs any state but `a`, changes nothing. */
    refused: 1,
    /** Makes `a`. */
    write: 2,
    /** Needs `a`, makes `b`. */
    replace: 3,
    /** Appends `a`; makes `b` unless that is −1. */
    append: 4,
  } as const,
);

/** The operations of one key as flat arrays, one element an operation, in the order of invocation. */
export interface Problem {
  readonly operations: readonly Operation[];
  readonly code: Uint8Array;
  readonly a: Int32Array;
  readonly b: Int32Array;
  /** Positions of invocation and of return. */
  readonly call: Float64Array;
  readonly ret: Float64Array;
  /** Bit of the operation in a configuration: unique among operations under way at one time. −1: a stale read. */
  readonly slot: Int32Array;
  readonly slots: number;
  /** The operations that must take effect, by their return. */
  readonly returns: Int32Array;
  /** The stale reads of each process, in order. */
  readonly staleChains: readonly Int32Array[];
  /** An earlier operation without outcome that does the same, which may as well be the first to take effect; −1: none. */
  readonly twin: Int32Array;
  /** Whether nothing appends: then a value comes from nowhere but the operations that make it. */
  readonly plain: boolean;
  readonly initial: number;
  /** How many different values there are. */
  readonly values: number;
  /** The interned value that appending `text` to `state` makes; −1 if no read allows it. */
  append(state: number, text: number): number;
}

class Values {
  readonly #ids = new Map<Value, number>();
  readonly list: (Value | undefined)[] = [undefined];

  id(value: Value): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    this.#ids.set(value, this.list.length);
    return this.list.push(value) - 1;
  }
}

/** Prepares the operations of one key, stale reads included if they are given, for the search. */
export function problemOf(given: readonly Operation[], initial: Initial): Problem {
  const operations = settle(given, initial);
  const n = operations.length;
  const values = new Values();
  const code = new Uint8Array(n);
  const [a, b] = [new Int32Array(n), new Int32Array(n)];
  const [call, ret] = [new Float64Array(n), new Float64Array(n)];
  const twin = new Int32Array(n).fill(-1);
  const twins = new Map<string, number>();
  for (const [i, operation] of operations.entries()) {
    const { kind, argument, result, invoked, returned } = operation;
    call[i] = invoked;
    ret[i] = returned;
    if (isRead(kind)) {
      code[i] = Code.read;
      a[i] = values.id(result as Value);
    } else if (kind === "cas") {
      const [expected, replacement] = argument as readonly [Value, Value];
      a[i] = values.id(expected);
      b[i] = values.id(replacement);
      code[i] = result === false && returned !== Infinity
        ? Code.refused
        : expected === replacement
        ? Code.read
        : Code.replace;
    } else {
      code[i] = kind === "write" ? Code.write : Code.append;
      a[i] = values.id(argument as Value);
      b[i] = kind === "append" && result !== undefined ? values.id(result as Value) : -1;
    }
    if (returned === Infinity) {
      const signature = `${code[i]} ${a[i]} ${b[i]}`;
      twin[i] = twins.get(signature) ?? -1;
      twins.set(signature, i);
    }
  }
  const required = operations.map((_, i) => i).filter((i) => ret[i] !== Infinity);
  const start = initial === unseen ? UNSEEN : values.id(initial);
  return {
    operations,
    code,
    a,
    b,
    call,
    ret,
    ...slotsOf(operations),
    returns: Int32Array.from(required.sort((i, j) => ret[i]! - ret[j]!)),
    staleChains: staleChainsOf(operations),
    twin,
    plain: !code.includes(Code.append),
    initial: start,
    values: values.list.length,
    append: appender(operations, values),
  };
}

// Sweeps over the invocations: a slot is free again at the return of its holder.
function slotsOf(
  operations: readonly Operation[],
): { readonly slot: Int32Array; readonly slots: number } {
  const slot = new Int32Array(operations.length).fill(-1);
  const freeAt: number[] = [];
  for (const [i, { kind, invoked, returned }] of operations.entries()) {
    if (kind === "staleRead") continue;
    let free = freeAt.findIndex((position) => position < invoked);
    if (free < 0) free = freeAt.length;
    freeAt[free] = returned;
    slot[i] = free;
  }
  return { slot, slots: freeAt.length };
}

function staleChainsOf(operations: readonly Operation[]): readonly Int32Array[] {
  const chains = new Map<number, number[]>();
  for (const [i, { kind, process }] of operations.entries()) {
    if (kind !== "staleRead") continue;
    const chain = chains.get(process);
    if (chain === undefined) chains.set(process, [i]);
    else chain.push(i);
  }
  return [...chains.values()].map((chain) => Int32Array.from(chain));
}

/**
 * Where every change is an append, the states of a run are prefixes of one another. So a state is a prefix of the longest text that
 * anybody saw, or longer than it and seen by nobody.
 */
function appender(
  operations: readonly Operation[],
  values: Values,
): (state: number, text: number) => number {
  const onlyAppends = operations.every(({ kind }) => isRead(kind) || kind === "append");
  let longest = "";
  if (onlyAppends) {
    for (const { result, returned } of operations) {
      if (typeof result === "string" && returned !== Infinity && result.length > longest.length) {
        longest = result;
      }
    }
  }
  const known = new Map<number, Map<number, number>>();
  return (state, text) => {
    if (state === UNSEEN) return UNSEEN;
    let made = known.get(state);
    if (made === undefined) known.set(state, made = new Map());
    let next = made.get(text);
    if (next === undefined) {
      const value = appended(values.list[state]!, values.list[text]!);
      next = !onlyAppends
        ? values.id(value)
        : value.length > longest.length
        ? UNSEEN
        : longest.startsWith(value)
        ? values.id(value)
        : -1;
      made.set(text, next);
    }
    return next;
  };
}
