import type { GossipCore } from "../gossip/strategy.ts";
import type { NodeMetrics } from "../metrics/mod.ts";
import { driverHost } from "./_driver_host.ts";
import { metricsOf } from "./_metrics_of.ts";
import { Admission } from "./admission.ts";
import { Calls } from "./calls.ts";
import { Driver } from "./driver.ts";
import type { NodeAdmission } from "./events.ts";
import { Goodbye } from "./goodbye.ts";
import { Joining } from "./joining.ts";
import { KeyValues } from "./key_values.ts";
import type { ResolvedNodeOptions } from "./options.ts";
import { Reports } from "./reports.ts";
import { Tally } from "./stats.ts";
import { View } from "./view.ts";

/** What the parts of a node need of the node itself. */
export interface NodeSelf {
  /** Whether the node is being stopped: its own leaving is no news to its observers. */
  readonly silent: () => boolean;
  readonly dispatch: (event: CustomEvent) => void;
}

/** What a node is made of. */
export interface NodeParts {
  readonly core: GossipCore;
  readonly driver: Driver;
  readonly joining: Joining;
  readonly admission: Admission;
  readonly view: View;
  readonly keyValues: KeyValues;
  readonly goodbye: Goodbye;
  readonly metrics: NodeMetrics;
  readonly reports: Reports;
  readonly calls: Calls;
  readonly counted: Tally;
  readonly refused: Tally;
  readonly observersFailed: Tally;
}

/**
 * Makes the parts and joins them together.
 *
 * @throws {TypeError} When the registry cannot be used.
 * @throws {RangeError} When the protocol takes no such name or address.
 */
export function nodeParts(options: ResolvedNodeOptions, self: NodeSelf): NodeParts {
  const { name, advertiseAddr, clusterName, clock, transport, limits, logger } = options;
  const core = options.gossip.create({
    name,
    address: advertiseAddr,
    clusterName,
    generation: options.generation,
    random: options.random,
    now: clock.now(),
  });
  const reports = new Reports({ name, logger, clock });
  const [counted, refused, observersFailed] = [new Tally(), new Tally(), new Tally()];
  const itself = Object.freeze({ name, addr: advertiseAddr, self: true, state: core.state });
  // What is made last is reached through the parts: nothing below is called before they are whole.
  const view = new View([itself], options.sharder, {
    updateStarted: () => parts.metrics.updateStarted(),
    failed: (error) => {
      observersFailed.add("");
      reports.error("error", "an observer failed", error);
    },
  });
  const { silent, dispatch } = self;
  const keyValues = new KeyValues({
    core,
    protocol: options.gossip.name,
    clock,
    reports,
    silent,
    dispatch,
  });
  const host = driverHost({
    view,
    keyValues,
    reports,
    metrics: () => parts.metrics,
    admission: () => parts.admission,
    counted,
    refused,
    silent,
    dispatch,
    deserted: () => parts.goodbye.deserted(),
  });
  const driver = new Driver({ core, transport, clock, host, ...limits });
  const metrics = metricsOf(options, {
    peers: () => view.peers,
    gossip: () => core.stats,
    observers: () => view.followers + keyValues.watchers,
    driver: () => driver.stats,
    keyValues: keyValues.core,
    reports,
  });
  const joining = new Joining(options, {
    reports,
    known: () => new Set(view.peers.map((peer) => peer.addr)),
    join: (addresses) => driver.join(addresses),
  });
  const admission = new Admission({
    minClusterSize: options.minClusterSize,
    waitTimeoutMs: options.waitTimeoutMs,
    clock,
    onAdmitted: (detail: NodeAdmission) => {
      reports.log("info", "the node was admitted", { ...detail });
      dispatch(new CustomEvent("admitted", { detail }));
    },
  });
  const goodbye = new Goodbye({ driver, clock, reports, leaveTimeoutMs: limits.leaveTimeoutMs });
  const parts: NodeParts = Object.freeze({
    core,
    driver,
    joining,
    admission,
    view,
    keyValues,
    goodbye,
    metrics,
    reports,
    calls: new Calls(),
    counted,
    refused,
    observersFailed,
  });
  return parts;
}
