import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { transportConformance } from "./_conformance.ts";
import { http2Fixture } from "./_harness.ts";
import { faulty } from "./faulty.ts";
import { listen } from "./listen.ts";
import { memoryNetwork } from "./memory.ts";
import { ConnResetError, type TransportHandlers, UnreachableError } from "./transport.ts";

/** mulberry32: the same faults every time. */
function prng(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const deviations = {
  "send() keeps the order per destination": "delayed packets overtake each other",
  "send() with replaces takes the waiting packet's place":
    "only what reaches the inner queue can be replaced",
  "send() drops the oldest of 1001 packets to a peer that hangs, and others go on (C-18)":
    "the queue that is bounded lies behind the delay",
  "packet() hands over bytes that are the receiver's": "expects an order",
};

transportConformance("memory, delayed up to 3 ms", {
  create: () => {
    const network = memoryNetwork();
    const a = faulty(network.transport("a:1"), { random: prng(1), delayMs: 3 });
    const b = faulty(network.transport("b:1"), { random: prng(2), delayMs: 3 });
    network.hold("c:1");
    return Promise.resolve({
      a,
      b,
      addrB: "b:1",
      nobody: "nobody:1",
      hanging: "c:1",
      close: async () => {
        await a.close();
        await b.close();
      },
    });
  },
  deviations,
});

transportConformance("http2, delayed up to 3 ms", {
  permissions: ["net"],
  create: () => {
    let seed = 3;
    return http2Fixture(
      listen,
      (transport) => faulty(transport, { random: prng(seed++), delayMs: 3 }),
    );
  },
  deviations,
});

const quiet: TransportHandlers = { packet: () => {}, connection: () => {} };

function pair(options: Omit<Parameters<typeof faulty>[1], "random">) {
  const network = memoryNetwork();
  const a = faulty(network.transport("a:1"), { random: prng(7), ...options });
  const b = network.transport("b:1");
  return { a, b };
}

describe("faulty", () => {
  it("drop loses the given share, the same packets for the same seed", async () => {
    const runs: number[][] = [];
    for (let run = 0; run < 2; run++) {
      const { a, b } = pair({ drop: 0.3 });
      const received: number[] = [];
      b.serve({ ...quiet, packet: (bytes) => received.push(bytes[0]! * 256 + bytes[1]!) });
      for (let i = 0; i < 1_000; i++) a.send("b:1", Uint8Array.of(i >> 8, i & 255));
      await Promise.resolve();
      assertEquals(received.length + a.stats.packetsDropped, 1_000);
      // Four standard deviations of a binomial with n = 1000, p = 0.3.
      assert(Math.abs(received.length - 700) < 58, `${received.length} arrived`);
      runs.push(received);
      await a.close();
      await b.close();
    }
    assertEquals(runs[0], runs[1]);
  });

  it("duplicate sends twice", async () => {
    const { a, b } = pair({ duplicate: 1 });
    const received: number[] = [];
    b.serve({ ...quiet, packet: (bytes) => received.push(bytes[0]!) });
    a.send("b:1", Uint8Array.of(1));
    a.send("b:1", Uint8Array.of(2));
    await Promise.resolve();
    assertEquals(received, [1, 1, 2, 2]);
    await a.close();
    await b.close();
  });

  it("refuse fails dials, reset fails writes on both ends", async () => {
    const refused = pair({ refuse: 1 });
    refused.b.serve(quiet);
    await assertRejects(() => refused.a.dial("b:1"), UnreachableError);
    await refused.a.close();

    const { a, b } = pair({ reset: 1 });
    const accepted = Promise.withResolvers<Parameters<TransportHandlers["connection"]>[0]>();
    b.serve({ ...quiet, connection: accepted.resolve });
    const conn = await a.dial("b:1");
    await assertRejects(() => conn.write(Uint8Array.of(1)), ConnResetError);
    await assertRejects(async () => (await accepted.promise).read(), ConnResetError);
    await a.close();
    await b.close();
  });

  it("unreachable cuts and heals", async () => {
    let cut = true;
    const { a, b } = pair({ unreachable: (to) => cut && to === "b:1" });
    const received: number[] = [];
    b.serve({ ...quiet, packet: (bytes) => received.push(bytes[0]!) });
    a.send("b:1", Uint8Array.of(1));
    await assertRejects(() => a.dial("b:1"), UnreachableError);
    cut = false;
    a.send("b:1", Uint8Array.of(2));
    await Promise.resolve();
    assertEquals(received, [2]);
    await (await a.dial("b:1")).close();
    await a.close();
    await b.close();
  });

  it("close() drops what is delayed", async () => {
    const { a, b } = pair({ delayMs: 60_000 });
    b.serve(quiet);
    a.send("b:1", Uint8Array.of(1));
    const dialling = assertRejects(() => a.dial("b:1"), UnreachableError);
    await a.close();
    await dialling;
    assertEquals(a.stats.packetsDropped, 1);
    await b.close();
  });

  it("options out of range are refused", () => {
    const transport = memoryNetwork().transport("a:1");
    assertThrows(() => faulty(transport, { random: Math.random, drop: 2 }), RangeError, "'drop'");
    assertThrows(
      () => faulty(transport, { random: Math.random, delayMs: -1 }),
      RangeError,
      "'delayMs'",
    );
  });
});
