/**
 * What the simulator has to know of a protocol: everything else in `sim/` is common to all. A protocol with a bug planted into it is
 * another value of the same shape.
 *
 * @module
 */
import type { GossipStrategy, Prng } from "../gossip/strategy.ts";
import type { Cluster } from "./cluster.ts";
import type { Fault } from "./fault.ts";
import type { Watcher } from "./observation.ts";
import type { Plan } from "./plan.ts";
import type { Outcome } from "./play.ts";
import type { SituationCounter } from "./situations.ts";

/** Settings of a protocol, as plain data: what a plan holds, prints and replays. */
export type Settings = { readonly [name: string]: string | number | boolean };

/** How long things may take, by the settings of a run. */
export interface Bounds {
  /** From the end of all faults until every view is right, milliseconds. */
  recoveryMs(
    world: { readonly names: number; readonly rejoinIntervalMs: number },
  ): number;
  /** From then on until nothing is left to be told, milliseconds. */
  drainMs(names: number): number;
  /** How long something may have an effect on whether a node is believed alive, milliseconds, while nobody sleeps. */
  blameMs(nodes: number): number;
  /** How long one who was wrong about a node, or missed that it objected, may keep that to itself, milliseconds. */
  wrongMs(nodes: number): number;
}

/** What a protocol's watchers may know. */
export interface Scene {
  /** Machines, processes, the network, and the truth about them. */
  readonly cluster: Cluster;
  /** As drawn. */
  readonly settings: Settings;
  /** Where situations are counted. */
  readonly situations: SituationCounter;
}

/** Watches a protocol, and may know of something that has to come to an end once all views are right. */
export interface ProtocolWatcher extends Watcher {
  /** What is still under way, under the name of the invariant that it breaks if it never ends; `undefined`: nothing. */
  unsettled?(): { readonly invariant: string; readonly detail: string } | undefined;
}

/** What the charts of a protocol vary. */
export interface ChartSettings {
  /** The settings where others vary. */
  readonly base: Settings;
  /** How patient the failure detector is: what costs time when somebody dies, and spares the living. */
  readonly sensitivity: {
    readonly xLabel: string;
    /** Why lines lie on each other where all notice a death. @default {nothing is said} */
    readonly coincide?: string;
    readonly points: readonly {
      readonly line: string;
      readonly x: number;
      readonly settings: Settings;
    }[];
  };
}

/** What plans are drawn from, and campaigns are judged by. */
export interface Drawable {
  /** As on the command line and in plans. */
  readonly name: string;
  /** What may go wrong. A new fault goes to the end: plans are drawn by position. */
  readonly faults: readonly Pick<Fault, "name" | "weight" | "draw">[];
  /** What must occur in a campaign, or it has not tried much: names that the counter and the watchers count. */
  readonly situations: readonly string[];
  /** Draws the settings of a run of so many machines, and how long its faults last, virtual milliseconds. */
  draw(random: Prng, nodes: number): { readonly settings: Settings; readonly runMs: number };
}

/** A protocol with a world of its own: it plays its plans itself. */
export interface WorldProtocol extends Drawable {
  /** Draws how many machines there are. */
  nodes(random: Prng): number;
  /** No fault begins earlier, virtual milliseconds. */
  readonly startMs: number;
  /** Plays a plan from beginning to end. Equal plans have equal outcomes. */
  play(plan: Plan): Outcome;
}

/** Whatever the simulator plays. */
export type AnyProtocol = Protocol | WorldProtocol;

/** A gossip protocol, as the simulator plays it. */
export interface Protocol extends Drawable {
  /** What may go wrong, each where it strikes. */
  readonly faults: readonly Fault[];
  /** Draws how many machines there are. @default {3 to 1,000, most often few} */
  nodes?(random: Prng): number;
  /** The protocol with these settings. */
  strategy(settings: Settings): GossipStrategy;
  /** The same, of another making of the protocol. @default {the other making itself} */
  made?(make: (settings: Settings) => GossipStrategy): (settings: Settings) => GossipStrategy;
  /** Whether a packet has a checksum, so that changed bytes are refused; what has none may only be cut short. */
  checksummed(packet: Uint8Array): boolean;
  /** Bounds for these settings. */
  bounds(settings: Settings): Bounds;
  /** What `--report` measures. */
  readonly charts: ChartSettings;
  /** Counters of its own situations, then invariants, which throw a `ViolationError`. */
  watch(scene: Scene): readonly ProtocolWatcher[];
}
