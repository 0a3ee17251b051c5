/**
 * How the parts of a search end: aborted, failed, told.
 *
 * @module
 */
import { abortable } from "@std/async";
import type { DiscoverOptions } from "./discovery.ts";

/** Settles as `promise` does, or rejects with the reason of `signal`, if there is one. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? promise : abortable(promise, signal);
}

/** A name was answered for, without an address: as far as is known, nobody is there. */
export class NoAddressError extends AggregateError {
  /** For `switch` across realms. */
  override readonly name = "NoAddressError";
  /** Takes the failures of all attempts. */
  constructor({ errors, message }: AggregateError) {
    super(errors, message);
  }
}

/** Several failures as one, with their messages in its own. */
export function allFailed(errors: readonly unknown[], rule: string): AggregateError {
  const reasons = errors.map((error) => error instanceof Error ? error.message : String(error));
  return new AggregateError(errors, `${rule}: ${reasons.join("; ")}`);
}

/** Runs the one part that everything of `source` hangs on; its failure is told, and is then the source's. */
export async function reported<T>(
  source: string,
  { signal, onFailure }: DiscoverOptions,
  part: () => Promise<T>,
): Promise<T> {
  try {
    return await part();
  } catch (error) {
    signal?.throwIfAborted();
    onFailure?.(Object.freeze({ source, error }));
    throw allFailed([error], `Cannot discover peers by ${source}`);
  }
}
