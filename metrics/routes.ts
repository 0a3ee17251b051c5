/**
 * Metrics over HTTP.
 *
 * @module
 */
import { Hono as App } from "hono";
import { FailedReads, type ReadFailed } from "./_failed_reads.ts";
import type { Registry } from "./registry.ts";

/** Hono's application, as `app.route()` takes it. */
export type Hono = App;

/** Options of {@link metricsRoutes}. */
export interface MetricsRoutesOptions {
  /**
   * Told once of each metric that could not be read; every time counts in `cluster_metrics_failed_reads_total` of the registry.
   *
   * @default {a warning in LogTape's category `["@ck/cluster"]`}
   */
  readonly readFailed?: ReadFailed;
}

/**
 * `GET /metrics`: all metrics of a registry in its text format. Mount it beside the node's own routes, or on a port of its own. A metric
 * whose `collect` throws, whoever registered it, is missing; all others are served.
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
export function metricsRoutes(registry: Registry, options: MetricsRoutesOptions = {}): Hono {
  const failures = new FailedReads(registry, options.readFailed);
  return new App().get("/metrics", async (context) => {
    const text = await registry.metrics().catch(() => oneByOne(registry, failures));
    return context.body(text, 200, { "Content-Type": registry.contentType });
  });
}

/** What `registry.metrics()` gives, without the metrics that cannot be read. */
async function oneByOne(registry: Registry, failures: FailedReads): Promise<string> {
  // In OpenMetrics prom-client takes the ending off the names of counters, but keeps them under their whole names.
  const names = registry.getMetricsAsArray().map(({ name }) =>
    registry.getSingleMetric(name) === undefined ? `${name}_total` : name
  );
  const read = await Promise.allSettled(
    names.map((name) => registry.getSingleMetricAsString(name)),
  );
  const texts: string[] = [];
  for (const [i, result] of read.entries()) {
    if (result.status === "fulfilled") texts.push(result.value);
    else failures.add(names[i]!, result.reason);
  }
  const open = registry.contentType.startsWith("application/openmetrics-text");
  return open ? `${texts.join("\n")}\n# EOF\n` : `${texts.join("\n\n")}\n`;
}
