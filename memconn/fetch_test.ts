import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { memFetch } from "./fetch.ts";

describe("memFetch", () => {
  it("calls the handler with method, headers and body", async () => {
    const app = new Hono();
    app.post("/echo/:name", async (c) => {
      return c.text(`${c.req.param("name")} ${c.req.header("x-a")} ${await c.req.text()}`, 201);
    });
    const fetch = memFetch((request) => app.fetch(request));
    const init = { method: "POST", headers: { "x-a": "b" }, body: "hi" };
    for (
      const input of [
        "/echo/n",
        "http://other.test/echo/n",
        new URL("http://other.test/echo/n"),
      ]
    ) {
      const response = await fetch(input, init);
      assertEquals([response.status, await response.text()], [201, "n b hi"]);
    }
    const response = await fetch(new Request("http://other.test/echo/n", init));
    assertEquals(await response.text(), "n b hi");
    assertEquals((await fetch("/nothing")).status, 404);
  });

  it("relative URLs stand below baseUrl", async () => {
    const fetch = memFetch((request) => new Response(request.url), {
      baseUrl: "https://node.test/x/",
    });
    assertEquals(await (await fetch("y?z")).text(), "https://node.test/x/y?z");
  });

  it("rejects when the signal aborts, before and while", async () => {
    const abort = new AbortController();
    let seen: AbortSignal | undefined;
    const fetch = memFetch((request) => {
      seen = request.signal;
      return new Promise(() => {});
    });
    const fetching = assertRejects(
      () => fetch("/", { signal: abort.signal }),
      RangeError,
      "enough",
    );
    abort.abort(new RangeError("enough"));
    await fetching;
    assertEquals(seen?.aborted, true);
    await assertRejects(() => fetch("/", { signal: abort.signal }), RangeError);
  });

  it("rejects with what the handler throws", async () => {
    const fetch = memFetch(() => {
      throw new SyntaxError("broken");
    });
    await assertRejects(() => fetch("/"), SyntaxError, "broken");
  });
});
