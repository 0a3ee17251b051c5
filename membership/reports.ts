/**
 * What a node says about itself: log lines, few of them, and the last error.
 *
 * @module
 */
import type { Refusal } from "../gossip/strategy.ts";
import type { Clock } from "./clock.ts";
import type { NameConflict } from "./events.ts";
import type { LastError } from "./health.ts";
import { LogThrottle } from "./logger.ts";
import type { LogFields, Logger } from "./logger.ts";
import { wordOf } from "./words.ts";

/** At most one line about the same subject in this time. */
const throttleMs = 60_000;

/** Options of {@link Reports}. */
export interface ReportsOptions {
  /** The node's name, in every line. */
  readonly name: string;
  /** Where lines go. */
  readonly logger: Logger;
  /** Measures how long ago something was. */
  readonly clock: Clock;
}

/** The reports of one node. */
export class Reports {
  readonly #options: ReportsOptions;
  readonly #throttle = new LogThrottle(throttleMs);
  #last: { readonly message: string; readonly at: number } | undefined;

  /** Creates it, with nothing to report. */
  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** A metric could not be read: the others are served, and this one is told of once. */
  readonly unread = (metric: string, error: unknown): void => {
    this.log("warn", "a metric could not be read", { metric, error: wordOf(error) });
  };

  /** The last error; `undefined` when there was none. */
  get lastError(): LastError | undefined {
    if (this.#last === undefined) return undefined;
    const { message, at } = this.#last;
    return Object.freeze({ message, ageMs: this.#options.clock.now() - at });
  }

  /** Something that happens seldom. */
  log(level: keyof Logger, message: string, fields: LogFields = {}): void {
    const { logger, name } = this.#options;
    try {
      logger[level](message, { node: name, ...fields });
    } catch {
      // a logger that throws must not stop the protocol
    }
  }

  /** An error that the node survives. */
  error(level: keyof Logger, message: string, error: unknown): void {
    const detail = wordOf(error);
    this.#last = { message: `${message}: ${detail}`, at: this.#options.clock.now() };
    this.#seldom(message, level, message, { error: detail });
  }

  /** Something was refused. */
  refusal(refusal: Refusal): void {
    this.#seldom(`refused ${refusal.reason}`, "warn", "something was refused", { ...refusal });
  }

  /** A key got a large value. */
  large(key: string, value: string): void {
    const bytes = new TextEncoder().encode(value).length;
    this.#seldom(`large ${key}`, "warn", "a key has a large value", { key, bytes });
  }

  /** Two live nodes claim one name. */
  conflict(conflict: NameConflict): void {
    this.#seldom(`conflict ${conflict.name}`, "warn", "two live nodes claim one name", {
      ...conflict,
    });
  }

  #seldom(subject: string, level: keyof Logger, message: string, fields: LogFields): void {
    const held = this.#throttle.pass(subject, this.#options.clock.now());
    if (held !== undefined) this.log(level, message, { ...fields, held });
  }
}
