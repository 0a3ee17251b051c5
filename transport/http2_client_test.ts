import { spawn } from "node:child_process";
import { createServer as createHttp1Server } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import { needs } from "../tests/_needs.ts";
import { isDeno, rawServer, relay, until } from "./_harness.ts";
import { http2, type Http2Options, type Http2Transport } from "./http2.ts";
import { listen } from "./listen.ts";
import { UnreachableError } from "./transport.ts";

/** Runs a check with a transport, and closes that and all it opened. */
async function using(
  options: Http2Options,
  check: (transport: Http2Transport, open: Opener) => Promise<void>,
): Promise<void> {
  const transport = http2(options);
  const opened: { close(): unknown }[] = [];
  const keep = async <T extends { close(): unknown }>(opening: Promise<T>): Promise<T> => {
    const each = await opening;
    opened.push(each);
    return each;
  };
  try {
    await check(transport, {
      server: (answer, settings) => keep(rawServer(answer, settings)),
      relay: (target) => keep(relay(target)),
      listen: (options) => keep(listen(options)),
    });
  } finally {
    await transport.close();
    for (const each of opened) await each.close();
  }
}

interface Opener {
  readonly server: typeof rawServer;
  readonly relay: typeof relay;
  readonly listen: typeof listen;
}

const packet = Uint8Array.of(1);

