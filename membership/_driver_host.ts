import type { NodeMetrics } from "../metrics/node_metrics.ts";
import type { Admission } from "./admission.ts";
import type { DriverHost } from "./driver.ts";
import type { NodeEventMap } from "./events.ts";
import type { KeyValues } from "./key_values.ts";
import type { Reports } from "./reports.ts";
import type { Tally } from "./stats.ts";
import type { View } from "./view.ts";

/** The parts of a node that hear of what its driver meets. */
export interface DriverHostParts {
  readonly view: View;
  readonly keyValues: KeyValues;
  readonly reports: Reports;
  readonly metrics: () => NodeMetrics;
  readonly admission: () => Admission;
  readonly counted: Tally;
  readonly refused: Tally;
  /** Whether the node is being stopped: its own leaving is no news to its observers. */
  readonly silent: () => boolean;
  /** Nobody else is left while the node is being stopped. */
  readonly deserted: () => void;
  readonly dispatch: (event: CustomEvent) => void;
}

/** Spreads what a driver tells over the parts of its node: the view is up to date before anybody hears of it. */
export function driverHost(parts: DriverHostParts): DriverHost {
  const { view, keyValues, reports, metrics, admission, counted, refused, silent } = parts;
  const dispatch = <Type extends keyof NodeEventMap>(type: Type, detail: NodeEventMap[Type]) =>
    parts.dispatch(new CustomEvent(type, { detail }));
  return {
    peers(peers) {
      if (!view.take(peers)) return;
      if (silent()) {
        // Two that leave at once would otherwise wait out the limit for each other.
        if (!peers.some((peer) => !peer.self)) parts.deserted();
        return;
      }
      reports.log("debug", "the peers changed", { count: peers.length });
      admission().update(peers.length);
      view.announce();
      keyValues.changed();
      dispatch("peers", view.peers);
    },
    conflict({ name, known, claimed }) {
      const conflict = Object.freeze({ name, known, claimed });
      reports.conflict(conflict);
      dispatch("conflict", conflict);
    },
    refused(refusal) {
      refused.add(refusal.reason);
      metrics().refused(refusal.reason);
      reports.refusal(refusal);
      dispatch("refused", refusal);
    },
    event: (event) => keyValues.event(event),
    counted(counter, by) {
      counted.add(counter, by);
      metrics().count(counter, by);
    },
    lagged: (latenessMs) => metrics().observeLag(latenessMs),
    faulted: (error) => reports.error("error", "the gossip core or the transport failed", error),
  };
}
