import { Configurations } from "./configurations.ts";
import type { Operation } from "./operation.ts";
import { Code, type Initial, type Problem, problemOf } from "./problem.ts";

/** Options of {@link searchKey}. */
export interface SearchOptions {
  /** What the register holds at the beginning. */
  readonly initial: Initial;
  /** How many times an operation may be tried or a configuration looked at before the answer is `unknown`. */
  readonly maxSteps: number;
  /** Whether configurations that were seen are not entered again (Lowe). @default true */
  readonly memoise?: boolean;
}

/** What {@link searchKey} found. */
export interface SearchResult {
  /** Whether there is an order of the operations that explains every answer; `unknown` when the steps ran out. */
  readonly verdict: "linearizable" | "violation" | "unknown";
  /** That order, without unknown operations that need not have taken effect. Empty unless linearizable. */
  readonly order: readonly Operation[];
  /** Steps taken. */
  readonly steps: number;
}

/**
 * Looks for a linearization of the operations of one key: the search of Wing and Gong (Testing and Verifying Concurrent Objects, 1993),
 * which repeatedly takes an operation that no remaining operation precedes, with the memory of Lowe (Testing for Linearizability,
 * 2017), which never enters the same pair of linearized operations and state twice.
 *
 * What precedes the first return that is not yet passed is linearized, and what was invoked after it is not, so a configuration is that
 * return, the state, and one bit for each operation under way. Two rules cut the search without changing its answer: an operation that
 * changes nothing and fits the state is taken at once, and a value that somebody still has to see is not overwritten when nobody is left
 * to make it again.
 *
 * A stale read may come before its invocation, though neither before the same process's previous one nor after its return. Leave stale
 * reads out to judge the others alone.
 */
export function searchKey(operations: readonly Operation[], options: SearchOptions): SearchResult {
  return new Search(problemOf(operations, options.initial), options).run();
}

const HEADER = 2;

class Search {
  readonly #problem: Problem;
  readonly #maxSteps: number;
  readonly #memo: Configurations | undefined;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** Heads of the rings of operations that must, and that may take effect and are not linearized. */
  readonly #must: number;
  readonly #may: number;
  readonly #done: Uint8Array;
  readonly #observers: Int32Array;
  readonly #makers: Int32Array;
  /** First return not passed, state, bits of the operations under way, stale reads linearized a process. */
  readonly #now: Int32Array;
  readonly #chainsAt: number;
  #order: number[] = [];
  #steps = 0;