describe("http2 client", needs("net", "read", "run"), () => {
  it("C-19 a peer that answers 500 loses the packet, nothing else", () =>
    using({}, async (transport, open) => {
      const server = await open.server((stream) =>
        stream.respond({ ":status": 500 }, { endStream: true })
      );
      transport.send(server.addr, packet);
      await until(() => transport.stats.packetsFailed === 1);
      await assertRejects(() => transport.dial(server.addr), UnreachableError, "500");
    }));

  it("a server that speaks HTTP/1.1 only is told apart", () =>
    using({}, async (transport) => {
      const server = createHttp1Server((_, response) => response.end("no"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
      const { port } = server.address() as AddressInfo;
      try {
        const dial = () => transport.dial(`127.0.0.1:${port}`);
        await assertRejects(dial, UnreachableError, "as a server without HTTP/2 does");
      } finally {
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
      // Nobody is there now, which is something else.
      const dial = () => transport.dial(`127.0.0.1:${port}`);
      await assertRejects(dial, UnreachableError, `Cannot connect to 127.0.0.1:${port}`);
    }));

  it("C-19 a peer that never answers loses the packet after the timeout", () =>
    using({ packetTimeoutMs: 50 }, async (transport, open) => {
      const server = await open.server(() => {});
      transport.send(server.addr, packet);
      await until(() => transport.stats.packetsFailed === 1);
      assertEquals(server.sessions.length, 1);
    }));

  it("an answer with a body, even without end, does not hold the next packet up", () =>
    using({}, async (transport, open) => {
      const server = await open.server((stream) => {
        stream.respond({ ":status": 200 });
        const flood = () => {
          while (stream.write(new Uint8Array(16_384)));
        };
        stream.on("drain", flood);
        flood();
      });
      transport.send(server.addr, packet);
      await until(() => transport.stats.packetsSent === 1);
    }));

  it("one POST at a time per address; what waits shares the next one", () =>
    using({}, async (transport, open) => {
      const bodies: number[] = [];
      const answers: (() => void)[] = [];
      const server = await open.server((stream, index) => {
        stream.on(
          "data",
          (chunk: Uint8Array) => bodies[index] = (bodies[index] ?? 0) + chunk.length,
        );
        answers.push(() => stream.respond({ ":status": 200 }, { endStream: true }));
      });
      transport.send(server.addr, packet);
      await until(() => bodies.length === 1);
      for (let i = 0; i < 40; i++) transport.send(server.addr, packet);
      await delay(30);
      assertEquals(answers.length, 1);
      answers[0]!();
      await until(() => bodies[1] === 32 * 4);
      answers[1]!();
      await until(() => bodies[2] === 8 * 4);
      answers[2]!();
      await until(() => transport.stats.packetsSent === 41);
      assertEquals(server.sessions.length, 1);
    }));

  it("maxBatchPackets 1 sends one frame a POST, as ckit does", () =>
    using({ maxBatchPackets: 1 }, async (transport, open) => {
      const bodies: number[] = [];
      const server = await open.server((stream) => {
        let bytes = 0;
        stream.on("data", (chunk: Uint8Array) => bytes += chunk.length);
        stream.on("end", () => {
          bodies.push(bytes);
          stream.respond({ ":status": 200 }, { endStream: true });
        });
      });
      for (let i = 0; i < 3; i++) transport.send(server.addr, packet);
      await until(() => bodies.length === 3);
      assertEquals(bodies, [4, 4, 4]);
    }));

  it("sends nothing but what the protocol needs", () =>
    using({}, async (transport, open) => {
      const seen = Promise.withResolvers<string[]>();
      const listener = await open.listen({
        fetch: (request) => {
          seen.resolve([...request.headers.keys()].filter((name) => name !== "host"));
          return new Response(null);
        },
      });
      transport.send(listener.addr, packet);
      // fetch adds its own, as short as it lets them be.
      const own = isDeno ? ["accept", "accept-encoding", "accept-language", "user-agent"] : [];
      assertEquals(
        (await seen.promise).sort(),
        [...own, ...(isDeno ? ["content-length"] : []), "content-type"].sort(),
      );
      await until(() => transport.stats.packetsSent === 1);
    }));

  it("maxQueuedBytes drops the oldest", () =>
    using({ maxQueuedBytes: 1_000 }, (transport) => {
      for (let i = 0; i < 10; i++) transport.send("127.0.0.1:1", new Uint8Array(300));
      assertEquals(transport.stats.queuedPackets, 3);
      assertEquals(transport.stats.packetsDropped, 7);
      return Promise.resolve();
    }));

  it("GOAWAY: what is under way ends well, what follows takes a new session", () =>
    using({}, async (transport, open) => {
      const answers: (() => void)[] = [];
      const server = await open.server((stream) =>
        answers.push(() => stream.respond({ ":status": 200 }, { endStream: true }))
      );
      transport.send(server.addr, packet);
      await until(() => answers.length === 1);
      server.sessions[0]!.goaway();
      const dialling = transport.dial(server.addr).catch(() => undefined);
      await until(() => answers.length === 2);
      assertEquals(server.sessions.length, 2);
      answers[0]!();
      await until(() => transport.stats.packetsSent === 1);
      assertEquals(transport.stats.packetsFailed, 0);
      answers[1]!();
      await dialling;
    }));

  it("a session that the peer destroyed is replaced", () =>
    using({}, async (transport, open) => {
      const server = await open.server((stream) =>
        stream.respond({ ":status": 200 }, { endStream: true })
      );
      transport.send(server.addr, packet);
      await until(() => transport.stats.packetsSent === 1);
      server.sessions[0]!.destroy();
      await delay(30);
      transport.send(server.addr, packet);
      await until(() => transport.stats.packetsSent + transport.stats.packetsFailed === 2);
      assertEquals(transport.stats.packetsSent, 2);
      assertEquals(server.sessions.length, 2);
    }));

  it("a black hole is found by PING after a POST timed out, and the next POST connects anew", () =>
    using({ packetTimeoutMs: 300, pingTimeoutMs: 300 }, async (transport, open) => {
      const server = await open.server((stream) =>
        stream.respond({ ":status": 200 }, { endStream: true })
      );
      const path = await open.relay(server.addr);
      transport.send(path.addr, packet);
      await until(() => transport.stats.packetsSent === 1);
      path.blackHole = true;
      transport.send(path.addr, packet);
      await until(() => transport.stats.packetsFailed === 1);
      await until(() => path.open === 0);
      path.blackHole = false;
      transport.send(path.addr, packet);
      await until(() => transport.stats.packetsSent === 2);
      assertEquals(path.connections, 2);
    }));

  it("a silent connection is asked by PING and reset when nobody answers", () =>
    using({ pingAfterMs: 50, pingTimeoutMs: 500 }, async (transport, open) => {
      const server = await open.server((stream) => stream.respond({ ":status": 200 }));
      const path = await open.relay(server.addr);
      const conn = await transport.dial(path.addr);
      await delay(200); // Answered: still alive.
      assertEquals(transport.stats.openConnections, 1);
      path.blackHole = true;
      assertEquals(await conn.read().catch((error: Error) => error.name), "ConnResetError");
    }));

  it("idle sessions are closed", () =>
    using({ idleTimeoutMs: 50 }, async (transport, open) => {
      const server = await open.server((stream) =>
        stream.respond({ ":status": 200 }, { endStream: true })
      );
      transport.send(server.addr, packet);
      await until(() => server.sessions.length === 1 && server.sessions[0]!.destroyed);
      assertEquals(transport.stats.packetsSent, 1);
    }));

  // fetch keeps the limit, but does not show it: what is above waits.
  it(
    "the peer's limit of concurrent streams opens another session",
    { skip: isDeno },
    () =>
      using({}, async (transport, open) => {
        const server = await open.server(
          (stream) => stream.respond({ ":status": 200 }),
          { maxConcurrentStreams: 1 },
        );
        const first = await transport.dial(server.addr);
        await delay(30); // The peer's SETTINGS arrive.
        const second = await transport.dial(server.addr);
        assertEquals(server.sessions.length, 2);
        first.abort();
        second.abort();
      }),
  );

  it("a peer that hangs up is not stormed: packets heed the back-off, dialling does not", () =>
    using({ minBackoffMs: 1_000 }, async (transport, open) => {
      const wall = await open.relay();
      for (let i = 1; i <= 5; i++) {
        transport.send(wall.addr, packet);
        await until(() => transport.stats.packetsFailed === i);
      }
      assertEquals(wall.connections, 1);
      await assertRejects(() => transport.dial(wall.addr), UnreachableError);
      assertEquals(wall.connections, 2);
    }));

  it("callers share one attempt to connect", () =>
    using({}, async (transport, open) => {
      const server = await open.server((stream) => stream.respond({ ":status": 200 }));
      const conns = await Promise.all([1, 2, 3].map(() => transport.dial(server.addr)));
      assertEquals(server.sessions.length, 1);
      for (const conn of conns) conn.abort();
    }));

  it("connecting gives up in time", () =>
    using({ connectTimeoutMs: 50 }, async (transport, open) => {
      const server = await open.server(() => {});
      const path = await open.relay(server.addr);
      path.blackHole = true;
      const from = performance.now();
      // TCP connects, so that alone is a session; the stream's own limit ends it.
      await assertRejects(() => transport.dial(path.addr, { timeoutMs: 100 }), UnreachableError);
      assertLess(performance.now() - from, 2_000);
    }));

  it("options out of range are refused", () => {
    assertThrows(() => http2({ maxQueuedPackets: 0 }), RangeError, "'maxQueuedPackets'");
    assertThrows(() => http2({ packetTimeoutMs: NaN }), RangeError, "'packetTimeoutMs'");
    assertThrows(() => http2({ maxBatchPackets: 1.5 }), RangeError, "'maxBatchPackets'");
  });

  it("GOAWAY on 20 sessions, three times over, costs neither the process nor a packet", {
    timeout: 60_000,
  }, async () => {
    const { code, output } = await child("goaway_main.ts");
    assertEquals([code, output], [0, "sent 1800 failed 0 sessions 60\n"]);
  });

  it("the process ends by itself once all is closed", { timeout: 60_000 }, async () => {
    const { code, output } = await child("exit_main.ts");
    assertEquals(code, 0);
    assert(output.startsWith("closed after "), output);
    assertGreater(Number(output.trim().split(" ").at(-1)), 0);
  });
});

/** Runs a program to its end on the same runtime. */
async function child(name: string): Promise<{ code: unknown; output: string }> {
  const main = fileURLToPath(new URL(`./testdata/${name}`, import.meta.url));
  const args = isDeno ? ["run", "-A", "--no-check", main] : [main];
  const started = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const killer = setTimeout(() => started.kill("SIGKILL"), 55_000);
  let output = "";
  started.stdout.on("data", (chunk) => output += new TextDecoder().decode(chunk));
  const code = await new Promise((resolve) => started.on("close", resolve));
  clearTimeout(killer);
  return { code, output };
}
