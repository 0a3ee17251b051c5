/**
 * HTTP/2 frame by frame (RFC 9113), for peers that no library would play: it does what it is told, right or wrong. Independent of
 * `node:http2`, whose server on Deno does not survive clients that say GOAWAY.
 *
 * @module
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Frame types. */
export const FRAME = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** END_STREAM, and ACK of SETTINGS and PING. */
export const END_STREAM = 1;
/** END_HEADERS. */
export const END_HEADERS = 4;

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const WINDOW_BYTES = 65_535;

/** One frame. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** Encodes a frame. */
export function frame(
  type: number,
  flags: number,
  id: number,
  payload: Uint8Array | readonly number[] = [],
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  bytes.set([payload.length >> 16, payload.length >> 8, payload.length, type, flags]);
  bytes.set(uint32(id), 5);
  bytes.set(payload, 9);
  return bytes;
}

/** Four bytes, big-endian. */
export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** HPACK without table and Huffman: every field a literal, never indexed. Names and values below 127 bytes. */
export function fields(headers: Readonly<Record<string, string>>): number[] {
  const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
  return Object.entries(headers).flatMap(([name, value]) => [0, ...text(name), ...text(value)]);
}

/** Both ends' socket, cut into frames. */
export class FrameSocket {
  readonly socket: Socket;
  /** What comes in. */
  onFrame: (frame: Frame) => void = () => {};
  #pending = new Uint8Array();
  #skip: number;

  constructor(socket: Socket, skipBytes: number) {
    this.socket = socket;
    this.#skip = skipBytes;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (bytes) => this.#take(new Uint8Array(bytes)));
  }

  /** Writes frames as one piece. */
  send(...frames: readonly Uint8Array[]): void {
    if (this.socket.destroyed) return;
    this.socket.cork();
    for (const each of frames) this.socket.write(each);
    this.socket.uncork();
  }

  #take(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#pending.length + bytes.length);
    all.set(this.#pending);
    all.set(bytes, this.#pending.length);
    let at = 0;
    if (this.#skip > 0 && all.length >= this.#skip) {
      at = this.#skip;
      this.#skip = 0;
    }
    while (this.#skip === 0 && all.length - at >= 9) {
      const length = all[at]! << 16 | all[at + 1]! << 8 | all[at + 2]!;
      if (all.length - at < 9 + length) break;
      const id = (all[at + 5]! & 0x7f) << 24 | all[at + 6]! << 16 | all[at + 7]! << 8 |
        all[at + 8]!;
      const payload = all.slice(at + 9, at + 9 + length);
      const [type, flags] = [all[at + 3]!, all[at + 4]!];
      at += 9 + length;
      this.onFrame({ type, flags, id, payload });
    }
    this.#pending = all.slice(at);
  }
}

/** A client that speaks in frames; SETTINGS and PING are answered by itself. */
export async function frameClient(addr: string): Promise<FrameClient> {
  const at = addr.lastIndexOf(":");
  const socket = connect(Number(addr.slice(at + 1)), addr.slice(0, at));
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
  return new FrameClient(socket);
}

/** See {@link frameClient}. */
export class FrameClient extends FrameSocket {
  /** All that came, but for SETTINGS, PING and WINDOW_UPDATE. */
  readonly frames: Frame[] = [];

  constructor(socket: Socket) {
    super(socket, 0);
    this.onFrame = (got) => {
      if (got.type === FRAME.settings && got.flags === 0) {
        this.send(frame(FRAME.settings, END_STREAM, 0));
      } else if (got.type === FRAME.ping && got.flags === 0) {
        this.send(frame(FRAME.ping, END_STREAM, 0, got.payload));
      } else if (got.type !== FRAME.settings && got.type !== FRAME.windowUpdate) {
        this.frames.push(got);
      }
    };
    this.send(PREFACE, frame(FRAME.settings, 0, 0));
  }

  /** Hangs up without a word. */
  close(): void {
    this.socket.destroy();
  }
}

/** The headers of a POST. */
export function post(path: string): number[] {
  return fields({
    ":method": "POST",
    ":scheme": "http",
    ":authority": "peer",
    ":path": path,
    "content-type": "application/x.ckit",
  });
}

type Told = "data" | "end" | "drain" | "close";

/** A request as a {@link RawServer} sees it. */
export class RawStream {
  /** Whether either end reset it, or both ended it. */
  closed = false;
  readonly #session: RawSession;
  readonly #id: number;
  readonly #listeners: Partial<Record<Told, ((chunk: Uint8Array) => void)[]>> = {};
  #window: number;

  constructor(session: RawSession, id: number, window: number) {
    this.#session = session;
    this.#id = id;
    this.#window = window;
  }

