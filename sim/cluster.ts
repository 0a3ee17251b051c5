import type { Address, GossipStrategy } from "../gossip/strategy.ts";
import type { Algorithm } from "../shard/placement.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import { Hub } from "./hub.ts";
import { MemberProcess } from "./member_process.ts";
import { Network, type NetworkOptions } from "./network.ts";
import type { Ending, Facts, Life, Watcher } from "./observation.ts";
import { Simulation } from "./simulation.ts";

/** Wall clock at the beginning of every world: 14 November 2023. */
const EPOCH_MS = 1_700_000_000_000;

/** Options of {@link clusterOf}. */
export interface ClusterOptions {
  readonly seed: number;
  readonly strategy: GossipStrategy;
  readonly algorithm: Algorithm;
  readonly latencyMs: readonly [number, number];
  readonly rejoinIntervalMs: number;
  /** @default {5} */
  readonly maxJoinPeers?: number;
  /** @default {1} */
  readonly minClusterSize?: number;
  /** Packets that a process which sleeps lets wait. @default {1024} */
  readonly maxWaitingPackets?: number;
  /** See {@link NetworkOptions.checksummed}. */
  readonly checksummed?: NetworkOptions["checksummed"];
}

/** A machine: processes come and go on it. */
export interface Slot {
  readonly index: number;
  name: string;
  clusterName: string;
  /** Of the process, or of the last one. */
  address: Address;
  process: MemberProcess | undefined;
  /** How far its wall clock is off. */
  wallOffsetMs: number;
  /** Local milliseconds a real one. */
  clockRate: number;
  /** Whom its discovery finds: slots of the same group; 0 finds all. */
  discoveryGroup: number;
  /** Whether the discovery lists addresses of processes that are gone. */
  staleDiscovery: boolean;
}

/** How a process starts. */
export interface StartOptions {
  /** `same`: the slot's last one. `new`: never used. Else this one. @default {"same"} */
  readonly address?: string;
}

/** Machines, processes and the network between them, in one simulation. */
export class Cluster implements Facts {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly hub: Hub = new Hub();
  readonly slots: Slot[] = [];
  readonly #lives: MemberProcess[] = [];
  readonly #livesOf = new Map<string, MemberProcess[]>();
  readonly #options: ClusterOptions;
  readonly #excusedAt = new Map<number, number>();
  // What all should see, by cluster; forgotten when it changes.
  readonly #truth = new Map<string, readonly Peer[]>();
  readonly #states = new Map<number, PeerState>();
  #addresses = 0;
  #dirty = true;
  #disagreeing: Life | undefined;

