import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { assert, assertEquals, assertLess } from "@std/assert";
import { deadline } from "@std/async";
import { Hono } from "hono";
import { needs } from "../tests/_needs.ts";
import { answered, CKIT, http1, isDeno, MESSAGE, RawClient, STREAM, until } from "./_harness.ts";
import { listenNode } from "./http2/node_server.ts";
import { http2, type Http2Options, type Http2Transport } from "./http2.ts";
import { listen, type Listener } from "./listen.ts";
import type { Conn } from "./transport.ts";

interface Served {
  readonly transport: Http2Transport;
  readonly listener: Listener;
  readonly client: RawClient;
  readonly packets: Uint8Array[];
  readonly conns: Conn[];
}

type Listen = typeof listen;

async function serving(
  listenOn: Listen,
  check: (served: Served) => Promise<void>,
  options: Http2Options = {},
): Promise<void> {
  const transport = http2(options);
  const packets: Uint8Array[] = [];
  const conns: Conn[] = [];
  transport.serve({
    packet: (bytes) => packets.push(bytes),
    connection: (conn) => conns.push(conn),
  });
  const app = new Hono();
  app.get("/hello", (c) => c.text("hi"));
  app.route("/", transport.routes());
  const listener = await listenOn({ fetch: app.fetch as Parameters<Listen>[0]["fetch"] });
  const client = new RawClient(listener.addr);
  try {
    await check({ transport, listener, client, packets, conns });
  } finally {
    client.close();
    await transport.close();
    await listener.close();
  }
}

const FRAME = [0xcc, 0, 2, 7, 8];

/** The user's own `@hono/node-server`, without {@link listen}. */
async function adaptor(options: Parameters<Listen>[0]): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: options.fetch as never,
    createServer,
    overrideGlobalObjects: false,
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { addr: `127.0.0.1:${port}`, port, close, [Symbol.asyncDispose]: close };
}

const servers: Record<string, Listen> = {
  "the runtime's server": listen,
  // Deno's node:http2 does not survive clients that say GOAWAY.
  ...(!isDeno && { "node:http2": listenNode, "@hono/node-server": adaptor }),
};