  constructor(problem: Problem, { maxSteps, memoise = true }: SearchOptions) {
    const n = problem.operations.length;
    this.#problem = problem;
    this.#maxSteps = maxSteps;
    this.#chainsAt = HEADER + Math.ceil(problem.slots / 32);
    this.#now = new Int32Array(this.#chainsAt + problem.staleChains.length);
    this.#memo = memoise ? new Configurations(this.#now.length) : undefined;
    this.#next = new Int32Array(n + 2);
    this.#previous = new Int32Array(n + 2);
    this.#must = n;
    this.#may = n + 1;
    this.#done = new Uint8Array(n);
    this.#observers = new Int32Array(problem.values);
    this.#makers = new Int32Array(problem.values);
    this.#now[1] = problem.initial;
    for (const head of [this.#must, this.#may]) this.#next[head] = this.#previous[head] = head;
    for (let i = 0; i < n; i++) {
      if (problem.plain) this.#count(i, 1);
      if (problem.slot[i]! < 0) continue;
      const head = problem.ret[i] === Infinity ? this.#may : this.#must;
      const last = this.#previous[head]!;
      this.#next[last] = this.#previous[head] = i;
      this.#previous[i] = last;
      this.#next[i] = head;
    }
  }

  run(): SearchResult {
    const { code, returns } = this.#problem;
    const width = this.#now.length;
    let saved = new Int32Array(64 * width);
    const frames: { readonly operation: number; readonly taken: number }[] = [];
    const back = (): number => {
      const { operation, taken } = frames.pop()!;
      while (this.#order.length > taken) this.#put(this.#order.pop()!);
      this.#now.set(saved.subarray(frames.length * width, (frames.length + 1) * width));
      return this.#next[operation]!;
    };
    this.#absorb();
    if (this.#now[0] === returns.length) return this.#answer("linearizable");
    let cursor = this.#next[this.#must]!;
    for (;;) {
      const operation = this.#candidate(cursor);
      if (operation < 0) {
        if (frames.length === 0) return this.#answer("violation");
        cursor = back();
        continue;
      }
      const pure = code[operation] === Code.read || code[operation] === Code.refused;
      if (!pure && ++this.#steps > this.#maxSteps) return this.#answer("unknown");
      const state = pure ? -1 : this.#after(operation);
      if (state < 0) {
        cursor = this.#next[operation]!;
        continue;
      }
      if ((frames.length + 1) * width > saved.length) {
        const larger = new Int32Array(saved.length * 2);
        larger.set(saved);
        saved = larger;
      }
      saved.set(this.#now, frames.length * width);
      frames.push({ operation, taken: this.#order.length });
      this.#take(operation);
      this.#now[1] = state;
      this.#absorb();
      if (this.#now[0] === returns.length) return this.#answer("linearizable");
      cursor = this.#memo !== undefined && !this.#memo.add(this.#now)
        ? back()
        : this.#next[this.#must]!;
    }
  }

  #answer(verdict: SearchResult["verdict"]): SearchResult {
    const order = verdict === "linearizable"
      ? this.#order.map((i) => this.#problem.operations[i]!)
      : [];
    return { verdict, order, steps: this.#steps };
  }

  /** Position of the first return that is not passed: nothing invoked later can be next. */
  #limit(): number {
    const { ret, returns } = this.#problem;
    const front = this.#now[0]!;
    return front === returns.length ? Infinity : ret[returns[front]!]!;
  }

  /** The first operation from `cursor` on that may be next: those that must take effect first. −1: none. */
  #candidate(cursor: number): number {
    const { call, twin } = this.#problem;
    const limit = this.#limit();
    let at = cursor;
    if (at === this.#must || (at < this.#must && !this.#optional(at) && call[at]! > limit)) {
      at = this.#next[this.#may]!;
    }
    while (at < this.#must && call[at]! <= limit) {
      if (twin[at]! < 0 || this.#done[twin[at]!] === 1) return at;
      at = this.#next[at]!;
    }
    return -1;
  }

  #optional(operation: number): boolean {
    return this.#problem.ret[operation] === Infinity;
  }

  /** The state that a change leaves behind; −1: it does not fit, or cannot lead anywhere. */
  #after(operation: number): number {
    const { code, a, b, plain } = this.#problem;
    const state = this.#now[1]!;
    const [from, to] = [a[operation]!, b[operation]!];
    switch (code[operation]) {
      case Code.append: {
        const made = this.#problem.append(state, from);
        return to >= 0 && made !== to ? -1 : made;
      }
      case Code.replace:
        if (state !== from) return -1;
        // It is itself one of those who see the state.
        return this.#observers[state]! > (this.#optional(operation) ? 0 : 1) &&
            plain && this.#makers[state] === 0
          ? -1
          : to;
      default:
        return plain && state !== from && this.#observers[state]! > 0 && this.#makers[state] === 0
          ? -1
          : from;
    }
  }

  /** Takes everything that fits the state and does not change it. */
  #absorb(): void {
    const { code, a, call, staleChains } = this.#problem;
    const state = this.#now[1]!;
    for (let chain = 0; chain < staleChains.length; chain++) {
      const reads = staleChains[chain]!;
      let at = this.#now[this.#chainsAt + chain]!;
      while (at < reads.length && a[reads[at]!] === state) this.#take(reads[at++]!);
      this.#now[this.#chainsAt + chain] = at;
    }
    let at = this.#next[this.#must]!;
    while (at !== this.#must && call[at]! <= this.#limit()) {
      this.#steps++;
      const next = this.#next[at]!;
      if (code[at] === Code.read ? a[at] === state : code[at] === Code.refused && a[at] !== state) {
        this.#take(at);
      }
      at = next;
    }
  }

  #take(operation: number): void {
    const { slot, returns, plain } = this.#problem;
    this.#done[operation] = 1;
    this.#order.push(operation);
    if (plain) this.#count(operation, -1);
    const bit = slot[operation]!;
    if (bit >= 0) {
      this.#now[HEADER + (bit >> 5)]! |= 1 << (bit & 31);
      const [next, previous] = [this.#next[operation]!, this.#previous[operation]!];
      this.#next[previous] = next;
      this.#previous[next] = previous;
    }
    let front = this.#now[0]!;
    for (; front < returns.length && this.#done[returns[front]!] === 1; front++) {
      const passed = slot[returns[front]!]!;
      if (passed >= 0) this.#now[HEADER + (passed >> 5)]! &= ~(1 << (passed & 31));
    }
    this.#now[0] = front;
  }

  /** Undoes {@link Search.#take}, in reverse order, but for `#now`. */
  #put(operation: number): void {
    this.#done[operation] = 0;
    if (this.#problem.plain) this.#count(operation, 1);
    if (this.#problem.slot[operation]! < 0) return;
    this.#next[this.#previous[operation]!] = operation;
    this.#previous[this.#next[operation]!] = operation;
  }

  #count(operation: number, by: number): void {
    const { code, a, b } = this.#problem;
    const kind = code[operation];
    if (kind === Code.write) this.#makers[a[operation]!]! += by;
    if (kind === Code.replace) this.#makers[b[operation]!]! += by;
    if (kind === Code.read || (kind === Code.replace && !this.#optional(operation))) {
      this.#observers[a[operation]!]! += by;
    }
  }
}
