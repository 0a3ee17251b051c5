/**
 * What a gossip core counts, as metrics.
 *
 * @module
 */
import { Counter } from "prom-client";
import type { Registry } from "./registry.ts";
import type { GossipCounter } from "../gossip/strategy.ts";
import type { GossipEvent } from "./node_metrics.ts";

/** Refusal reasons are words of our own cores; the bound keeps a mistake there from growing the registry. */
const maxReasons = 64;

type Mapped =
  | { readonly event: GossipEvent }
  | { readonly broadcast: true }
  | { readonly name: string; readonly help: string };

const COUNTERS: Readonly<Record<GossipCounter, Mapped>> = {
  eventNodeJoin: { event: "node_join" },
  eventNodeLeave: { event: "node_leave" },
  eventNodeUpdate: { event: "node_update" },
  eventNodeConflict: { event: "node_conflict" },
  eventStateMessage: { event: "state_change_message" },
  eventRemoteState: { event: "merge_remote_state" },
  eventLocalState: { event: "get_local_state" },
  eventUnknownMessage: { event: "unknown_message" },
  broadcast: { broadcast: true },
  probe: { name: "probes", help: "Probes of peers begun" },
  probeFailed: { name: "probes_failed", help: "Probes that nobody acknowledged" },
  nack: { name: "nacks", help: "Answers of helpers that could not reach a probed peer either" },
  refutation: { name: "refutations", help: "Times this node had to contradict news of its death" },
  suspicion: { name: "suspicions", help: "Peers that this node began to suspect" },
  lateTimer: { name: "late_timers", help: "Timers that fired so late that no peer was judged" },
};

/** The push side of the gossip metrics. */
export interface Counts {
  count(counter: GossipCounter, by: number): void;
  event(event: GossipEvent, by: number): void;
  broadcast(by: number): void;
  refused(reason: string): void;
}

/** Registers the counters; each of them starts at 0, so that its first increase shows in a rate. */
export function registerCounts(registry: Registry, clusterName: string): Counts {
  const registers = [registry];
  const cluster = { cluster_name: clusterName };
  const events = new Counter({
    name: "cluster_node_gossip_received_events_total",
    help: "Gossip events that this node took in",
    labelNames: ["cluster_name", "event"],
    registers,
  });
  const broadcasts = new Counter({
    name: "cluster_node_gossip_broadcasts_total",
    help: "News of others that this node began to pass on",
    labelNames: ["cluster_name", "event"],
    registers,
  });
  const refusals = new Counter({
    name: "cluster_gossip_refused_total",
    help: "What peers sent, or the own driver could not do, that had no effect",
    labelNames: ["cluster_name", "reason"],
    registers,
  });
  const plain = new Map<GossipCounter, Counter>();
  for (const [key, mapped] of Object.entries(COUNTERS) as [GossipCounter, Mapped][]) {
    if ("event" in mapped) {
      events.inc({ ...cluster, event: mapped.event }, 0);
      continue;
    }
    if ("broadcast" in mapped) continue;
    const name = `cluster_gossip_${mapped.name}_total`;
    const counter = new Counter({
      name,
      help: mapped.help,
      labelNames: ["cluster_name"],
      registers,
    });
    counter.inc(cluster, 0);
    plain.set(key, counter);
  }
  const reasons = new Set<string>();
  const broadcast = (by: number) =>
    broadcasts.inc({ ...cluster, event: "state_change_message" }, by);
  broadcast(0);
  const event = (name: GossipEvent, by: number) => events.inc({ ...cluster, event: name }, by);
  return {
    event,
    count(counter, by) {
      const mapped = COUNTERS[counter];
      if ("event" in mapped) event(mapped.event, by);
      else if ("broadcast" in mapped) broadcast(by);
      else plain.get(counter)?.inc(cluster, by);
    },
    broadcast,
    refused(reason) {
      if (reasons.size < maxReasons) reasons.add(reason);
      refusals.inc({ ...cluster, reason: reasons.has(reason) ? reason : "other" });
    },
  };
}
