/**
 * A raw HTTP/2 client and small servers for the transport's tests.
 *
 * @module
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import type { Socket } from "node:net";
import type { Fixture } from "./_harness_conformance.ts";
import { rawServer } from "./_harness_frames.ts";
import { http2 } from "./http2.ts";
import type { listen } from "./listen.ts";
import type { Transport } from "./transport.ts";

export { until } from "./_harness_conformance.ts";
export { rawServer } from "./_harness_frames.ts";

/** Whether this is Deno, whose `node:http2` does not survive a GOAWAY from the other end (denoland/deno#36788). */
export const isDeno: boolean = "Deno" in globalThis;

/** Route for packets. */
export const MESSAGE = "/api/v1/ckit/transport/message";
/** Route for connections. */
export const STREAM = "/api/v1/ckit/transport/stream";
/** The content type. */
export const CKIT = "application/x.ckit";

/** What {@link RawClient.ask} got. */
export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** A plain `node:http2` client that can be wrong in every way. */
export class RawClient {
  readonly session: ClientHttp2Session;

  constructor(addr: string) {
    this.session = connect(`http://${addr}`);
    this.session.on("error", () => {});
  }

  /** Opens a request; its body is the caller's to write. */
  open(
    path: string,
    headers: Record<string, string> = { "content-type": CKIT },
  ): ClientHttp2Stream {
    const stream = this.session.request({ ":method": "POST", ":path": path, ...headers }, {
      endStream: false,
    });
    stream.on("error", () => {});
    return stream;
  }

  /** A whole exchange, each part of the body a DATA frame of its own. */
  async ask(
    path: string,
    parts: readonly (readonly number[])[] = [],
    headers: Record<string, string> = { "content-type": CKIT },
  ): Promise<Answer> {
    const stream = this.open(path, headers);
    const answer = answered(stream);
    for (const part of parts) {
      await new Promise<void>((resolve) => stream.write(Uint8Array.from(part), () => resolve()));
    }
    stream.end();
    return await answer;
  }

  /** Hangs up. */
  close(): void {
    this.session.destroy();
  }
}

/** Status and body of an answer; status 0 when there was none. */
export function answered(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve) => {
    let status = 0;
    const body: number[] = [];
    stream.on("response", (headers) => status = headers[":status"] ?? 0);
    stream.on("data", (chunk: Uint8Array) => body.push(...chunk));
    stream.on("close", () => resolve({ status, body: Uint8Array.from(body) }));
  });
}

/** A TCP relay that can stop relaying without hanging up. */
export interface Relay {
  readonly addr: string;
  /** Connections so far. */
  readonly connections: number;
  /** Sockets open now, both sides counted. */
  readonly open: number;
  /** While set, bytes are swallowed. */
  blackHole: boolean;
  close(): void;
}

/** Relays to an address; without one, hangs up on everybody. */
export async function relay(target?: string): Promise<Relay> {
  const sockets = new Set<Socket>();
  const state = { blackHole: false, connections: 0 };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createTcpServer((inside) => {
    state.connections++;
    keep(inside);
    if (target === undefined) return inside.destroy();
    const [host, port] = target.split(":");
    const outside = connectTcp(Number(port), host);
    keep(outside);
    inside.on("data", (bytes) => state.blackHole || outside.write(bytes));
    outside.on("data", (bytes) => state.blackHole || inside.write(bytes));
    inside.on("close", () => outside.destroy());
    outside.on("close", () => inside.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    addr: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return state.connections;
    },
    get open() {
      return sockets.size;
    },
    get blackHole() {
      return state.blackHole;
    },
    set blackHole(on: boolean) {
      state.blackHole = on;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Sends raw text over TCP and reads the first line of what comes back. */
export function http1(addr: string, request: string): Promise<string> {
  const at = addr.lastIndexOf(":");
  const socket = connectTcp(Number(addr.slice(at + 1)), addr.slice(0, at));
  let text = "";
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => resolve(text.split("\r\n")[0]!));
    socket.on("data", (bytes) => {
      text += new TextDecoder().decode(bytes);
      if (text.includes("\r\n")) socket.destroy();
    });
    socket.write(request);
  });
}

/** An address nobody listens on: it was free a moment ago. */
export async function nobody(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

/** Two HTTP/2 transports over real sockets, for the conformance suite. */
export async function http2Fixture(
  listenOn: typeof listen,
  decorated: (transport: Transport) => Transport = (transport) => transport,
): Promise<Fixture> {
  const inner = http2();
  const a = decorated(http2());
  const b = decorated(inner);
  const listener = await listenOn({ fetch: inner.fetch });
  const hanging = await rawServer(() => {});
  return {
    a,
    b,
    addrB: listener.addr,
    nobody: await nobody(),
    hanging: hanging.addr,
    close: async () => {
      await a.close();
      await b.close();
      await listener.close();
      hanging.close();
    },
  };
}
