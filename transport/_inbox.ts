/**
 * The reading half of a {@link Conn}: bytes that arrived, a reader that waits for them, and a deadline.
 *
 * @module
 */

/** Options of {@link Inbox}. */
export interface InboxOptions {
  /** Called after a read took bytes out: time to let more in. */
  readonly onTaken?: () => void;
}

/** Bytes in, bytes out, one reader. */
export class Inbox {
  readonly #onTaken: (() => void) | undefined;
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  #done: { readonly error: Error | undefined } | undefined;
  #expired = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reader:
    | { resolve: (bytes: Uint8Array | undefined) => void; reject: (error: unknown) => void }
    | undefined;

  constructor({ onTaken }: InboxOptions = {}) {
    this.#onTaken = onTaken;
  }

  /** Bytes that wait for a reader. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Whether nothing more can arrive. */
  get done(): boolean {
    return this.#done !== undefined;
  }

  /** Adds bytes, which are the inbox's from now on. Empty chunks, and bytes after the end, count for nothing. */
  push(bytes: Uint8Array): void {
    if (this.#done !== undefined || bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#bufferedBytes += bytes.length;
    this.#serve();
  }

  /** No more bytes: reads get what is left, then the end. */
  end(): void {
    this.#done ??= { error: undefined };
    this.#serve();
  }

  /** No more bytes: reads fail at once; what was not read is gone. The first end or failure counts. */
  fail(error: Error): void {
    if (this.#done === undefined) {
      this.#done = { error };
      this.#chunks = [];
      this.#bufferedBytes = 0;
    }
    this.#serve();
  }

  /** Fails reads even after a clean end, and forgets the deadline: the own side is done with the stream. */
  shut(error: Error): void {
    clearTimeout(this.#timer);
    this.#expired = false;
    this.#chunks = [];
    this.#bufferedBytes = 0;
    this.#done = { error };
    this.#serve();
  }

  /** The next chunk, or `undefined` at the end. */
  read(): Promise<Uint8Array | undefined> {
    if (this.#reader !== undefined) {
      return Promise.reject(new Error("Cannot read as another read is under way"));
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#serve();
    });
  }

  /** Sets or clears the deadline; a new one revives reads that the last one failed. */
  setDeadline(afterMs: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#expired = false;
    if (afterMs === undefined || afterMs === Infinity) return;
    if (this.#done?.error !== undefined) return;
    if (afterMs <= 0) return this.#expire();
    this.#timer = setTimeout(() => this.#expire(), afterMs);
  }

  #expire(): void {
    this.#expired = true;
    this.#serve();
  }

  #serve(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    if (this.#done?.error !== undefined) {
      this.#reader = undefined;
      clearTimeout(this.#timer);
      reader.reject(this.#done.error);
    } else if (this.#expired) {
      this.#reader = undefined;
      reader.reject(new DOMException("The read deadline passed", "TimeoutError"));
    } else if (this.#chunks.length > 0) {
      this.#reader = undefined;
      const bytes = this.#chunks.shift()!;
      this.#bufferedBytes -= bytes.length;
      reader.resolve(bytes);
      this.#onTaken?.();
    } else if (this.#done !== undefined) {
      this.#reader = undefined;
      clearTimeout(this.#timer);
      reader.resolve(undefined);
    }
  }
}
