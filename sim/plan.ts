/**
 * A run as data: what is drawn from a seed, printed, replayed and shrunk.
 *
 * @module
 */
import type { Settings } from "./protocol.ts";

/** One fault: from an instant on, for a while. */
export interface Action {
  /** Position in the plan as it was drawn; stays when others are taken out. */
  readonly id: number;
  /** Which fault, by its name in `faults/`. */
  readonly fault: string;
  /** When it begins, virtual milliseconds. */
  readonly atMs: number;
  /** How long it lasts; 0 for what happens at once. */
  readonly forMs: number;
  /** What the fault drew for itself. */
  readonly details: Details;
}

/** Details of an action: numbers, and lists of numbers, with a meaning that the fault knows. */
export type Details = { readonly [name: string]: number | readonly number[] };

/** One run, entirely. */
export interface Plan {
  /** What randomness within the run follows from. */
  readonly seed: number;
  /** Which protocol. */
  readonly protocol: string;
  /** Machines, where the number was given and not drawn. */
  readonly asked?: number;
  /** Machines that there were to be at most, where more were drawn. */
  readonly mostNodes?: number;
  /** Machines of the main cluster. */
  readonly nodes: number;
  /** Settings of the protocol. */
  readonly settings: Settings;
  /** Least and greatest time of a packet on its way, milliseconds. */
  readonly latencyMs: readonly [number, number];
  /** Time between two rejoin rounds. */
  readonly rejoinIntervalMs: number;
  /** Packets that a process which sleeps lets wait; more are dropped. */
  readonly maxWaitingPackets: number;
  /** Whether two halves start with seeds of their own half only, and find the other by discovery later. */
  readonly splitStart: boolean;
  /** What goes wrong, by instant. */
  readonly actions: readonly Action[];
  /** When the last fault is over and the cluster has to recover. */
  readonly quietAtMs: number;
}

/** One line about a plan: what a run prints first. */
export function describePlan(plan: Plan): string {
  const {
    seed,
    protocol,
    nodes,
    latencyMs,
    rejoinIntervalMs,
    maxWaitingPackets,
    splitStart,
    actions,
    quietAtMs,
  } = plan;
  const counts = new Map<string, number>();
  for (const { fault } of actions) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  const faults = [...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([fault, count]) =>
    `${fault}×${count}`
  );
  const settings = Object.entries(plan.settings).map(([name, value]) => `${name}=${value}`);
  return `seed=${seed} protocol=${protocol} nodes=${nodes} ${settings.join(" ")} latencyMs=${
    latencyMs.join("…")
  } ` +
    `rejoinMs=${rejoinIntervalMs} inbox=${maxWaitingPackets} splitStart=${splitStart} quietAtMs=${quietAtMs} ` +
    `faults=[${faults.join(" ")}]`;
}
