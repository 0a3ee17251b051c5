import type { Simulation } from "./simulation.ts";

/** Inputs that one turn of the event loop reads after a sleep, before timers are looked at again. */
const TURN_INPUTS = 256;

/**
 * Whether a process's event loop turns. While it does not, timers are put off and arrivals wait; when it does again, what is due runs as
 * the runtimes do it: timers first, all at once, then what arrived, a turn at a time. (A late timer gives the sockets a turn before it
 * counts: `DeadlineTimer`.)
 */
export class Wakefulness {
  readonly #simulation: Simulation;
  readonly #woke: () => void;
  #ended = false;
  #pausedUntil = -1;
  #timers: (() => void)[] = [];
  #arrivals: (() => void)[] = [];

  /** Awake at first. `woke` is called at the end of a sleep, before anything runs. */
  constructor(simulation: Simulation, woke: () => void) {
    this.#simulation = simulation;
    this.#woke = woke;
  }

  /** Packets that wait; counted by whoever puts them off. */
  waitingPackets = 0;

  /** Whether it sleeps. */
  get paused(): boolean {
    return this.#pausedUntil >= 0;
  }

  /** Runs what a timer does, now or later. */
  timer(run: () => void): void {
    if (this.#ended) return;
    if (this.paused) this.#timers.push(run);
    else run();
  }

  /** Runs what arrived, now or later. */
  arrival(run: () => void): void {
    if (this.#ended) return;
    if (this.paused) this.#arrivals.push(run);
    else run();
  }

  /** Sleeps until an instant, microseconds; one before another sleep's end changes nothing. */
  pause(until: number): void {
    if (this.#ended || until <= this.#pausedUntil) return;
    this.#pausedUntil = until;
    this.#simulation.at(until, () => this.#wake());
  }

  /** The process is gone: nothing runs any more. */
  end(): void {
    this.#ended = true;
    this.#pausedUntil = -1;
    this.#timers = [];
    this.#arrivals = [];
  }

  #wake(): void {
    const simulation = this.#simulation;
    if (simulation.now < this.#pausedUntil || this.#ended) return;
    this.#pausedUntil = -1;
    const timers = this.#timers;
    const arrivals = this.#arrivals;
    this.#timers = [];
    this.#arrivals = [];
    this.waitingPackets = 0;
    this.#woke();
    for (const run of timers) this.timer(run);
    for (const run of arrivals.slice(0, TURN_INPUTS)) this.arrival(run);
    for (let at = TURN_INPUTS; at < arrivals.length; at += TURN_INPUTS) {
      const turn = arrivals.slice(at, at + TURN_INPUTS);
      simulation.at(simulation.now + at, () => {
        for (const run of turn) this.arrival(run);
      });
    }
  }
}
