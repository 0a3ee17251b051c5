/**
 * How a node tells the others that it goes.
 *
 * @module
 */
import { abortable } from "@std/async";
import type { Clock } from "./clock.ts";
import { OperationError } from "./driver.ts";
import type { Driver } from "./driver.ts";
import { LeaveError } from "./errors.ts";
import type { Reports } from "./reports.ts";

/** Why a node stops telling that it leaves: everybody else has left. */
const nobodyLeft = "nobody is left to be told";

/** What {@link Goodbye} works with. */
export interface GoodbyeOptions {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly reports: Reports;
  /** How long a stop waits for the news to spread. */
  readonly leaveTimeoutMs: number;
}

/** The goodbye of one node. */
export class Goodbye {
  readonly #options: GoodbyeOptions;
  readonly #hurry = new AbortController();
  #said = false;

  /** Creates it, unsaid. */
  constructor(options: GoodbyeOptions) {
    this.#options = options;
  }

  /** Ends the waiting for the news to spread. */
  hurry(): void {
    this.#hurry.abort();
  }

  /** Nobody else is left. */
  deserted(): void {
    this.#hurry.abort(nobodyLeft);
  }

  /** Tells the others. May be repeated. @throws {LeaveError} When there are some, and none could be told. */
  async say(): Promise<void> {
    try {
      await this.#options.driver.leave();
      this.#said = true;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      throw new LeaveError(error.attempted ?? 0, error.message, { cause: error });
    }
  }

  /** Tells the others unless they know, within the limit; what goes wrong is logged. */
  async sayBeforeStop(): Promise<void> {
    if (this.#said) return;
    const { driver, clock, reports, leaveTimeoutMs } = this.#options;
    const cancel = clock.setTimer(leaveTimeoutMs, () => this.#hurry.abort());
    try {
      const leaving = driver.leave();
      leaving.catch(() => {}); // settled by the driver's close at the latest
      await abortable(leaving, this.#hurry.signal);
    } catch (error) {
      if (error === nobodyLeft) return;
      reports.error("warn", "the node left before the others were told", error);
    } finally {
      cancel();
    }
  }
}
