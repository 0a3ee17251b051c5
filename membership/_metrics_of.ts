import { nodeMetrics } from "../metrics/node_metrics.ts";
import type { NodeMetrics, NodeMetricsOptions } from "../metrics/node_metrics.ts";
import type { DriverStats } from "./driver.ts";
import type { KeyValueCore } from "./key_values.ts";
import type { ResolvedNodeOptions } from "./options.ts";
import type { Reports } from "./reports.ts";

/**
 * The metrics of a node, in the registry that it was given or a new one.
 *
 * @throws {TypeError} When the registry cannot take them, for instance because another node's are there. It is unchanged.
 */
export function metricsOf(
  { registry, name, clusterName, gossip, transport, clock }: ResolvedNodeOptions,
  { driver, keyValues, reports, ...readings }:
    & Pick<NodeMetricsOptions, "peers" | "gossip" | "observers">
    & {
      readonly driver: () => DriverStats;
      readonly keyValues: KeyValueCore | undefined;
      readonly reports: Reports;
    },
): NodeMetrics {
  try {
    return nodeMetrics({
      ...(registry === undefined ? {} : { registry }),
      name,
      clusterName,
      protocol: gossip.name,
      ...(gossip.protocolVersion === undefined ? {} : { protocolVersion: gossip.protocolVersion }),
      transport: () => ({ ...driver(), ...transport.stats }), // the driver counts the single reads and writes
      ...(keyValues === undefined ? {} : {
        keyValues: {
          stats: () => keyValues.scuttlebuttStats,
          phis: () => phisOf(keyValues, clock.now()),
        },
      }),
      readFailed: reports.unread,
      now: () => clock.now(),
      ...readings,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(`Cannot create a node as 'registry' cannot be used: ${reason}`, {
      cause: error,
    });
  }
}

function phisOf(core: KeyValueCore, now: number): readonly (readonly [string, number])[] {
  return core.nodes().flatMap(({ id }) => {
    const phi = core.phi(id, now);
    return phi === undefined ? [] : [[id, phi] as const];
  });
}
