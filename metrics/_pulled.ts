/**
 * Metrics whose values are read when scraped.
 *
 * @module
 */
import { Counter, Gauge } from "prom-client";
import type { FailedReads } from "./_failed_reads.ts";
import type { Registry } from "./registry.ts";

/** One value with its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Where metrics go. */
export interface Destination {
  /** Where they are registered. */
  readonly registry: Registry;
  /** Where those end that cannot be read. */
  readonly failures: FailedReads;
}

/** What {@link pulled} makes. */
export interface PulledOptions extends Destination {
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** All values now; `undefined` and empty: there are none, and no line appears. */
  readonly read: () => number | undefined | readonly Sample[];
}

/**
 * Registers a counter or a gauge that asks `read` on every scrape. A counter's total is set, not added to. When `read` throws, or says what
 * is no number, this metric alone has no lines in that scrape.
 */
export function pulled(kind: "counter" | "gauge", name: string, options: PulledOptions): void {
  const { registry, failures, help, labelNames = [], read } = options;
  const base = { name, help, labelNames, registers: [registry] };
  // A metric without labels starts at 0 after `reset`: without a value it has to go.
  const clear = (metric: Counter | Gauge): void => {
    metric.reset();
    if (labelNames.length === 0) metric.remove();
  };
  const collect = (
    metric: Counter | Gauge,
    put: (labels: Readonly<Record<string, string>>, value: number) => void,
  ): void => {
    clear(metric);
    try {
      const values = read();
      const samples: readonly Sample[] = typeof values === "number" ? [[{}, values]] : values ?? [];
      for (const [labels, value] of samples) {
        // A counter would take nothing for 1.
        if (typeof value !== "number") throw new TypeError(`What was read is no number: ${value}`);
        put(labels, value);
      }
    } catch (error) {
      clear(metric);
      failures.add(name, error);
    }
  };
  if (kind === "gauge") {
    const gauge: Gauge = new Gauge({
      ...base,
      collect: () => collect(gauge, (labels, value) => gauge.set(labels, value)),
    });
    return;
  }
  const counter: Counter = new Counter({
    ...base,
    collect: () => collect(counter, (labels, value) => counter.inc(labels, value)),
  });
}
