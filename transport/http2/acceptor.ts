/**
 * The server half: ckit's two endpoints as Hono routes.
 *
 * @module
 */
import type { ServerHttp2Stream } from "node:http2";
import { type Context, Hono } from "hono";
import { framed } from "../_framed.ts";
import type { Conn, TransportHandlers } from "../transport.ts";
import type { Counters } from "./counters.ts";
import { FetchConn } from "./fetch_conn.ts";
import { httpVersionMajor, isNodeEnv, remoteAddrOf } from "./http_version.ts";
import { Intake } from "./intake.ts";
import { NodeStreamConn } from "./node_stream_conn.ts";
import type { ResolvedHttp2Options } from "./options.ts";
import {
  ANSWER_HEADER,
  BASE_PATH,
  CONTENT_TYPE,
  EMPTY_FRAME,
  MESSAGE_PATH,
  STREAM_PATH,
  TORN_FRAME,
} from "./protocol.ts";

/** How long a request with packets may take to arrive; ckit's own clients give up after 5 s. */
const RECEIVE_TIMEOUT_MS = 10_000;

/** How long a peer may take to end its direction of a connection after we ended ours. */
const LINGER_MS = 2_000;

/** Options of {@link Acceptor}. */
export interface AcceptorOptions {
  readonly counters: Counters;
  readonly options: ResolvedHttp2Options;
}

/** Checks requests in ckit's order, hands packets and connections over. */
export class Acceptor {
  readonly #counters: Counters;
  readonly #options: ResolvedHttp2Options;
  readonly #conns = new Set<Conn>();
  #handlers: TransportHandlers | undefined;
  readonly #receiving = { bytes: 0 };
  #requests = 0;

  constructor({ counters, options }: AcceptorOptions) {
    this.#counters = counters;
    this.#options = options;
  }

  /** Begins to accept. */
  open(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  /** Refuses everything from now on and resets the accepted connections. */
  close(): void {
    this.#handlers = undefined;
    for (const conn of [...this.#conns]) conn.abort(new Error("The transport closed"));
  }

  /** The routes. Any method will do, as with ckit. */
  routes(): Hono {
    const app = new Hono();
    app.all(MESSAGE_PATH, (c) => this.#message(c));
    app.all(STREAM_PATH, (c) => this.#stream(c));
    app.all(`${BASE_PATH}*`, () => new Response(null, { status: 404 }));
    return app;
  }

  #refusal(c: Context): number | undefined {
    if (this.#handlers === undefined) return 503;
    const version = this.#options.httpVersion ?? httpVersionMajor;
    if (version(c.req.raw, c.env) !== 2) return 505;
    if (c.req.header("content-type") !== CONTENT_TYPE) return 400;
    return undefined;
  }

  #refuse(status: number): Response {
    this.#counters.requestsRefused++;
    return new Response(null, { status });
  }

  async #message(c: Context): Promise<Response> {
    const status = this.#refusal(c) ??
      (this.#requests >= this.#options.maxRequests ? 503 : undefined);
    if (status !== undefined) return this.#refuse(status);
    const from = remoteAddrOf(c.req.raw, c.env);
    const intake = new Intake({
      maxPacketBytes: this.#options.maxPacketBytes,
      maxBodyBytes: this.#options.maxBodyBytes,
      maxReceivingBytes: this.#options.maxReceivingBytes,
      receiving: this.#receiving,
      counters: this.#counters,
      packet: (bytes) => this.#handlers?.packet(bytes, from),
    });
    this.#requests++;
    try {
      const stream = nodeStream(c);
      if (stream !== undefined) {
        if (await receiveFromNode(stream, intake) !== 200) this.#counters.requestsRefused++;
        return alreadySent();
      }
      const status = await receiveFromFetch(c.req.raw.body, intake);
      return status === 200 ? new Response(null, { status }) : this.#refuse(status);
    } finally {
      intake.release();
      this.#requests--;
    }
  }

  #stream(c: Context): Response | Promise<Response> {
    const status = this.#refusal(c) ??
      (this.#conns.size >= this.#options.maxConnections ? 503 : undefined);
    if (status !== undefined) return this.#refuse(status);
    const gone = Promise.withResolvers<void>();
    const onGone = () => {
      this.#conns.delete(body);
      this.#counters.openConnections--;
      gone.resolve();
    };
    const remoteAddr = remoteAddrOf(c.req.raw, c.env);
    const stream = nodeStream(c);
    const body: NodeStreamConn | FetchConn = stream !== undefined
      ? new NodeStreamConn(stream, {
        remoteAddr,
        lingerCode: 0,
        lingerMs: LINGER_MS,
        torn: TORN_FRAME,
        onGone,
      })
      : new FetchConn(c.req.raw.body, {
        remoteAddr,
        lingerMs: LINGER_MS,
        onGone,
        torn: TORN_FRAME,
        // Bun.serve holds the response headers back until the first byte.
        ...("Bun" in globalThis && { preamble: EMPTY_FRAME }),
      });
    this.#conns.add(body);
    this.#counters.openConnections++;
    this.#counters.connectionsAccepted++;
    // The dialler sends nothing before it has seen the status. One that has left already is the connection's to find out.
    if (stream !== undefined) respond(stream, 200, false);
    this.#accepted(framed(body, {
      maxFrameBytes: this.#options.maxFrameBytes,
      answers: c.req.header(ANSWER_HEADER) !== undefined,
      onSent: (bytes) => this.#counters.connectionBytesSent += bytes,
      onReceived: (bytes) => this.#counters.connectionBytesReceived += bytes,
    }));
    if (body instanceof FetchConn) return new Response(body.response, { status: 200 });
    // node-server takes a returned answer as licence to destroy a request that was not read to its end.
    return gone.promise.then(alreadySent);
  }

  /** What the handler throws, at once or later, ends its connection and nothing else. */
  #accepted(conn: Conn): void {
    try {
      const result: unknown = this.#handlers?.connection(conn);
      if (result instanceof Promise) result.catch((error) => conn.abort(error));
    } catch (error) {
      conn.abort(error);
    }
  }
}

