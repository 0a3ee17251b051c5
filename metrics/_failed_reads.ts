/**
 * What becomes of a metric that cannot be read: it is missing from that scrape, counted, and told once; all others are served.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { Counter } from "prom-client";
import type { Registry } from "./registry.ts";

/** Told of a metric that could not be read, the first time that it happens. What it throws itself is dropped. */
export type ReadFailed = (metric: string, error: unknown) => void;

/** The counter's name. */
export const FAILED_READS = "cluster_metrics_failed_reads_total";

/** The counter of a registry, which all metrics in it share. */
export function failedReadsOf(registry: Registry): Counter {
  const known = registry.getSingleMetric(FAILED_READS) as Counter | undefined;
  return known ?? new Counter({
    name: FAILED_READS,
    help: "Reads of a metric that failed, so that it was missing from a scrape",
    labelNames: ["metric"],
    registers: [registry],
  });
}

/** Counts the failed reads of one registry, and tells of the first one of each metric. */
export class FailedReads {
  readonly #registry: Registry;
  readonly #tell: ReadFailed;
  readonly #told = new Set<string>();

  /** Without `tell` they are told to LogTape's category `["@ck/cluster"]`. */
  constructor(registry: Registry, tell: ReadFailed = logged) {
    this.#registry = registry;
    this.#tell = tell;
  }

  /** A metric could not be read. */
  add(metric: string, error: unknown): void {
    // Neither a metric of that name with other labels nor a logger that throws may take the scrape down after all.
    try {
      failedReadsOf(this.#registry).inc({ metric });
    } catch { /* uncounted, and told all the same */ }
    if (this.#told.has(metric)) return;
    this.#told.add(metric);
    try {
      this.#tell(metric, error);
    } catch { /* nobody left to tell */ }
  }
}

function logged(metric: string, error: unknown): void {
  getLogger(["@ck/cluster"]).warn("a metric could not be read", { metric, error });
}
