import type { Clock } from "../membership/clock.ts";
import type { Scheduled, Task } from "./event_heap.ts";
import type { Simulation } from "./simulation.ts";
import type { Wakefulness } from "./wakefulness.ts";

/** What a {@link ProcessClock} needs. */
export interface ProcessClockOptions {
  readonly simulation: Simulation;
  /** What the clock reads at first. */
  readonly startMs: number;
  /** Local milliseconds a real one. */
  readonly rate: number;
  /** Whether the process sleeps, and then what its timers do has to wait. @default {never} */
  readonly wakefulness?: Pick<Wakefulness, "paused" | "timer">;
}

/** A timer that was set. */
class Pending implements Task {
  readonly dueMs: number;
  readonly #clock: ProcessClock;
  readonly fire: () => void;
  scheduled: Scheduled | undefined;
  over = false;

  constructor(clock: ProcessClock, dueMs: number, fire: () => void) {
    this.#clock = clock;
    this.dueMs = dueMs;
    this.fire = fire;
  }

  run(): void {
    this.#clock.due(this);
  }
}

/** The monotonic clock of one process: it may run fast or slow, and jump forward. */
export class ProcessClock implements Clock {
  readonly #wakefulness: ProcessClockOptions["wakefulness"];
  readonly #simulation: Simulation;
  readonly #pending = new Set<Pending>();
  #originUs: number;
  #originMs: number;
  #rate: number;

  /** Starts at the simulation's instant. */
  constructor(options: ProcessClockOptions) {
    this.#wakefulness = options.wakefulness;
    this.#simulation = options.simulation;
    this.#originUs = options.simulation.now;
    this.#originMs = options.startMs;
    this.#rate = options.rate;
  }

  /** See {@link Clock.now}. */
  now(): number {
    return this.#originMs + (this.#simulation.now - this.#originUs) / 1000 * this.#rate;
  }

  /** See {@link Clock.setTimer}. */
  setTimer(afterMs: number, fire: () => void): () => void {
    const pending = new Pending(this, this.now() + afterMs, fire);
    pending.scheduled = this.#simulation.schedule(this.#instant(afterMs), pending);
    this.#pending.add(pending);
    return () => this.#cancel(pending);
  }

  /** Changes the rate from now on, and jumps forward. */
  change(options: { readonly rate?: number; readonly jumpMs?: number }): void {
    const simulation = this.#simulation;
    this.#originMs = this.now() + (options.jumpMs ?? 0);
    this.#originUs = simulation.now;
    this.#rate = options.rate ?? this.#rate;
    for (const pending of this.#pending) {
      simulation.cancel(pending.scheduled!);
      const leftMs = Math.max(0, pending.dueMs - this.#originMs);
      pending.scheduled = simulation.schedule(this.#instant(leftMs), pending);
    }
  }

  /** Takes all timers back: the process is gone. */
  stop(): void {
    for (const pending of this.#pending) {
      pending.over = true;
      this.#simulation.cancel(pending.scheduled!);
    }
    this.#pending.clear();
  }

  /** An own timer is due. */
  due(timer: Pending): void {
    const wakefulness = this.#wakefulness;
    if (wakefulness?.paused) wakefulness.timer(() => this.#expire(timer));
    else this.#expire(timer);
  }

  // Rounded up: a timer may be late, never early; and a rest that rounding left takes a microsecond, not none.
  #instant(afterMs: number): number {
    return this.#simulation.now + Math.ceil(afterMs * 1000 / this.#rate);
  }

  #expire(pending: Pending): void {
    if (pending.over) return;
    pending.over = true;
    this.#pending.delete(pending);
    pending.fire();
  }

  #cancel(pending: Pending): void {
    if (pending.over) return;
    pending.over = true;
    this.#pending.delete(pending);
    this.#simulation.cancel(pending.scheduled!);
  }
}