  on(event: Told, listener: (chunk: Uint8Array) => void): void {
    (this.#listeners[event] ??= []).push(listener);
  }

  /** Tells listeners. */
  emit(event: Told, chunk: Uint8Array = new Uint8Array()): void {
    for (const listener of this.#listeners[event] ?? []) listener(chunk);
  }

  /** The client gave room. */
  widen(by: number): void {
    this.#window += by;
    this.emit("drain");
  }

  respond(headers: { readonly ":status": number }, { endStream = false } = {}): void {
    const status = headers[":status"];
    const block = status === 200 ? [0x88] : [0x08, 3, ...new TextEncoder().encode(String(status))];
    this.#session.send(
      frame(FRAME.headers, END_HEADERS | (endStream ? END_STREAM : 0), this.#id, block),
    );
    if (endStream) this.#session.done(this.#id);
  }

  /** Whether there is room for as much again. */
  write(chunk: Uint8Array): boolean {
    if (this.closed || chunk.length > this.#window || chunk.length > this.#session.window) {
      return false;
    }
    this.#window -= chunk.length;
    this.#session.window -= chunk.length;
    this.#session.send(frame(FRAME.data, 0, this.#id, chunk));
    return this.#window >= chunk.length && this.#session.window >= chunk.length;
  }

  /** Resets it. */
  close(code: number): void {
    if (this.closed) return;
    this.#session.send(frame(FRAME.rst, 0, this.#id, uint32(code)));
    this.#session.done(this.#id);
  }
}

/** A session as a {@link RawServer} sees it. */
export class RawSession extends FrameSocket {
  /** Room for DATA. */
  window: number = WINDOW_BYTES;
  readonly #streams = new Map<number, RawStream>();
  #initialWindow = WINDOW_BYTES;
  #lastId = 0;
  #takesUpTo = 2 ** 31 - 1;

  constructor(socket: Socket, settings: readonly number[], onStream: (stream: RawStream) => void) {
    super(socket, PREFACE.length);
    this.send(frame(FRAME.settings, 0, 0, settings));
    this.onFrame = ({ type, flags, id, payload }) => {
      const stream = this.#streams.get(id);
      if (type === FRAME.settings && flags === 0) {
        const view = new DataView(payload.buffer);
        for (let at = 0; at < payload.length; at += 6) {
          if (view.getUint16(at) === 4) this.#initialWindow = view.getUint32(at + 2);
        }
        this.send(frame(FRAME.settings, END_STREAM, 0));
      } else if (type === FRAME.ping && flags === 0) {
        this.send(frame(FRAME.ping, END_STREAM, 0, payload));
      } else if (type === FRAME.windowUpdate) {
        const by = new DataView(payload.buffer).getUint32(0);
        if (id !== 0) stream?.widen(by);
        else {
          this.window += by;
          for (const each of this.#streams.values()) each.widen(0);
        }
      } else if (type === FRAME.headers && stream === undefined && id <= this.#takesUpTo) {
        const opened = new RawStream(this, id, this.#initialWindow);
        this.#streams.set(id, opened);
        this.#lastId = id;
        onStream(opened);
        if (flags & END_STREAM) opened.emit("end");
      } else if (type === FRAME.data) {
        if (payload.length > 0) {
          const room = uint32(payload.length);
          this.send(frame(FRAME.windowUpdate, 0, 0, room), frame(FRAME.windowUpdate, 0, id, room));
        }
        stream?.emit("data", payload);
        if (flags & END_STREAM) stream?.emit("end");
      } else if (type === FRAME.rst) this.done(id);
    };
    socket.on("close", () => {
      for (const id of [...this.#streams.keys()]) this.done(id);
    });
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  /** Forgets a stream. */
  done(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    stream.closed = true;
    stream.emit("close");
  }

  /** Says GOAWAY, with the last stream seen or another. What comes above that is not looked at. */
  goaway(lastId: number = this.#lastId): void {
    this.#takesUpTo = lastId;
    this.send(frame(FRAME.goaway, 0, 0, [...uint32(lastId), 0, 0, 0, 0]));
  }

  /** Hangs up. */
  destroy(): void {
    this.socket.destroy();
  }
}

/** A server that does what the test says. */
export interface RawServer {
  readonly addr: string;
  readonly sessions: readonly RawSession[];
  close(): void;
}

/** Listens with a stream handler. */
export async function rawServer(
  answer: (stream: RawStream, index: number) => void,
  settings: { readonly maxConcurrentStreams?: number } = {},
): Promise<RawServer> {
  const sessions: RawSession[] = [];
  const limit = settings.maxConcurrentStreams;
  let requests = 0;
  const server = createServer((socket) => {
    const encoded = limit === undefined ? [] : [0, 3, ...uint32(limit)];
    sessions.push(new RawSession(socket, encoded, (stream) => answer(stream, requests++)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    addr: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions,
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
