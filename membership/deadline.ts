/**
 * The one timer of a driver.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/**
 * A timer later than this means that the event loop was blocked. Packets that came in the meantime still wait in the runtime; they get
 * one turn of the loop before the timeout, so that an answer that is already here counts as an answer.
 */
const stallMs = 20;

/** Options of {@link DeadlineTimer}. */
export interface DeadlineTimerOptions {
  /** Gives the timer. */
  readonly clock: Clock;
  /** The deadline has passed. */
  readonly expired: () => void;
  /** A timer fired, this much after its deadline. */
  readonly fired: (latenessMs: number) => void;
}

/** Calls `expired` when a deadline that may move has passed. */
export class DeadlineTimer {
  readonly #options: DeadlineTimerOptions;
  #cancel: (() => void) | undefined;
  #deadline = Infinity;

  /** Creates a timer that is not set. */
  constructor(options: DeadlineTimerOptions) {
    this.#options = options;
  }

  /** Sets the timer to `deadline`, an instant of the clock; `Infinity`: never. */
  arm(deadline: number): void {
    if (this.#cancel !== undefined) {
      if (deadline === this.#deadline) return;
      const now = this.#options.clock.now();
      // Already due and already on its way: inputs that move an overdue deadline must not put the timeout off for ever.
      if (deadline <= now && this.#deadline <= now) return;
      this.cancel();
    }
    if (deadline === Infinity) return;
    this.#deadline = deadline;
    this.#set(Math.max(0, deadline - this.#options.clock.now()), () => this.#fire());
  }

  /** Takes the timer back. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #set(afterMs: number, fire: () => void): void {
    this.#cancel = this.#options.clock.setTimer(afterMs, fire);
  }

  #fire(): void {
    const latenessMs = this.#options.clock.now() - this.#deadline;
    this.#options.fired(Math.max(0, latenessMs));
    if (latenessMs > stallMs) this.#set(0, () => this.#expire());
    else this.#expire();
  }

  #expire(): void {
    this.#cancel = undefined;
    this.#options.expired();
  }
}

/** Whether a timer this late tells of a stall. */
export function isStall(latenessMs: number): boolean {
  return latenessMs > stallMs;
}
