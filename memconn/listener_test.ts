import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnResetError } from "../transport/transport.ts";
import { memListener } from "./listener.ts";

describe("memListener", () => {
  it("accept() takes connections in the order of dialling, before and after they come", async () => {
    const listener = memListener({ addr: "here:1" });
    const early = listener.accept();
    const dialled = [await listener.dial(), await listener.dial(), await listener.dial()];
    assertEquals(listener.backlog, 2);
    const accepted = [await early, await listener.accept(), await listener.accept()];
    for (const [i, conn] of dialled.entries()) {
      assertEquals(conn.remoteAddr, "here:1");
      await conn.write(Uint8Array.of(i));
      assertEquals(await accepted[i]!.read(), Uint8Array.of(i));
    }
  });

  it("dial() fails when the backlog is full or the listener closed", async () => {
    const listener = memListener({ maxBacklog: 1 });
    const waiting = await listener.dial();
    await assertRejects(() => listener.dial(), Error, "at most 1 connections may wait");
    await listener.close();
    await assertRejects(() => listener.dial(), Error, "the listener is closed");
    await assertRejects(() => waiting.read(), ConnResetError);
  });

  it("close() ends accept() and iteration, not what was accepted", async () => {
    const listener = memListener();
    const dialled = await listener.dial();
    const accepted = [];
    for await (const conn of listener) {
      accepted.push(conn);
      await listener.close();
    }
    assertEquals(accepted.length, 1);
    assertEquals(await listener.accept(), undefined);
    await dialled.write(Uint8Array.of(1));
    assertEquals(await accepted[0]!.read(), Uint8Array.of(1));
  });

  it("accept() ends with the signal and leaves the connection to the next", async () => {
    const listener = memListener();
    const abort = new AbortController();
    const leaving = assertRejects(
      () => listener.accept({ signal: abort.signal }),
      RangeError,
      "enough",
    );
    const staying = listener.accept();
    abort.abort(new RangeError("enough"));
    await leaving;
    await assertRejects(() => listener.accept({ signal: abort.signal }), RangeError);
    await listener.dial();
    assertEquals((await staying)?.remoteAddr, "mem:0#0");
  });

  it("options out of range are refused", () => {
    assertThrows(() => memListener({ maxBacklog: 0 }), RangeError, "'maxBacklog'");
  });
});
