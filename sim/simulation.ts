import type { Prng } from "../gossip/strategy.ts";
import { EventHeap, type Scheduled, type Task } from "./event_heap.ts";
import { Streams } from "./prng.ts";
import { TraceHash } from "./trace_hash.ts";

/** Time, order, chance and record of one run: whatever happens is an event of this. */
export class Simulation {
  /** The instant, whole microseconds since the run began. */
  now = 0;
  /** Events that happened. */
  events = 0;
  /** Digest of all that happened. */
  readonly trace: TraceHash = new TraceHash();
  readonly #streams: Streams;
  readonly #heap = new EventHeap();

  /** @param seed What everything follows from. */
  constructor(seed: number) {
    this.#streams = new Streams(seed);
  }

  /** The seed. */
  get seed(): number {
    return this.#streams.seed;
  }

  /** Events to come. */
  get pending(): number {
    return this.#heap.size;
  }

  /** A stream of random numbers of its own. */
  random(name: string): Prng {
    return this.#streams.named(name);
  }

  /** Lets something happen at an instant, now at the earliest. */
  at(us: number, run: () => void): Scheduled {
    return this.schedule(us, { run });
  }

  /** As {@link Simulation.at}, for what happens often. */
  schedule(us: number, task: Task): Scheduled {
    return this.#heap.add(us < this.now ? this.now : us, task);
  }

  /** Takes back what was to happen. */
  cancel(scheduled: Scheduled): void {
    this.#heap.cancel(scheduled);
  }

  /**
   * Lets time pass.
   *
   * @param us The instant to stop at: everything up to it happens.
   * @param done Asked after every event; `true` stops there and then.
   * @returns Whether `done` said so.
   */
  run(us: number, done?: () => boolean): boolean {
    const heap = this.#heap;
    for (let next = heap.take(us); next !== undefined; next = heap.take(us)) {
      this.now = heap.at;
      this.events++;
      this.trace.integer(heap.at);
      next.run();
      if (done !== undefined && done()) return true;
    }
    this.now = Math.max(this.now, us);
    return false;
  }
}
