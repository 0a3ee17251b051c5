/**
 * Metrics over HTTP.
 *
 * @module
 */
import { Hono as App } from "hono";
import type { Registry } from "./registry.ts";

/** Hono's application, as `app.route()` takes it. */
export type Hono = App;

/**
 * `GET /metrics`: all metrics of a registry in its text format. Mount it beside the node's own routes, or on a port of its own.
 *
 * @example Usage
 * ```ts
 * import { metricsRoutes } from "@ck/cluster/metrics";
 * import { Registry } from "prom-client";
 * import { assertEquals } from "@std/assert";
 *
 * const response = await metricsRoutes(new Registry()).request("/metrics");
 * assertEquals(response.status, 200);
 * assertEquals(response.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
 * ```
 */
export function metricsRoutes(registry: Registry): Hono {
  return new App().get("/metrics", async (context) => {
    const text = await registry.metrics();
    return context.body(text, 200, { "Content-Type": registry.contentType });
  });
}
