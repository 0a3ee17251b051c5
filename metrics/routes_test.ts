import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Hono } from "hono";
import { Counter, Gauge, Registry } from "prom-client";
import { nodeMetrics } from "./node_metrics.ts";
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

  it("serves all others when somebody's metric cannot be read, counts it, and tells of it once", async () => {
    for (const type of [Registry.PROMETHEUS_CONTENT_TYPE, Registry.OPENMETRICS_CONTENT_TYPE]) {
      const registry = new Registry();
      registry.setContentType(type as typeof Registry.PROMETHEUS_CONTENT_TYPE);
      nodeMetrics({
        registry,
        name: "a",
        clusterName: "prod",
        peers: () => [],
        gossip: () => {
          throw new Error("no numbers");
        },
        readFailed: () => {},
      });
      new Counter({ name: "hits_total", help: "Hits", registers: [registry] }).inc(3);
      let broken = true;
      new Gauge({
        name: "theirs",
        help: "Somebody's",
        registers: [registry],
        collect() {
          if (broken) throw new Error("the database is gone");
          this.set(5);
        },
      });
      const told: string[] = [];
      const routes = metricsRoutes(registry, {
        readFailed: (metric, error) => void told.push(`${metric}: ${error}`),
      });
      const scrape = async () => {
        const response = await routes.request("/metrics");
        assertEquals(response.status, 200);
        assertEquals(response.headers.get("Content-Type"), type);
        const text = await response.text();
        assertEquals(text.endsWith("\n# EOF\n"), type === Registry.OPENMETRICS_CONTENT_TYPE);
        assertStringIncludes(text, "\nhits_total 3\n");
        assertStringIncludes(text, 'cluster_node_name_info{cluster_name="prod",node="a"');
        return text;
      };
      assert(!(await scrape()).includes("theirs 5"));
      const second = await scrape();
      assertStringIncludes(second, 'cluster_metrics_failed_reads_total{metric="theirs"} 1\n');
      assertStringIncludes(second, 'failed_reads_total{metric="cluster_gossip_members"}');
      assertEquals(told, ["theirs: Error: the database is gone"]);
      broken = false;
      assertStringIncludes(await scrape(), "theirs 5\n");
    }
  });
});
