/**
 * An async iterator that conflates: it can neither grow nor miss the latest state.
 *
 * @module
 */

/** Something with a current value and changes. */
export interface Watchable<T> {
  /** The value now. */
  current(): T;
  /** Calls `change` after every change and `end` when there will be none any more. Returns what ends the subscription. */
  subscribe(change: () => void, end: () => void): () => void;
}

/** Options of {@link watch}. */
export interface WatchOptions {
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Iterates over the values of `source`, beginning with the current one. A consumer that is slower than the changes skips the values in
 * between and always gets the latest. Ends when `signal` aborts, when the source ends, or when the loop is left; nothing stays behind.
 */
export function watch<T>(
  source: Watchable<T>,
  options: WatchOptions = {},
): AsyncIterableIterator<T> {
  const { signal } = options;
  const waiting: ((result: IteratorResult<T>) => void)[] = [];
  let fresh = true;
  let ended = false;

  const end = () => {
    if (ended) return;
    ended = true;
    signal?.removeEventListener("abort", end);
    unsubscribe();
    for (const resolve of waiting.splice(0)) resolve({ done: true, value: undefined });
  };
  const change = () => {
    if (ended) return;
    const resolve = waiting.shift();
    fresh = resolve === undefined;
    resolve?.({ done: false, value: source.current() });
  };
  let unsubscribe: () => void = () => {};
  if (signal?.aborted) ended = true;
  else {
    signal?.addEventListener("abort", end);
    unsubscribe = source.subscribe(change, end);
    if (ended) unsubscribe(); // the source had already ended
  }

  return {
    next(): Promise<IteratorResult<T>> {
      if (ended) return Promise.resolve({ done: true, value: undefined });
      if (fresh) {
        fresh = false;
        return Promise.resolve({ done: false, value: source.current() });
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    return(): Promise<IteratorResult<T>> {
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator](): AsyncIterableIterator<T> {
      return this;
    },
  };
}
