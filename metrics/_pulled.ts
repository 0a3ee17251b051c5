/**
 * Metrics whose values are read when scraped.
 *
 * @module
 */
import { Counter, Gauge } from "prom-client";
import type { Registry } from "./registry.ts";

/** One value with its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** What {@link pulled} makes. */
export interface PulledOptions {
  readonly registry: Registry;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** All values now; `undefined` and empty: there are none, and no line appears. */
  readonly read: () => number | undefined | readonly Sample[];
}

/** Registers a counter or a gauge that asks `read` on every scrape. A counter's total is set, not added to. */
export function pulled(kind: "counter" | "gauge", name: string, options: PulledOptions): void {
  const { registry, help, labelNames = [], read } = options;
  const base = { name, help, labelNames, registers: [registry] };
  const samples = (): readonly Sample[] => {
    const values = read();
    return typeof values === "number" ? [[{}, values]] : values ?? [];
  };
  // A metric without labels starts at 0 after `reset`: without a value it has to go.
  const clear = (metric: Counter | Gauge) => {
    metric.reset();
    if (labelNames.length === 0) metric.remove();
  };
  if (kind === "gauge") {
    const gauge: Gauge = new Gauge({
      ...base,
      collect() {
        clear(gauge);
        for (const [labels, value] of samples()) gauge.set(labels, value);
      },
    });
    return;
  }
  const counter: Counter = new Counter({
    ...base,
    collect() {
      clear(counter);
      for (const [labels, value] of samples()) counter.inc(labels, value);
    },
  });
}
