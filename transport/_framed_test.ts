import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { memConnPair } from "../memconn/conn.ts";
import { framed } from "./_framed.ts";
import { encodeFrame } from "./frame.ts";
import { ConnResetError } from "./transport.ts";

describe("framed", () => {
  it("read() gives what write() took, whatever the cuts on the way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        async (writes, cuts) => {
          const body = writes.flatMap((write) => [...encodeFrame(write)]);
          const [raw, far] = memConnPair();
          for (let at = 0, i = 0; at < body.length; i++) {
            const length = cuts[i % cuts.length]!;
            await raw.write(Uint8Array.from(body.slice(at, at + length)));
            at += length;
          }
          await raw.close();
          const conn = framed(far, { maxFrameBytes: 100 });
          const received: number[] = [];
          for (;;) {
            const chunk = await conn.read();
            if (chunk === undefined) break;
            received.push(...chunk);
          }
          assertEquals(received, writes.flatMap((write) => [...write]));
        },
      ),
      { seed: 7, numRuns: 60 },
    );
  });

  it("answers whatever comes in, a part of a frame too, with an empty frame where that was asked for", async () => {
    for (const answers of [true, false]) {
      const [raw, far] = memConnPair();
      const conn = framed(far, { maxFrameBytes: 100, answers });
      const read = conn.read();
      await raw.write(Uint8Array.of(0xcc, 0));
      if (answers) assertEquals(await raw.read(), Uint8Array.of(0xcc, 0, 0));
      await raw.write(Uint8Array.of(1, 7));
      assertEquals(await read, Uint8Array.of(7));
      await conn.write(Uint8Array.of(8));
      if (answers) assertEquals(await raw.read(), Uint8Array.of(0xcc, 0, 0));
      assertEquals(await raw.read(), Uint8Array.of(0xcc, 0, 1, 8));
    }
  });

  it("write() makes one frame a call", async () => {
    const [raw, far] = memConnPair();
    const conn = framed(far, { maxFrameBytes: 100 });
    await conn.write(Uint8Array.of(1, 2));
    assertEquals(await raw.read(), Uint8Array.of(0xcc, 0, 2, 1, 2));
  });

  for (
    const [what, bytes] of [
      ["a frame cut short", [0xcc, 0, 5, 1]],
      ["half a header", [0xcc]],
      ["no frame at all", [0x47, 0x45, 0x54]],
      ["a frame above the cap", [0xcc, 0, 101, 1]],
    ] as const
  ) {
    it(`read() fails on ${what}, after what came before it`, async () => {
      const [raw, far] = memConnPair();
      const conn = framed(far, { maxFrameBytes: 100 });
      await raw.write(Uint8Array.of(0xcc, 0, 1, 9, ...bytes));
      await raw.close();
      assertEquals(await conn.read(), Uint8Array.of(9));
      await assertRejects(() => conn.read(), ConnResetError, "no valid frames");
      await assertRejects(() => conn.read(), ConnResetError);
    });
  }
});
