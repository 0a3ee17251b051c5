/**
 * A byte stream inside a body of frames: every write is one frame, reads are the payloads one after another.
 *
 * @module
 */
import { EMPTY_FRAME } from "./http2/protocol.ts";
import { encodeFrame, FrameReader } from "./frame.ts";
import { type Conn, ConnResetError } from "./transport.ts";

/** Options of {@link framed}. */
export interface FramedOptions {
  /** Longest frame accepted, bytes. */
  readonly maxFrameBytes: number;
  /** Whether an empty frame answers whatever comes in. @default {false} */
  readonly answers?: boolean;
  /** Told of payload bytes that went out. */
  readonly onSent?: (bytes: number) => void;
  /** Told of payload bytes that came in. */
  readonly onReceived?: (bytes: number) => void;
}

/** Wraps a connection that carries a body into one that carries what its frames hold. */
export function framed(body: Conn, options: FramedOptions): Conn {
  const reader = new FrameReader({ maxFrameBytes: options.maxFrameBytes });
  let payloads: Uint8Array[] = [];
  let answering = false;

  function answer(): void {
    if (answering) return;
    answering = true; // Where nobody reads it, it stays the only one.
    body.write(EMPTY_FRAME).then(() => answering = false, () => {});
  }

  async function read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const payload = payloads.shift();
      if (payload !== undefined) {
        options.onReceived?.(payload.length);
        return payload;
      }
      if (reader.failure !== undefined) throw malformed(reader.failure);
      const chunk = await body.read();
      if (chunk === undefined) {
        if (!reader.end()) throw malformed(new SyntaxError("The body ended inside a frame"));
        return undefined;
      }
      if (options.answers) answer();
      try {
        payloads = reader.push(chunk).filter((payload) => payload.length > 0);
      } catch (error) {
        throw malformed(error);
      }
    }
  }

  function malformed(cause: unknown): ConnResetError {
    body.abort(cause);
    return new ConnResetError("The other end sent no valid frames", { cause });
  }

  async function write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    await body.write(encodeFrame(bytes));
    options.onSent?.(bytes.length);
  }

  return {
    remoteAddr: body.remoteAddr,
    read,
    write,
    setReadDeadline: (afterMs) => body.setReadDeadline(afterMs),
    close: () => body.close(),
    abort: (reason) => body.abort(reason),
    [Symbol.asyncDispose]: () => body.close(),
  };
}
