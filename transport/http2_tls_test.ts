import { readFileSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:http2";
import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { needs } from "../tests/_needs.ts";
import { until } from "./_harness.ts";
import { http2, type Http2Options, type TlsCredentials } from "./http2.ts";
import { listen, type ServerTlsOptions } from "./listen.ts";
import { UnreachableError } from "./transport.ts";

const readable = needs("read").skip === false;
const pem = (name: string) =>
  readable ? readFileSync(new URL(`../testdata/tls/${name}.pem`, import.meta.url), "utf8") : "";
const caOld = pem("ca-old-cert");
const caNew = pem("ca-new-cert");
const bothCas = caOld + caNew;
const nodeOld = { cert: pem("node-old-cert"), key: pem("node-old-key") };
const nodeNew = { cert: pem("node-new-cert"), key: pem("node-new-key") };

async function secured(
  tls: ServerTlsOptions,
  check: (
    served: {
      addr: string;
      received: () => number;
      client: (options: Http2Options["tls"]) => ReturnType<typeof http2>;
    },
  ) => Promise<void>,
  hostname = "127.0.0.1",
): Promise<void> {
  const server = http2();
  let received = 0;
  server.serve({
    packet: () => received++,
    connection: async (conn) => {
      await conn.write(await conn.read() ?? new Uint8Array());
      await conn.close();
    },
  });
  const clients: ReturnType<typeof http2>[] = [];
  const listener = await listen({
    hostname,
    tls,
    fetch: (request, env) =>
      new URL(request.url).pathname === "/hello" ? new Response("hi") : server.fetch(request, env),
  });
  try {
    await check({
      addr: listener.addr,
      received: () => received,
      client: (options) => {
        const client = http2({
          minBackoffMs: 1,
          maxBackoffMs: 1,
          ...(options && { tls: options }),
        });
        clients.push(client);
        return client;
      },
    });
  } finally {
    for (const client of clients) await client.close();
    await server.close();
    await listener.close();
  }
}

describe("http2 with TLS", needs("net", "read"), () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    it(`moves packets and connections to ${hostname}`, () =>
      secured(nodeOld, async ({ addr, received, client }) => {
        const transport = client({ ca: caOld });
        transport.send(addr, Uint8Array.of(1));
        await until(() => received() === 1);
        const conn = await transport.dial(addr);
        await conn.write(Uint8Array.of(7));
        assertEquals(await conn.read(), Uint8Array.of(7));
        await conn.close();
      }, hostname));
  }

  it("refuses a certificate of another authority, unless told not to", () =>
    secured(nodeOld, async ({ addr, received, client }) => {
      const strict = client({ ca: caNew });
      await assertRejects(() => strict.dial(addr), UnreachableError);
      strict.send(addr, Uint8Array.of(1));
      await until(() => strict.stats.packetsFailed === 1);
      const lax = client({ ca: caNew, rejectUnauthorized: false });
      lax.send(addr, Uint8Array.of(1));
      await until(() => received() === 1);
    }));

  it("serverName replaces the dialled host in the check", () =>
    secured(nodeOld, async ({ addr, client }) => {
      const right = client({ ca: caOld, serverName: "node-old.cluster.test" });
      await (await right.dial(addr)).close();
      const wrong = client({ ca: caOld, serverName: "other.cluster.test" });
      await assertRejects(() => wrong.dial(addr), UnreachableError);
    }));

  it("cleartext clients and servers do not understand TLS, and survive it", () =>
    secured(nodeOld, async ({ addr, client, received }) => {
      const plain = client(undefined);
      await assertRejects(() => plain.dial(addr, { timeoutMs: 1_000 }), UnreachableError);
      const transport = client({ ca: caOld });
      transport.send(addr, Uint8Array.of(1));
      await until(() => received() === 1);
    }));

  it("mutual TLS lets in who shows a certificate, and nobody else", () =>
    secured({ ...nodeOld, ca: caOld, requestClientCert: true }, async ({ addr, client }) => {
      const known = client({ ca: caOld, ...nodeOld });
      await (await known.dial(addr)).close();
      for (const stranger of [client({ ca: caOld }), client({ ca: caOld, ...nodeNew })]) {
        await assertRejects(() => stranger.dial(addr, { timeoutMs: 2_000 }), UnreachableError);
      }
    }));

  it("certificates() rotates both sides while they run", async () => {
    let atServer: TlsCredentials = { ca: bothCas, ...nodeOld };
    let atClient: TlsCredentials = { ca: bothCas, ...nodeOld };
    const tls = { certificates: () => atServer, requestClientCert: true };
    await secured(tls, async ({ addr, received, client }) => {
      const transport = client({ certificates: () => atClient });
      const old = await transport.dial(addr);
      transport.send(addr, Uint8Array.of(1));
      await until(() => received() === 1);

      atServer = { ca: bothCas, ...nodeNew };
      atClient = { ca: bothCas, ...nodeNew };
      transport.send(addr, Uint8Array.of(2));
      await until(() => received() === 2);
      assertEquals(await subjectOf(addr, { ca: bothCas, ...nodeNew }), "node-new");

      // The connection over the old session goes on to its end.
      await old.write(Uint8Array.of(7));
      assertEquals(await old.read(), Uint8Array.of(7));
      await old.close();
      assertEquals(transport.stats.packetsFailed, 0);
    });
  });

  it("HTTP/1.1 clients of the user's own routes get in on the same port", () =>
    secured(nodeOld, async ({ addr }) => {
      const ask = (path: string) =>
        new Promise<number>((resolve, reject) => {
          const ongoing = request(
            `https://${addr}${path}`,
            { ca: caOld, agent: false },
            (response) => {
              response.resume();
              resolve(response.statusCode ?? 0);
            },
          );
          ongoing.on("error", reject);
          ongoing.end();
        });
      assertEquals(await ask("/hello"), 200);
      assertEquals(await ask("/api/v1/ckit/transport/message"), 505);
    }));
});

function subjectOf(addr: string, credentials: TlsCredentials): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://${addr}`, { ...credentials });
    session.on("error", reject);
    session.on("connect", (_session, socket) => {
      const { subject } = (socket as unknown as {
        getPeerCertificate(): { subject: { CN: string } };
      }).getPeerCertificate();
      resolve(subject.CN);
      session.destroy();
    });
  });
}
