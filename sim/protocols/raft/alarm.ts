import type { Scheduled } from "../../event_heap.ts";
import type { Simulation } from "../../simulation.ts";
import type { MachineClock } from "./machine_clock.ts";

/** The one timer of a process, by the clock of its machine. */
export class Alarm {
  readonly #clock: MachineClock;
  readonly #simulation: Simulation;
  readonly #fire: () => void;
  #timer: Scheduled | undefined;
  #atMs = Infinity;

  /** Begins without an instant. */
  constructor(clock: MachineClock, simulation: Simulation, fire: () => void) {
    this.#clock = clock;
    this.#simulation = simulation;
    this.#fire = fire;
  }

  /** Fires at an instant of the machine's, in place of any before; `Infinity`: never. */
  set(atMs: number): void {
    if (atMs === this.#atMs) return;
    this.cancel();
    this.#atMs = atMs;
    if (atMs === Infinity) return;
    const simulation = this.#simulation;
    const inMs = Math.max(0, atMs - this.#clock.localMs(simulation.now)) / this.#clock.rate;
    this.#timer = simulation.at(simulation.now + Math.ceil(inMs * 1000), () => {
      this.#timer = undefined;
      this.#atMs = Infinity;
      this.#fire();
    });
  }

  /** Does not fire. */
  cancel(): void {
    if (this.#timer !== undefined) this.#simulation.cancel(this.#timer);
    this.#timer = undefined;
    this.#atMs = Infinity;
  }
}
