/**
 * Where a node writes what it sees: any structural logger, by default LogTape, which is silent until the app configures it.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";

/** Facts that belong to a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger by structure: LogTape's and `console` fit as they are, pino with its arguments swapped. */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(message: string, fields?: LogFields): void;
  /** A change worth a line: started, joined, admitted, stopped. */
  info(message: string, fields?: LogFields): void;
  /** Something failed and the node goes on. */
  warn(message: string, fields?: LogFields): void;
  /** Something is broken that should never be. */
  error(message: string, fields?: LogFields): void;
}

/** The default logger: LogTape's category `["@ck/cluster"]`. Silent unless the app configures LogTape. */
export function logtape(): Logger {
  return getLogger(["@ck/cluster"]) as unknown as Logger;
}

/** Lets one line a subject and period through, and says with the next one how many it held back. */
export class LogThrottle {
  readonly #periodMs: number;
  readonly #subjects = new Map<string, { at: number; held: number }>();

  /** Creates a throttle that lets one line pass in `periodMs`. */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** Whether a line about `subject` may pass at instant `now`: `undefined`, or how many were held back since the last one. */
  pass(subject: string, now: number): number | undefined {
    const last = this.#subjects.get(subject);
    if (last !== undefined && now - last.at < this.#periodMs) {
      last.held += 1;
      return undefined;
    }
    // A peer can make up subjects (names in conflict): forget the oldest rather than grow.
    if (last === undefined && this.#subjects.size >= 256) {
      this.#subjects.delete(this.#subjects.keys().next().value!);
    }
    this.#subjects.delete(subject);
    this.#subjects.set(subject, { at: now, held: 0 });
    return last?.held ?? 0;
  }
}