function nodeStream(c: Context): ServerHttp2Stream | undefined {
  if (!isNodeEnv(c.env)) return undefined;
  return (c.env.outgoing as { stream?: ServerHttp2Stream }).stream;
}

/** Tells `@hono/node-server` that the answer was written on the stream. */
function alreadySent(): Response {
  return new Response(null, { headers: { "x-hono-already-sent": "true" } });
}

/** Answers, if anybody is left to answer to. */
function respond(stream: ServerHttp2Stream, status: number, endStream: boolean): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  try {
    // Without a date and a length every answer after the first is a single byte of headers.
    stream.respond({ ":status": status }, { endStream, sendDate: false } as object);
  } catch {
    // Reset in this very turn; "close" follows.
  }
}

/** Reads the body and answers it; tells the status. */
function receiveFromNode(stream: ServerHttp2Stream, intake: Intake): Promise<number> {
  return new Promise((resolve) => {
    let answered = false;
    const answer = (status: number) => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      respond(stream, status, true);
      if (status !== 200) stream.close(0);
      resolve(status);
    };
    const timer = setTimeout(() => answer(400), RECEIVE_TIMEOUT_MS);
    stream.on("data", (chunk: Uint8Array) => {
      if (answered) return;
      const refused = intake.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (refused !== undefined) answer(refused);
    });
    stream.on("end", () => answer(stream.aborted ? 400 : intake.end()));
    stream.on("error", () => {});
    stream.on("close", () => answer(400));
    // Headers and reset in one segment: all that has been told already.
    if (stream.destroyed) answer(400);
    else stream.resume();
  });
}

/** Reads the body; tells the status to answer with. */
async function receiveFromFetch(
  body: ReadableStream<Uint8Array> | null,
  intake: Intake,
): Promise<number> {
  if (body === null) return intake.end();
  const reader = body.getReader();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reader.cancel().catch(() => {});
  }, RECEIVE_TIMEOUT_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return late ? 400 : intake.end();
      const refused = intake.push(value);
      if (refused !== undefined) {
        reader.cancel().catch(() => {});
        return refused;
      }
    }
  } catch {
    return 400;
  } finally {
    clearTimeout(timer);
  }
}
