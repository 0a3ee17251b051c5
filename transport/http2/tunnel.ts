/**
 * A CONNECT proxy for one `Deno.HttpClient`: the only way to let `fetch` connect to one address and expect the certificate of another name.
 *
 * @module
 */
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** Where a {@link Tunnel} leads. */
export interface TunnelTarget {
  /** Host, without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** A proxy that listens on loopback. */
export interface Tunnel {
  /** Of the proxy. */
  readonly url: string;
  /** What it asks for, so that no other program gets through. */
  readonly basicAuth: { readonly username: string; readonly password: string };
  /** Stops listening; what is open goes on. */
  close(): void;
}

/** Opens a tunnel. TLS passes through it unseen. */
export async function tunnel(target: TunnelTarget): Promise<Tunnel> {
  const basicAuth = { username: "peer", password: crypto.randomUUID() };
  const expected = `Basic ${btoa(`${basicAuth.username}:${basicAuth.password}`)}`;
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on("connect", (request: IncomingMessage, inside: Socket) => {
    inside.on("error", () => {});
    if (request.headers["proxy-authorization"] !== expected) {
      inside.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const outside = connect(target.port, target.hostname);
    outside.setNoDelay(true);
    inside.setNoDelay(true);
    outside.on("error", () => {});
    outside.once("connect", () => {
      inside.write("HTTP/1.1 200 OK\r\n\r\n");
      outside.pipe(inside);
      inside.pipe(outside);
    });
    outside.on("close", () => inside.destroy());
    inside.on("close", () => outside.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    basicAuth,
    close: () => void server.close(),
  };
}
