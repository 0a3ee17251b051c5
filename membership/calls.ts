/**
 * Calls that can be given up: by their caller, and all together when the node stops.
 *
 * @module
 */
import { abortable } from "@std/async";
import { StoppedError } from "./errors.ts";

/** Options of the asynchronous methods of a node. */
export interface CallOptions {
  /** Ends the waiting; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The calls under way of one node. */
export class Calls {
  readonly #open = new Set<AbortController>();

  /**
   * Runs one call until it ends, its signal aborts, or {@link Calls.stop}. No listener stays behind on the signal. What `run` began goes
   * on when nobody waits for it any more; `scope` tells it.
   *
   * @throws What `run` throws, the signal's reason, or {@link StoppedError} with `action`.
   */
  async run<T>(
    action: string,
    { signal }: CallOptions,
    run: (scope: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const call = new AbortController();
    const abort = () => call.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    this.#open.add(call);
    try {
      const running = run(call.signal);
      running.catch(() => {}); // goes on alone after an abort
      return await abortable(running, call.signal);
    } catch (error) {
      throw error instanceof StoppedError ? new StoppedError(action) : error;
    } finally {
      this.#open.delete(call);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Ends all calls with {@link StoppedError}. */
  stop(): void {
    for (const call of this.#open) call.abort(new StoppedError("finish the call"));
  }
}
