import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnResetError } from "../transport/transport.ts";
import { memConnPair } from "./conn.ts";

describe("memConnPair", () => {
  it("carries bytes both ways and copies them", async () => {
    const [a, b] = memConnPair();
    const bytes = Uint8Array.of(1, 2);
    await a.write(bytes);
    bytes.fill(9);
    await b.write(Uint8Array.of(3));
    assertEquals(await b.read(), Uint8Array.of(1, 2));
    assertEquals(await a.read(), Uint8Array.of(3));
  });

  it("names the other end", () => {
    const [a, b] = memConnPair({ addrs: ["x:1", "y:2"] });
    assertEquals([a.remoteAddr, b.remoteAddr], ["y:2", "x:1"]);
  });

  it("write() waits while the buffer is full, and goes on when it is read", async () => {
    const [a, b] = memConnPair({ maxBufferBytes: 4 });
    let done = 0;
    await a.write(new Uint8Array(3));
    const waiting = a.write(new Uint8Array(1)).then(() => done++);
    await Promise.resolve();
    assertEquals(done, 0);
    await b.read();
    await waiting;
    assertEquals(done, 1);
  });

  it("close() lets the other end read what is left, then the end", async () => {
    const [a, b] = memConnPair();
    await a.write(Uint8Array.of(1));
    await a.close();
    await a.close();
    assertEquals(await b.read(), Uint8Array.of(1));
    assertEquals(await b.read(), undefined);
    assertEquals(await b.read(), undefined);
    await assertRejects(() => b.write(Uint8Array.of(1)), ConnResetError);
    await assertRejects(() => a.read(), ConnResetError);
    await assertRejects(() => a.write(Uint8Array.of(1)), ConnResetError);
  });

  it("close() and abort() release writers that wait, on both ends", async () => {
    for (const end of ["close", "abort"] as const) {
      for (const who of [0, 1] as const) {
        const pair = memConnPair({ maxBufferBytes: 1 });
        const writing = assertRejects(() => pair[0].write(new Uint8Array(5)), ConnResetError);
        await pair[who][end]();
        await writing;
      }
    }
  });

  it("abort() drops what was not read, on both ends", async () => {
    const [a, b] = memConnPair();
    await a.write(Uint8Array.of(1));
    await b.write(Uint8Array.of(1));
    a.abort(new Error("enough"));
    await assertRejects(() => b.read(), ConnResetError, "other end");
    await assertRejects(() => a.read(), ConnResetError, "own end");
    a.abort();
    b.abort();
  });

  it("setReadDeadline() fails reads before data, until it is lifted", async () => {
    const [a, b] = memConnPair();
    await a.write(Uint8Array.of(1));
    b.setReadDeadline(0);
    const error = await assertRejects(() => b.read(), DOMException);
    assertEquals(error.name, "TimeoutError");
    b.setReadDeadline(undefined);
    assertEquals(await b.read(), Uint8Array.of(1));
    const reading = assertRejects(() => b.read(), DOMException);
    b.setReadDeadline(1);
    await reading;
  });

  it("setWriteDeadline() fails writes that wait and later ones, until it is lifted", async () => {
    const [a, b] = memConnPair({ maxBufferBytes: 2 });
    const waiting = assertRejects(() => a.write(Uint8Array.of(1, 2)), DOMException, "deadline");
    a.setWriteDeadline(1);
    await waiting;
    const error = await assertRejects(() => a.write(Uint8Array.of(3)), DOMException);
    assertEquals(error.name, "TimeoutError");
    assertEquals(await b.read(), Uint8Array.of(1, 2)); // what waited was taken over
    a.setWriteDeadline(undefined);
    await a.write(Uint8Array.of(4));
    assertEquals(await b.read(), Uint8Array.of(4));
    await b.write(Uint8Array.of(5)); // the other direction has a deadline of its own
    assertEquals(await a.read(), Uint8Array.of(5));
  });

  it("setDeadline() sets both, and closing ends them", async () => {
    const [a, b] = memConnPair();
    a.setDeadline(0);
    await assertRejects(() => a.read(), DOMException, "read deadline");
    await assertRejects(() => a.write(Uint8Array.of(1)), DOMException, "write deadline");
    a.setDeadline(3_600_000); // would keep the process alive
    await a.close();
    a.setDeadline(3_600_000);
    b.setWriteDeadline(3_600_000);
    await assertRejects(() => b.write(Uint8Array.of(1)), ConnResetError);
    await b.close();
  });

  it("read() is one at a time", async () => {
    const [a, b] = memConnPair();
    const first = b.read();
    await assertRejects(() => b.read(), Error, "another read is under way");
    await a.write(Uint8Array.of(1));
    assertEquals(await first, Uint8Array.of(1));
  });

  it("options out of range are refused", () => {
    assertThrows(() => memConnPair({ maxBufferBytes: 0 }), RangeError, "'maxBufferBytes'");
  });
});
