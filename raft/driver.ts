/**
 * Runs a core: the only place where Raft meets time and waiting.
 *
 * @module
 */
import type { Clock } from "../membership/clock.ts";
import { DeadlineTimer, isStall } from "../membership/deadline.ts";
import type { RaftCoreContract, RaftEffect, RaftInput } from "./contract.ts";
import type { LogStore, Persist } from "./log_store.ts";

/** An effect that is not the driver's own to perform. */
export type PortedEffect = Exclude<RaftEffect, { readonly type: "persist" | "halt" }>;

/** Options of {@link RaftDriver}. */
export interface RaftDriverOptions {
  readonly core: RaftCoreContract;
  readonly clock: Clock;
  /** Where `persist` effects go. */
  readonly log: LogStore;
  /** Performs an effect. Must neither throw nor wait. */
  readonly perform: (effect: PortedEffect) => void;
  /** The core or the store failed for good; nothing is stepped or performed any more. */
  readonly halted: (error: Error) => void;
  /** Told of every write when it is handed over: what it cuts off is gone. */
  readonly persisting?: (effect: Persist) => void;
  /** Told of every write once it is durable, before what waits for it. */
  readonly persisted?: (effect: Persist) => void;
  /** Bytes handed to the store and not durable, above which the driver is {@link RaftDriver.full}. @default {67108864} */
  readonly maxPersistingBytes?: number;
}

/** Counts since creation, and gauges. */
export interface RaftDriverStats {
  /** Inputs taken. */
  readonly steps: number;
  /** Writes handed to the store. */
  readonly persists: number;
  /** Those that are not durable, now. */
  readonly persisting: number;
  /** Their bytes. */
  readonly persistingBytes: number;
  /** Timers that fired more than 20 ms late: the event loop was blocked. */
  readonly lateTimers: number;
  /** The latest of them, in milliseconds. */
  readonly worstTimerLatenessMs: number;
}

/**
 * Takes inputs one at a time, performs effects in order, keeps one timer.
 *
 * Order is safety: what stands after a `persist` in the effects of a step waits until that write, and so every earlier one, is durable.
 * Effects of later steps do not wait for it: heartbeats do not wait for a write that the store has under way. Writes are handed to the
 * store without waiting, so that those of many steps become durable together.
 */
export class RaftDriver {
  readonly #options: RaftDriverOptions;
  readonly #timer: DeadlineTimer;
  #state: "created" | "running" | "stopped" = "created";
  #inbox: RaftInput[] = [];
  #running = false;
  #persisting = 0;
  #persistingBytes = 0;
  readonly #counts = { steps: 0, persists: 0, lateTimers: 0, worstTimerLatenessMs: 0 };

  /** Creates a driver at rest. */
  constructor(options: RaftDriverOptions) {
    this.#options = options;
    this.#timer = new DeadlineTimer({
      clock: options.clock,
      expired: () => this.feed({ type: "timeout" }),
      fired: (latenessMs) => {
        const counts = this.#counts;
        counts.worstTimerLatenessMs = Math.max(counts.worstTimerLatenessMs, latenessMs);
        if (isStall(latenessMs)) counts.lateTimers += 1;
      },
    });
  }

  /** Counts and gauges. */
  get stats(): RaftDriverStats {
    return Object.freeze({
      ...this.#counts,
      persisting: this.#persisting,
      persistingBytes: this.#persistingBytes,
    });
  }

  /** Begins to take inputs and to keep time. */
  start(): void {
    if (this.#state !== "created") return;
    this.#state = "running";
    this.feed({ type: "timeout" });
  }

  /** Takes an input; during a step, after it. */
  feed(input: RaftInput): void {
    if (this.#state !== "running") return;
    this.#inbox.push(input);
    if (!this.#running) this.#drain();
  }

  /** Whether the store has so much to write that no more entries should be taken from a leader. */
  get full(): boolean {
    return this.#persistingBytes > (this.#options.maxPersistingBytes ?? 64 * 1024 * 1024);
  }

  /** Stops for good. Writes under way go on; what stands after them does not happen. */
  stop(): void {
    this.#state = "stopped";
    this.#inbox = [];
    this.#timer.cancel();
  }

  #drain(): void {
    this.#running = true;
    try {
      for (let next = 0; next < this.#inbox.length && this.#state === "running"; next++) {
        const effects = this.#options.core.step(this.#inbox[next]!, this.#options.clock.now());
        this.#counts.steps++;
        this.#perform(effects, 0);
      }
    } catch (error) {
      this.#halt(error);
    }
    this.#inbox = [];
    this.#running = false;
    if (this.#state === "running") this.#timer.arm(this.#options.core.deadline);
  }

  #perform(effects: readonly RaftEffect[], from: number): void {
    for (let at = from; at < effects.length; at++) {
      if (this.#state !== "running") return;
      const effect = effects[at]!;
      if (effect.type === "persist") return this.#persist(effect, effects, at + 1);
      if (effect.type === "halt") return this.#halt(new Error(effect.detail));
      this.#options.perform(effect);
    }
  }

  #persist(effect: Persist, effects: readonly RaftEffect[], next: number): void {
    let bytes = 0;
    for (const { data } of effect.entries) bytes += data.length;
    this.#counts.persists++;
    this.#persisting++;
    this.#persistingBytes += bytes;
    this.#options.persisting?.(effect);
    this.#options.log.persist(effect).then(
      () => this.#durable(effect, bytes, effects, next),
      (error) => this.#halt(error),
    );
  }

  #durable(effect: Persist, bytes: number, effects: readonly RaftEffect[], next: number): void {
    this.#persisting--;
    this.#persistingBytes -= bytes;
    if (this.#state !== "running") return;
    this.#inbox.push({ type: "persisted", token: effect.token });
    this.#running = true; // what the effects cause waits until they are done
    try {
      this.#options.persisted?.(effect);
      this.#perform(effects, next);
    } catch (error) {
      this.#halt(error);
    }
    this.#running = false;
    if (this.#state === "running") this.#drain();
  }

  #halt(cause: unknown): void {
    if (this.#state === "stopped") return;
    this.stop();
    this.#options.halted(cause instanceof Error ? cause : new Error(String(cause)));
  }
}
