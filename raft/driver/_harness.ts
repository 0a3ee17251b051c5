/**
 * Time and turns by hand, for tests of the driver's parts.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { RaftInput } from "../contract.ts";
import type { Pending, ProposalSink } from "./pending.ts";

/** A clock, an event loop and ears for what is fed. */
export class Bench {
  now = 0;
  readonly fed: RaftInput[] = [];
  readonly #timers = new Set<{ at: number; fire: () => void }>();
  #deferred: (() => void)[] = [];
  #token = 0;

  readonly clock: Clock = {
    now: () => this.now,
    setTimer: (afterMs, fire) => {
      const timer = { at: this.now + afterMs, fire };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    },
  };
  readonly defer = (callback: () => void): void => void this.#deferred.push(callback);
  readonly feed = (input: RaftInput): void => void this.fed.push(input);
  readonly token = (): number => ++this.#token;

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Ends this turn of the event loop. */
  turn(): void {
    for (const callback of this.#deferred.splice(0)) callback();
  }

  /** Lets time pass, timer by timer. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let fired = 0;; fired++) {
      if (fired > 10_000) throw new Error("Timers fire without end");
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.now = Math.max(this.now, due.at);
      due.fire();
    }
    this.now = end;
  }
}

/** A proposal that notes its end in `told`. */
export function noted(
  name: string,
  told: string[],
  over: Partial<Pending<string>> = {},
): Pending<string> {
  const sink: ProposalSink<string> = {
    committed: (index, result) => told.push(`${name}@${index}=${String(result)}`),
    failed: (outcome, reason) => told.push(`${name} ${outcome} ${reason}`),
  };
  return {
    data: new Uint8Array(10),
    sink,
    enqueueBy: Infinity,
    doneBy: Infinity,
    settled: false,
    appended: false,
    ...over,
  };
}
