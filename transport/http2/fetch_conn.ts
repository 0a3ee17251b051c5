/**
 * A {@link Conn} over the request and the response of a Fetch-style handler (`Deno.serve`, `Bun.serve`), or of `fetch` itself.
 *
 * @module
 */
import { Inbox } from "../_inbox.ts";
import { type Conn, ConnResetError } from "../transport.ts";

const READ_AHEAD_BYTES = 64 * 1024;
const WRITE_AHEAD_BYTES = 64 * 1024;

/** Options of {@link FetchConn}. */
export interface FetchConnOptions {
  readonly remoteAddr: string;
  /** How long the peer may take to end its direction after {@link FetchConn.close}. */
  readonly lingerMs: number;
  /** Called once, when the stream is gone. */
  readonly onGone: () => void;
  /** Sent before anything else. */
  readonly preamble?: Uint8Array;
  /** Sent, as the last thing, by {@link FetchConn.abort}: something that a reader takes for a torn body. */
  readonly torn: Uint8Array;
  /** Called whenever something arrives. */
  readonly onHeard?: () => void;
  /** Resets the stream, if there is another way than to drop the bodies. */
  readonly reset?: () => void;
}

/** Carries a raw body in each direction. */
export class FetchConn implements Conn {
  readonly remoteAddr: string;
  /** The body to send. */
  readonly response: ReadableStream<Uint8Array>;
  readonly #options: FetchConnOptions;
  readonly #inbox: Inbox;
  #request: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #taken: (() => void) | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #reset = false;
  /** A client's: whether the server takes no more of the request. */
  #unheard = false;
  #requestDone = false;
  #gone = false;

  /** `undefined`: the body to read is not there yet; see {@link receive}. */
  constructor(body: ReadableStream<Uint8Array> | null | undefined, options: FetchConnOptions) {
    this.#options = options;
    this.remoteAddr = options.remoteAddr;
    this.#inbox = new Inbox({ onTaken: () => this.#taken?.() });
    this.response = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        if (options.preamble !== undefined) controller.enqueue(options.preamble);
      },
      pull: () => {
        this.#room?.resolve();
        this.#room = undefined;
      },
      cancel: () => {
        // A server that has answered in full may stop a request with NO_ERROR (RFC 9113 §8.1), as ckit's does: the answer still counts.
        if (options.reset === undefined) return this.#lost();
        this.#unheard = true;
        this.#failWriter();
      },
    }, { highWaterMark: WRITE_AHEAD_BYTES, size: (chunk) => chunk?.byteLength ?? 0 });
    if (body !== undefined) this.receive(body);
  }

  /** Begins to read this body. Once. */
  receive(body: ReadableStream<Uint8Array> | null): void {
    if (this.#gone) {
      body?.cancel().catch(() => {});
      return;
    }
    this.#request = body?.getReader();
    void this.#receive();
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#inbox.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw new ConnResetError("The own end closed the stream");
    if (this.#reset || this.#unheard) {
      throw new ConnResetError("The other end reset the stream");
    }
    this.#controller.enqueue(bytes);
    if ((this.#controller.desiredSize ?? 0) > 0) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
  }

  setReadDeadline(afterMs: number | undefined): void {
    if (!this.#closed) this.#inbox.setDeadline(afterMs);
  }

  close(): Promise<void> {
    if (this.#closed || this.#reset) return Promise.resolve();
    this.#closed = true;
    this.#inbox.shut(new ConnResetError("The own end closed the stream"));
    this.#taken?.();
    if (!this.#unheard) this.#controller.close();
    if (this.#requestDone) this.#finish();
    else this.#linger = setTimeout(() => this.#finish(), this.#options.lingerMs);
    return Promise.resolve();
  }

  abort(reason?: unknown): void {
    if (this.#gone || this.#reset) return;
    this.#closed = true;
    this.#reset = true;
    const error = new ConnResetError("The own end reset the stream", { cause: reason });
    this.#inbox.shut(error);
    this.#failWriter();
    try {
      // An error would reset the stream, but both runtimes also print it to the console: only where much waits that must be dropped.
      if ((this.#controller.desiredSize ?? 0) > 0) {
        this.#controller.enqueue(this.#options.torn);
        this.#controller.close();
      } else {
        this.#controller.error(error);
      }
    } catch {
      // Closed before: what was not yet taken is dropped with the request.
    }
    this.#finish();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #receive(): Promise<void> {
    const request = this.#request;
    try {
      while (request !== undefined) {
        const { done, value } = await request.read();
        if (done) break;
        this.#options.onHeard?.();
        if (!this.#closed) this.#inbox.push(value);
        while (this.#inbox.bufferedBytes > READ_AHEAD_BYTES) {
          await new Promise<void>((resolve) => this.#taken = resolve);
          this.#taken = undefined;
        }
      }
      // Deno and Bun show a reset as the end of the body and cancel the response a moment later.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#requestDone = true;
      if (!this.#reset) this.#inbox.end();
      if (this.#closed) this.#finish();
    } catch (cause) {
      this.#requestDone = true;
      this.#lost(cause);
    }
  }

  /** The peer reset the stream, or the socket is gone. */
  #lost(cause?: unknown): void {
    if (this.#closed) return this.#finish();
    this.#reset = true;
    this.#inbox.fail(new ConnResetError("The other end reset the stream", { cause }));
    this.#failWriter();
    this.#finish();
  }

  #failWriter(): void {
    this.#room?.reject(new ConnResetError("The stream was reset while writing"));
    this.#room = undefined;
  }

  #finish(): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#linger);
    this.#taken?.();
    const { reset, lingerMs, onGone } = this.#options;
    if (reset !== undefined) {
      // Both ends are done, but what was written may still be on its way.
      const clean = this.#requestDone && !this.#reset;
      const timer = setTimeout(reset, clean ? lingerMs : 0);
      (timer as unknown as { unref?: () => void }).unref?.();
    }
    if (!this.#requestDone) this.#request?.cancel().catch(() => {});
    onGone();
  }
}
