import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Hono } from "hono";
import { Counter, Registry } from "prom-client";
import { metricsRoutes } from "./routes.ts";

describe("metricsRoutes()", () => {
  it("serves the registry's text with its content type", async () => {
    const registry = new Registry();
    new Counter({ name: "hits_total", help: "Hits", registers: [registry] }).inc(3);
    const app = new Hono().route("/", metricsRoutes(registry));
    const response = await app.request("/metrics");
    assertEquals(response.status, 200);
    assertEquals(
      response.headers.get("Content-Type"),
      "text/plain; version=0.0.4; charset=utf-8",
    );
    assertStringIncludes(await response.text(), "# TYPE hits_total counter\nhits_total 3\n");
    assertEquals((await app.request("/metrics", { method: "POST" })).status, 404);
  });
});
