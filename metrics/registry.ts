/**
 * The registry of the Prometheus client in use.
 *
 * @module
 */
import type { Registry as PromRegistry } from "prom-client";

/** prom-client's registry: collects metrics and renders them. Construct one with `new Registry()` of `prom-client`. */
export type Registry = PromRegistry;
