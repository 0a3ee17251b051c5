import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { needs } from "../tests/_needs.ts";
import { listen } from "./listen.ts";

describe("listen()", needs("net"), () => {
  it("refuses a port that is in use, and leaves its user alone", async () => {
    const first = await listen({ fetch: () => new Response("first") });
    try {
      const error = await assertRejects(() =>
        listen({ port: first.port, fetch: () => new Response("second") })
      );
      assert(/in use|EADDRINUSE/i.test(String(error)), String(error));
      assertEquals(await (await fetch(`http://${first.addr}/`)).text(), "first");
    } finally {
      await first.close();
    }
  });

  it("gives the port free again after close()", async () => {
    const first = await listen({ fetch: () => new Response("first") });
    await first.close();
    const second = await listen({ port: first.port, fetch: () => new Response("second") });
    try {
      assertEquals(await (await fetch(`http://${second.addr}/`)).text(), "second");
    } finally {
      await second.close();
    }
  });
});
