/**
 * A client among peers that leave: 20 sessions of 30 POSTs and a connection each, then GOAWAY on all of them, again and again. Prints
 * what arrived; a runtime that does not survive GOAWAY does not get there.
 */
import { until } from "../_harness_conformance.ts";
import { rawServer } from "../_harness_frames.ts";
import { http2 } from "../mod.ts";

const SESSIONS = 20;
const POSTS = 30;
const ROUNDS = 3;

// Each connection to the server is a session of its own only from a transport of its own.
const server = await rawServer((stream) =>
  stream.on("end", () => stream.respond({ ":status": 200 }, { endStream: true }))
);
const transports = Array.from({ length: SESSIONS }, () => http2());
let expected = 0;
for (let round = 0; round < ROUNDS; round++) {
  for (let post = 0; post < POSTS; post++) {
    expected++;
    for (const transport of transports) transport.send(server.addr, Uint8Array.of(1, 2, 3));
    await until(() => transports.every(({ stats }) => stats.packetsSent === expected));
  }
  // As Node and Go say it: once with the largest number, then with the last stream.
  const leaving = server.sessions.filter((session) => !session.destroyed);
  for (const session of leaving) session.goaway(2 ** 31 - 1);
  for (const session of leaving) session.goaway(round === 0 ? 0 : undefined);
  await until(() => leaving.every((session) => session.destroyed));
}
const sent = transports.reduce((sum, { stats }) => sum + stats.packetsSent, 0);
const failed = transports.reduce((sum, { stats }) => sum + stats.packetsFailed, 0);
for (const transport of transports) await transport.close();
server.close();
console.log(`sent ${sent} failed ${failed} sessions ${server.sessions.length}`);
