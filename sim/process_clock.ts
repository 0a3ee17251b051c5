import type { Clock } from "../membership/clock.ts";
import type { Scheduled } from "./event_heap.ts";
import type { Simulation } from "./simulation.ts";

interface Pending {
  readonly dueMs: number;
  readonly fire: () => void;
  scheduled: Scheduled;
  over: boolean;
}

/** What a {@link ProcessClock} needs. */
export interface ProcessClockOptions {
  readonly simulation: Simulation;
  /** What the clock reads at first. */
  readonly startMs: number;
  /** Local milliseconds a real one. */
  readonly rate: number;
  /** Runs what a timer does, now or when the process is awake. */
  readonly fire: (run: () => void) => void;
}

/** The monotonic clock of one process: it may run fast or slow, and jump forward. */
export class ProcessClock implements Clock {
  readonly #options: ProcessClockOptions;
  readonly #pending = new Set<Pending>();
  #originUs: number;
  #originMs: number;
  #rate: number;

  /** Starts at the simulation's instant. */
  constructor(options: ProcessClockOptions) {
    this.#options = options;
    this.#originUs = options.simulation.now;
    this.#originMs = options.startMs;
    this.#rate = options.rate;
  }

  /** See {@link Clock.now}. */
  now(): number {
    return this.#originMs + (this.#options.simulation.now - this.#originUs) / 1000 * this.#rate;
  }

  /** See {@link Clock.setTimer}. */
  setTimer(afterMs: number, fire: () => void): () => void {
    const { simulation } = this.#options;
    const pending: Pending = {
      dueMs: this.now() + afterMs,
      fire,
      scheduled: simulation.at(this.#instant(afterMs), () => this.#fire(pending)),
      over: false,
    };
    this.#pending.add(pending);
    return () => {
      pending.over = true;
      this.#pending.delete(pending);
      simulation.cancel(pending.scheduled);
    };
  }

  /** Changes the rate from now on, and jumps forward. */
  change(options: { readonly rate?: number; readonly jumpMs?: number }): void {
    const { simulation } = this.#options;
    this.#originMs = this.now() + (options.jumpMs ?? 0);
    this.#originUs = simulation.now;
    this.#rate = options.rate ?? this.#rate;
    for (const pending of this.#pending) {
      simulation.cancel(pending.scheduled);
      const leftMs = Math.max(0, pending.dueMs - this.#originMs);
      pending.scheduled = simulation.at(this.#instant(leftMs), () => this.#fire(pending));
    }
  }

  /** Takes all timers back: the process is gone. */
  stop(): void {
    for (const pending of this.#pending) {
      pending.over = true;
      this.#options.simulation.cancel(pending.scheduled);
    }
    this.#pending.clear();
  }

  // Rounded up: a timer may be late, never early; and a rest that rounding left takes a microsecond, not none.
  #instant(afterMs: number): number {
    return this.#options.simulation.now + Math.ceil(afterMs * 1000 / this.#rate);
  }

  #fire(pending: Pending): void {
    this.#options.fire(() => {
      if (pending.over) return;
      pending.over = true;
      this.#pending.delete(pending);
      pending.fire();
    });
  }
}
