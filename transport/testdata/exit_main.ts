/** Uses everything, closes everything, and must then end without being told to. */
import { http2, listen } from "../mod.ts";

const a = http2();
const b = http2();
const received = Promise.withResolvers<number>();
b.serve({
  packet: (bytes) => received.resolve(bytes.length),
  connection: (conn) => {
    conn.setReadDeadline(60_000);
    conn.read().catch(() => {});
  },
});
const listener = await listen({ fetch: b.fetch });
await a.dial(listener.addr, { timeoutMs: 60_000 });
const closed = await a.dial(listener.addr, { timeoutMs: 60_000 });
await closed.close();
a.send(listener.addr, new Uint8Array(10));
const bytes = await received.promise;
await a.close();
await b.close();
await listener.close();
console.log(`closed after ${bytes}`);
