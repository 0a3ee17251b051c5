/**
 * A {@link Conn} over one stream of `node:http2`, client or server.
 *
 * @module
 */
import type { Http2Stream } from "node:http2";
import { Inbox } from "../_inbox.ts";
import { type Conn, ConnResetError } from "../transport.ts";
import { CANCEL } from "./protocol.ts";

const NO_ERROR = 0;

/** Bytes taken in ahead of the reader before the window is let run dry. */
const READ_AHEAD_BYTES = 64 * 1024;

/** Options of {@link NodeStreamConn}. */
export interface NodeStreamConnOptions {
  readonly remoteAddr: string;
  /** Code to release the stream with when the peer does not end its direction after {@link NodeStreamConn.close}. */
  readonly lingerCode: number;
  /** How long the peer may take for that. */
  readonly lingerMs: number;
  /** Sent, as the last thing, by {@link NodeStreamConn.abort}: something that a reader takes for a torn body. */
  readonly torn: Uint8Array;
  /** Called once, when the stream is gone. */
  readonly onGone: () => void;
  /** Called whenever something arrives. */
  readonly onHeard?: () => void;
}

/** Carries a raw body in each direction. */
export class NodeStreamConn implements Conn {
  readonly remoteAddr: string;
  readonly #stream: Http2Stream;
  readonly #options: NodeStreamConnOptions;
  readonly #inbox: Inbox;
  #writers: PromiseWithResolvers<void>[] = [];
  #closing: Promise<void> | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #gone = false;

  constructor(stream: Http2Stream, options: NodeStreamConnOptions) {
    this.#stream = stream;
    this.#options = options;
    this.remoteAddr = options.remoteAddr;
    this.#inbox = new Inbox({
      onTaken: () => {
        if (this.#inbox.bufferedBytes <= READ_AHEAD_BYTES) stream.resume();
      },
    });
    stream.on("data", (chunk: Uint8Array) => {
      options.onHeard?.();
      // A Buffer's slice() shares memory; a Uint8Array's copies.
      this.#inbox.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (this.#inbox.bufferedBytes > READ_AHEAD_BYTES) stream.pause();
    });
    stream.on("end", () => {
      if (stream.aborted || (stream.rstCode ?? NO_ERROR) !== NO_ERROR) this.#lost();
      else this.#inbox.end();
    });
    stream.on("drain", () => this.#settleWriters());
    stream.on("aborted", () => this.#failWriters());
    stream.on("error", (cause: Error) => this.#lost(cause));
    const gone = () => {
      if (this.#gone) return;
      this.#gone = true;
      clearTimeout(this.#linger);
      if (stream.readableEnded && (stream.rstCode ?? NO_ERROR) === NO_ERROR) this.#inbox.end();
      this.#lost();
      options.onGone();
    };
    stream.on("close", gone);
    // Headers and reset in one segment: "close" may have been told before anybody could listen.
    if (stream.destroyed) setTimeout(gone, 0);
    else stream.resume();
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#inbox.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closing !== undefined) throw new ConnResetError("The own end closed the stream");
    if (this.#gone || !this.#stream.writable) {
      throw new ConnResetError("The other end reset the stream");
    }
    if (this.#stream.write(bytes)) return;
    const room = Promise.withResolvers<void>();
    this.#writers.push(room);
    await room.promise;
  }

  setReadDeadline(afterMs: number | undefined): void {
    if (this.#closing === undefined) this.#inbox.setDeadline(afterMs);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  abort(_reason?: unknown): void {
    this.#closing ??= Promise.resolve();
    this.#inbox.shut(new ConnResetError("The own end reset the stream"));
    this.#failWriters();
    if (this.#gone) return;
    // node:http2 ends a stream before it resets it, so the reset alone could be taken for a clean end.
    if (this.#stream.writable) this.#stream.write(this.#options.torn);
    this.#stream.close(CANCEL);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #close(): Promise<void> {
    this.#inbox.shut(new ConnResetError("The own end closed the stream"));
    if (this.#gone) return Promise.resolve();
    const stream = this.#stream;
    return new Promise((resolve) => {
      stream.once("close", resolve);
      stream.resume(); // What still comes is skipped.
      if (stream.destroyed) return;
      stream.end(() => {
        resolve();
        if (this.#gone) return;
        this.#linger = setTimeout(
          () => stream.close(this.#options.lingerCode),
          this.#options.lingerMs,
        );
      });
    });
  }

  #lost(cause?: Error): void {
    this.#inbox.fail(
      new ConnResetError("The other end reset the stream", cause === undefined ? {} : { cause }),
    );
    this.#failWriters();
  }

  #settleWriters(): void {
    for (const writer of this.#writers.splice(0)) writer.resolve();
  }

  #failWriters(): void {
    for (const writer of this.#writers.splice(0)) {
      writer.reject(new ConnResetError("The stream was reset while writing"));
    }
  }
}
