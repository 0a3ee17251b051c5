import { transportConformance } from "./_conformance.ts";
import { memoryNetwork } from "./memory.ts";
import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";

transportConformance("memory", {
  create: () => {
    const network = memoryNetwork();
    const a = network.transport("a:1");
    const b = network.transport("b:1");
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
});

describe("memory", () => {
  it("transport() refuses an address that is taken, and gives it again after close()", async () => {
    const network = memoryNetwork();
    const a = network.transport("a:1");
    assertThrows(() => network.transport("a:1"), Error, "must be free");
    await a.close();
    await network.transport("a:1").close();
  });

  it("release() delivers what waited, in order", async () => {
    const network = memoryNetwork();
    const a = network.transport("a:1");
    const b = network.transport("b:1");
    const received: number[] = [];
    b.serve({ packet: (bytes) => received.push(bytes[0]!), connection: (conn) => conn.abort() });
    network.hold("b:1");
    for (const value of [1, 2, 3]) a.send("b:1", Uint8Array.of(value));
    await Promise.resolve();
    assertEquals(received, []);
    network.release("b:1");
    await Promise.resolve();
    assertEquals(received, [1, 2, 3]);
    await a.close();
    await b.close();
  });
});