for (const [name, listenOn] of Object.entries(servers)) {
  describe(`http2 endpoints on ${name}`, needs("net"), () => {
    it("C-03 a CD frame may be short", () =>
      serving(listenOn, async ({ client, packets }) => {
        const { status } = await client.ask(MESSAGE, [[0xcd, 0, 0, 0, 1, 0xff]]);
        assertEquals(status, 200);
        assertEquals(packets, [Uint8Array.of(0xff)]);
      }));

    it("C-04 an empty body is 200 and no packet", () =>
      serving(listenOn, async ({ client, packets }) => {
        const { status, body } = await client.ask(MESSAGE);
        assertEquals([status, body.length, packets.length], [200, 0, 0]);
      }));

    it("C-05 two frames are two packets in order", () =>
      serving(listenOn, async ({ client, packets }) => {
        const { status } = await client.ask(MESSAGE, [[...FRAME, 0xcc, 0, 1, 9]]);
        assertEquals(status, 200);
        assertEquals(packets, [Uint8Array.of(7, 8), Uint8Array.of(9)]);
      }));

    it("C-06 a good frame before a bad one counts, the answer is 400", () =>
      serving(listenOn, async ({ client, packets, transport }) => {
        const { status } = await client.ask(MESSAGE, [[...FRAME, 0xaa, 0, 0]]);
        assertEquals(status, 400);
        assertEquals(packets, [Uint8Array.of(7, 8)]);
        assertEquals(transport.stats.requestsRefused, 1);
      }));

    it("C-07 torn frames are 400", () =>
      serving(listenOn, async ({ client, packets }) => {
        for (const body of [[0xcc], [0xcc, 0], [0xcc, 0, 5, 1, 2]]) {
          assertEquals((await client.ask(MESSAGE, [body])).status, 400);
        }
        assertEquals(packets, []);
      }));

    it("C-08 a header without payload is dropped", () =>
      serving(listenOn, async ({ client, packets }) => {
        assertEquals((await client.ask(MESSAGE, [[0xcc, 0, 5]])).status, 200);
        assertEquals(packets, []);
      }));

    it("C-09 another content type is 400, on both endpoints", () =>
      serving(listenOn, async ({ client, packets, conns, transport }) => {
        const types = ["Application/x.ckit", "application/x.ckit; charset=utf-8", "text/plain"];
        for (const path of [MESSAGE, STREAM]) {
          for (const type of types) {
            const { status } = await client.ask(path, [FRAME], { "content-type": type });
            assertEquals(status, 400);
          }
          assertEquals((await client.ask(path, [FRAME], { accept: "*/*" })).status, 400);
        }
        assertEquals([packets.length, conns.length], [0, 0]);
        assertEquals(transport.stats.requestsRefused, 8);
      }));

    if (listenOn !== adaptor) {
      it("C-10 HTTP/1.1 is 505 on the endpoints, and works on the user's own routes", () =>
        serving(listenOn, async ({ listener, packets }) => {
          const { addr } = listener;
          for (const path of [MESSAGE, STREAM]) {
            for (const type of [CKIT, "text/plain"]) {
              const line = await http1(
                addr,
                `POST ${path} HTTP/1.1\r\nHost: ${addr}\r\nContent-Type: ${type}\r\nContent-Length: 0\r\n\r\n`,
              );
              assertEquals(line.split(" ")[1], "505");
            }
          }
          const line = await http1(addr, `GET /hello HTTP/1.1\r\nHost: ${addr}\r\n\r\n`);
          assertEquals(line, "HTTP/1.1 200 OK");
          const response = await fetch(`http://${addr}/hello`);
          assertEquals(await response.text(), "hi");
          assertEquals(packets, []);
        }));
    }

    it("the user's own routes work over HTTP/2 on the same port", () =>
      serving(listenOn, async ({ client }) => {
        const stream = client.session.request({ ":path": "/hello" });
        const { status, body } = await answered(stream);
        assertEquals([status, new TextDecoder().decode(body)], [200, "hi"]);
      }));

    it("C-11 any method will do", () =>
      serving(listenOn, async ({ client }) => {
        for (const method of ["GET", "PUT"]) {
          const stream = client.session.request({
            ":method": method,
            ":path": MESSAGE,
            "content-type": CKIT,
          }, { endStream: true });
          assertEquals((await answered(stream)).status, 200);
        }
      }));

    it("C-12 other paths below the base are 404", () =>
      serving(listenOn, async ({ client }) => {
        assertEquals((await client.ask("/api/v1/ckit/transport/foo", [])).status, 404);
      }));

    it("C-13 everything is 503 before serve() and after close()", async () => {
      await serving(listenOn, async ({ client, transport }) => {
        await transport.close();
        for (const path of [MESSAGE, STREAM]) {
          assertEquals((await client.ask(path, [FRAME])).status, 503);
          assertEquals((await client.ask(path, [], { "content-type": "text/plain" })).status, 503);
        }
      });
    });

    it("C-14 the status of a stream arrives before any byte of the request", () =>
      serving(listenOn, async ({ client, conns }) => {
        const stream = client.open(STREAM);
        const status = Promise.withResolvers<number>();
        stream.on("response", (headers) => status.resolve(headers[":status"] ?? 0));
        const answer = answered(stream);
        const from = performance.now();
        assertEquals(await deadline(status.promise, 5_000), 200);
        assertLess(performance.now() - from, 1_000);
        conns[0]!.setReadDeadline(20);
        assertEquals(
          await conns[0]!.read().catch((error: Error) => error.name),
          "TimeoutError",
        );
        await conns[0]!.close();
        // Deno.serve ends the answer, but leaves the request to the client to end.
        stream.on("end", () => stream.close(8));
        const { body } = await deadline(answer, 5_000);
        // Bun.serve needs one empty frame to send the status at all.
        assert(body.length === 0 || (body.length === 3 && body[1] === 0 && body[2] === 0));
      }));

    it("C-15 DATA frames of one byte mean nothing", () =>
      serving(listenOn, async ({ client, packets }) => {
        const bytes = [...FRAME, 0xcd, 0, 0, 0, 3, 1, 2, 3];
        const { status } = await client.ask(MESSAGE, bytes.map((byte) => [byte]));
        assertEquals(status, 200);
        assertEquals(packets, [Uint8Array.of(7, 8), Uint8Array.of(1, 2, 3)]);
      }));

    it("C-17 a frame above the cap is 400, and ends a stream", () =>
      serving(listenOn, async ({ client, packets, conns }) => {
        const huge = [0xcd, 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        assertEquals((await client.ask(MESSAGE, [huge])).status, 400);
        assertEquals(packets, []);
        const stream = client.open(STREAM);
        const answer = answered(stream);
        stream.write(Uint8Array.from(huge));
        await until(() => conns.length === 1);
        assertEquals(
          await conns[0]!.read().catch((error: Error) => error.name),
          "ConnResetError",
        );
        stream.on("end", () => stream.close(8));
        await deadline(answer, 5_000);
      }, { maxPacketBytes: 1_000, maxFrameBytes: 1_000 }));

    it("a body above the limit is 400", () =>
      serving(listenOn, async ({ client, packets }) => {
        const frames = Array.from({ length: 4 }, () => [0xcc, 0, 30, ...new Array(30).fill(1)]);
        assertEquals((await client.ask(MESSAGE, frames)).status, 400);
        assert(packets.length <= 3);
      }, { maxBodyBytes: 100 }));

    it("packets above what may be under way are 503", () =>
      serving(listenOn, async ({ client, packets }) => {
        const first = client.open(MESSAGE);
        const answer = answered(first);
        first.write(Uint8Array.from([...FRAME, 0xcc, 0, 200, ...new Array(80).fill(1)]));
        await until(() => packets.length === 1);
        const frame = [0xcc, 0, 20, ...new Array(20).fill(1)];
        assertEquals((await client.ask(MESSAGE, [frame])).status, 503);
        first.end();
        assertEquals((await answer).status, 400); // Torn, and its share is free again.
        assertEquals((await client.ask(MESSAGE, [frame])).status, 200);
      }, { maxReceivingBytes: 100 }));

    it("connections above the limit are 503, until one is done", () =>
      serving(listenOn, async ({ client, conns, transport }) => {
        const first = client.open(STREAM);
        const answer = answered(first);
        await until(() => conns.length === 1);
        assertEquals((await client.ask(STREAM, [])).status, 503);
        first.end();
        await conns[0]!.close();
        await answer;
        await until(() => transport.stats.openConnections === 0);
        const second = client.open(STREAM);
        await until(() => conns.length === 2);
        second.close(8);
      }, { maxConnections: 1 }));

    it("T-23 a CANCEL after the answer is a normal end", () =>
      serving(listenOn, async ({ client, conns, transport }) => {
        const stream = client.open(STREAM);
        stream.write(Uint8Array.from(FRAME));
        await until(() => conns.length === 1);
        assertEquals(await conns[0]!.read(), Uint8Array.of(7, 8));
        const got = Promise.withResolvers<void>();
        let bytes = 0;
        stream.on("data", (chunk: Uint8Array) => (bytes += chunk.length) >= 5 && got.resolve());
        await conns[0]!.write(Uint8Array.of(1, 2));
        await conns[0]!.close();
        await deadline(got.promise, 5_000);
        stream.close(8);
        await until(() => transport.stats.openConnections === 0);
      }));

    it("a CANCEL in the middle fails the acceptor's read", () =>
      serving(listenOn, async ({ client, conns }) => {
        const stream = client.open(STREAM);
        stream.write(Uint8Array.of(0xcc, 0, 200, 1, 2, 3));
        await until(() => conns.length === 1);
        const reading = conns[0]!.read().catch((error: Error) => error.name);
        stream.close(8);
        assertEquals(await deadline(reading, 5_000), "ConnResetError");
      }));

    it("a message request that never ends is refused without harm when the client leaves", () =>
      serving(listenOn, async ({ client, packets, transport }) => {
        const stream = client.open(MESSAGE);
        const answer = answered(stream);
        stream.write(Uint8Array.from([...FRAME, 0xcc]));
        await until(() => packets.length === 1);
        stream.close(8);
        await answer;
        await until(() => transport.stats.requestsRefused === 1);
        assertEquals((await client.ask(MESSAGE, [FRAME])).status, 200);
      }));
  });
}

describe("listen", needs("net"), () => {
  it("listens on IPv6 and closes when its signal aborts", async () => {
    const abort = new AbortController();
    const listener = await listen({
      fetch: () => new Response("six"),
      hostname: "::1",
      signal: abort.signal,
    });
    assertEquals(listener.addr, `[::1]:${listener.port}`);
    assertEquals(await (await fetch(`http://${listener.addr}/`)).text(), "six");
    const transport = http2();
    transport.send(listener.addr, Uint8Array.of(1));
    await until(() => transport.stats.packetsSent === 1);
    await transport.close();
    abort.abort();
    await listener.close();
    assertEquals(await fetch(`http://${listener.addr}/`).catch(() => "refused"), "refused");
  });

  it("close() ends although clients hold sessions and streams", async () => {
    const transport = http2();
    const conns: Conn[] = [];
    transport.serve({ packet: () => {}, connection: (conn) => conns.push(conn) });
    const listener = await listen({ fetch: transport.fetch });
    const client = new RawClient(listener.addr);
    client.open(STREAM);
    client.open(MESSAGE).write(Uint8Array.of(0xcc));
    await until(() => conns.length === 1);
    await transport.close();
    await deadline(listener.close(), 5_000);
    client.close();
  });
});