  /** Use {@link clusterOf}. */
  constructor(options: ClusterOptions) {
    this.#options = options;
    this.simulation = new Simulation(options.seed);
    const [least, most] = options.latencyMs;
    this.network = new Network({
      simulation: this.simulation,
      latencyUs: [Math.round(least * 1000), Math.round(most * 1000)],
      sent: (packet) => this.hub.sent(packet),
      ...(options.checksummed === undefined ? {} : { checksummed: options.checksummed }),
    });
    this.hub.add({
      viewed: (life) => {
        this.#dirty = true;
        if (this.#states.get(life.id) === life.state) return;
        this.#states.set(life.id, life.state);
        this.#truth.clear();
      },
      leaving: () => this.#changed(),
      slept: (life) => this.excuse(life.slot),
      woke: (life) => this.excuse(life.slot),
    });
  }

  /** See {@link Facts.now}. */
  get now(): number {
    return this.simulation.now;
  }

  /** See {@link Facts.lives}. */
  get lives(): readonly MemberProcess[] {
    return this.#lives;
  }

  /** See {@link Facts.livesOf}. */
  livesOf(name: string): readonly MemberProcess[] {
    return this.#livesOf.get(name) ?? [];
  }

  /** The processes that run, leaving ones included. */
  *alive(): Iterable<MemberProcess> {
    for (const { process } of this.slots) if (process !== undefined) yield process;
  }

  /** The process of a slot, if one runs. */
  running(slot: number): MemberProcess | undefined {
    return this.slots[slot]?.process;
  }

  /** Lets a watcher watch. */
  watch(watcher: Watcher): void {
    this.hub.add(watcher);
  }

  /** Adds a machine. */
  slot(options: { readonly name: string; readonly clusterName: string }): Slot {
    const slot: Slot = {
      index: this.slots.length,
      ...options,
      address: this.#address(),
      process: undefined,
      wallOffsetMs: 0,
      clockRate: 1,
      discoveryGroup: 0,
      staleDiscovery: false,
    };
    this.slots.push(slot);
    return slot;
  }

  /** Begins a process on a machine without one. It joins nobody yet. */
  start(index: number, options: StartOptions = {}): MemberProcess {
    const slot = this.slots[index]!;
    if (slot.process !== undefined) {
      throw new RangeError(`Cannot start a process as the slot must be free: slot ${index} is not`);
    }
    if (options.address === "new") slot.address = this.#address();
    else if (options.address !== undefined && options.address !== "same") {
      slot.address = options.address;
    }
    const {
      strategy,
      algorithm,
      rejoinIntervalMs,
      maxJoinPeers = 5,
      minClusterSize = 1,
      maxWaitingPackets = 1024,
    } = this.#options;
    this.excuse(index);
    this.#changed();
    const process: MemberProcess = new MemberProcess({
      simulation: this.simulation,
      network: this.network,
      hub: this.hub,
      settings: {
        strategy,
        algorithm,
        rejoinIntervalMs,
        maxJoinPeers,
        minClusterSize,
        maxWaitingPackets,
      },
      slot: index,
      id: this.#lives.length,
      name: slot.name,
      address: slot.address,
      clusterName: slot.clusterName,
      generation: EPOCH_MS + Math.floor(this.now / 1000) + slot.wallOffsetMs,
      clockRate: slot.clockRate,
      discover: () => this.discover(index),
      ended: (ended, how) => this.#ended(ended, how),
    });
    this.#lives.push(process);
    const namesakes = this.#livesOf.get(slot.name);
    if (namesakes === undefined) this.#livesOf.set(slot.name, [process]);
    else namesakes.push(process);
    slot.process = process;
    return process;
  }

  /** What the discovery of a slot finds. */
  discover(index: number): readonly Address[] {
    const { clusterName, discoveryGroup, staleDiscovery } = this.slots[index]!;
    const found: Address[] = [];
    for (const slot of this.slots) {
      if (slot.clusterName !== clusterName || slot.index === index) continue;
      if (discoveryGroup !== 0 && slot.discoveryGroup !== discoveryGroup) continue;
      if (slot.process === undefined && !staleDiscovery) continue;
      found.push(slot.address);
    }
    return found;
  }

  /** Explains why a slot was not heard until now. */
  excuse(slot: number): void {
    this.#excusedAt.set(slot, this.now);
  }

  /** See {@link Facts.excusedAt}. */
  excusedAt(slot: number): number {
    return Math.max(this.upsetAt(slot), this.network.skies.touchedAt(slot));
  }

  /** See {@link Facts.upsetAt}. */
  upsetAt(slot: number): number {
    const process = this.running(slot);
    if (process === undefined || process.paused) return this.now;
    return this.#excusedAt.get(slot) ?? -Infinity;
  }

  /**
   * Whether every process that runs, and does not leave, lists exactly those of its cluster that do, with address and state.
   * Cheap where nothing changed since it was asked last.
   */
  converged(): boolean {
    if (!this.#dirty) return this.#disagreeing === undefined;
    this.#dirty = false;
    // The one that disagreed last is the likeliest to disagree still.
    const last = this.#disagreeing;
    if (last?.phase === "running" && !this.#agrees(last)) return false;
    this.#disagreeing = undefined;
    for (const life of this.alive()) {
      if (life.phase !== "running" || this.#agrees(life)) continue;
      this.#disagreeing = life;
      return false;
    }
    return true;
  }

  /** One line about the first process that sees it differently. */
  disagreement(): string {
    for (const life of this.alive()) {
      if (life.phase !== "running" || this.#agrees(life)) continue;
      const text = (peers: readonly Peer[]) =>
        peers.map(({ name, addr, state }) => `${name}@${addr}/${state}`);
      const wanted = text(this.#members(life.clusterName));
      const seen = text(life.peers);
      const missing = wanted.filter((peer) => !seen.includes(peer));
      const wrong = seen.filter((peer) => !wanted.includes(peer));
      return `${life.name} sees ${seen.length} of ${wanted.length}, misses [${
        missing.slice(0, 5).join(", ")
      }], has [${wrong.slice(0, 5).join(", ")}]`;
    }
    return "all agree";
  }

  #members(clusterName: string): readonly Peer[] {
    let members = this.#truth.get(clusterName);
    if (members !== undefined) return members;
    const found: Peer[] = [];
    for (const life of this.alive()) {
      if (life.clusterName !== clusterName || life.phase !== "running") continue;
      found.push({ name: life.name, addr: life.address, self: false, state: life.state });
    }
    members = found.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    this.#truth.set(clusterName, members);
    return members;
  }

  #agrees(life: Life): boolean {
    const members = this.#members(life.clusterName);
    const { peers } = life;
    if (peers.length !== members.length) return false;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i]!;
      const member = members[i]!;
      if (
        peer.name !== member.name || peer.addr !== member.addr || peer.state !== member.state
      ) return false;
    }
    return true;
  }

  #changed(): void {
    this.#dirty = true;
    this.#truth.clear();
  }

  #ended(process: MemberProcess, _how: Ending): void {
    const slot = this.slots[process.slot]!;
    if (slot.process === process) slot.process = undefined;
    this.excuse(process.slot);
    this.#changed();
  }

  #address(): Address {
    const n = this.#addresses++;
    return `10.${n >> 16 & 255}.${n >> 8 & 255}.${n & 255}:8080`;
  }
}

/** Creates a cluster without machines. */
export function clusterOf(options: ClusterOptions): Cluster {
  return new Cluster(options);
}
