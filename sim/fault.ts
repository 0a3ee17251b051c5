import type { Prng } from "../gossip/strategy.ts";
import type { Cluster } from "./cluster.ts";
import type { Details } from "./plan.ts";
import type { Skies } from "./weather.ts";

/** What a fault may know when it draws itself. */
export interface Scope {
  /** Machines of the main cluster. */
  readonly nodes: number;
  /** How long a fault may last, milliseconds. */
  readonly longestMs: number;
}

/** A fault as drawn. */
export interface Drawn {
  /** How long it lasts, milliseconds; 0: it happens at once. */
  readonly forMs: number;
  /** The rest. Slots are named by numbers below `Scope.nodes`, and taken modulo the nodes that a shrunk run has. */
  readonly details: Details;
}

/** Where weather strikes: whatever has a network. */
export interface WeatherSite {
  /** The network, and the instant in microseconds. */
  readonly cluster: { readonly network: { readonly skies: Skies }; readonly now: number };
  /** Machines of the main cluster: slots 0 and up. */
  readonly nodes: number;
}

/** Where a fault strikes. */
export interface Site extends WeatherSite {
  /** Everything. */
  readonly cluster: Cluster;
  /** Machines of the main cluster: slots 0 and up. */
  readonly nodes: number;
  /** Randomness for what is not in the details. */
  readonly random: Prng;
  /** Begins a process on a free slot and lets it join, unless the run is over by then. */
  readonly boot: (slot: number, options?: { readonly address?: string }) => void;
  /** Whether a slot should run once all faults are over. */
  readonly wanted: Set<number>;
  /** Does something later, if the run still goes on. */
  readonly later: (ms: number, run: () => void) => void;
}

/** One way in which the world is bad. */
export interface Fault<Place extends WeatherSite = Site> {
  /** Its name in plans and reports. */
  readonly name: string;
  /** How often it is drawn, relative to others. @default {1} */
  readonly weight?: number;
  /** Draws one. */
  draw(random: Prng, scope: Scope): Drawn;
  /** Begins it; what it returns ends it. */
  begin(site: Place, drawn: Drawn): (() => void) | void;
}

/** A detail that is a number. */
export function numberOf(details: Details, name: string): number {
  const value = details[name];
  return typeof value === "number" ? value : 0;
}

/** A detail that is a list of numbers. */
export function listOf(details: Details, name: string): readonly number[] {
  const value = details[name];
  return typeof value === "object" ? value : [];
}
