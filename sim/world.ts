import type { Address, GossipStrategy } from "../gossip/strategy.ts";
import { swim } from "../gossip/swim/swim.ts";
import type { Observer } from "../membership/observers.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { Algorithm, LookupOptions } from "../shard/placement.ts";
import { ring } from "../shard/ring.ts";
import type { Key } from "../shard/key.ts";
import type { Operation } from "../shard/peer.ts";
import { type Cluster, clusterOf } from "./cluster.ts";
import type { MemberProcess } from "./member_process.ts";
import { ViolationError } from "./violation.ts";

/** Options of {@link world}. */
export interface WorldOptions {
  /** What everything follows from: equal seeds and equal calls give equal worlds. A non-negative integer. @default {1} */
  readonly seed?: number;
  /** How many nodes, 1 to 10,000. They start one after the other, joined through the first. @default {3} */
  readonly nodes?: number;
  /** The gossip protocol. @default {swim("fast")} */
  readonly gossip?: GossipStrategy;
  /** How keys are placed. @default {ring({ tokens: 64 })} */
  readonly sharder?: Algorithm;
  /** The cluster's name. @default {"sim"} */
  readonly clusterName?: string;
  /** Least and greatest time of a packet on its way, milliseconds. @default {[0.2, 2]} */
  readonly latencyMs?: readonly [number, number];
  /** Time between two rounds of looking for missing members; `Infinity`: never. @default {60000} */
  readonly rejoinIntervalMs?: number;
  /** Whether every node declares itself a participant at its start. @default {true} */
  readonly participate?: boolean;
  /** Whether the nodes have found each other when {@link world} returns. @default {true} */
  readonly formed?: boolean;
}

/** One node of a {@link World}. It survives its processes: a crash ends one, a restart begins another. */
export interface WorldNode {
  /** Position in {@link World.nodes}. */
  readonly index: number;
  /** Its name. */
  readonly name: string;
  /** Where its process listens, or did last. */
  readonly address: Address;
  /** Whether a process runs. */
  readonly running: boolean;
  /** What it believes: all members, itself included, sorted by name. Empty while no process runs. */
  readonly peers: readonly Peer[];
  /** What it declared last. */
  readonly state: PeerState;
  /**
   * The owners of a key, as this node sees them.
   *
   * @throws {NotEnoughNodesError} When it knows fewer than `count` eligible members.
   * @throws {RangeError} When no process runs.
   */
  lookup(
    key: Key | string,
    count: number,
    op?: Operation,
    options?: LookupOptions,
  ): readonly Peer[];
  /** Declares another state, as `Node.changeState`. Takes effect as time advances. */
  changeState(state: PeerState): void;
  /**
   * Calls an observer with the whole peer list after each change, over restarts of the process as well, as `Node.observe`. An
   * observer that returns a promise is busy until that settles: no promise settles within {@link World.advance}.
   *
   * @returns Ends it.
   */
  observe(observer: Observer): () => void;
}

/** How a node comes back, see {@link World.restart}. */
export interface RestartOptions {
  /** `same`: where it was. `new`: elsewhere. @default {"same"} */
  readonly address?: "same" | "new";
}

/**
 * A cluster in virtual time: real protocol cores and codecs, a simulated network, no timer and no promise. Time passes only in
 * {@link World.advance} and {@link World.expectConverged}.
 */
export class World {
  /** The nodes. */
  readonly nodes: readonly WorldNode[];
  readonly #cluster: Cluster;
  #heal: (() => void)[] = [];

  /** Use {@link world}. */
  constructor(options: WorldOptions = {}) {
    const count = options.nodes ?? 3;
    if (!Number.isInteger(count) || count < 1 || count > 10_000) {
      throw new RangeError(
        `Cannot create a world as 'nodes' must be an integer from 1 to 10000: current value is ${count}`,
      );
    }
    const cluster = this.#cluster = clusterOf({
      seed: options.seed ?? 1,
      strategy: options.gossip ?? swim("fast"),
      algorithm: options.sharder ?? ring({ tokens: 64 }),
      latencyMs: options.latencyMs ?? [0.2, 2],
      rejoinIntervalMs: options.rejoinIntervalMs ?? 60_000,
    });
    const width = String(count - 1).length;
    const clusterName = options.clusterName ?? "sim";
    this.nodes = Object.freeze(Array.from({ length: count }, (_, index) => {
      const name = `n${String(index).padStart(width, "0")}`;
      return new Member(cluster, { index, name, clusterName, options });
    }));
    const [first] = this.nodes;
    this.nodes.forEach((_, i) => this.restart(i, {}, i === 0 ? [] : [first!.address]));
    if (options.formed ?? true) this.expectConverged({ withinMs: 600_000 });
  }

  /** Virtual time since the world began, milliseconds. */
  get nowMs(): number {
    return this.#cluster.simulation.now / 1000;
  }

  /** Events so far. */
  get events(): number {
    return this.#cluster.simulation.events;
  }

  /** Digest of all that happened: equal on every runtime for equal seeds and calls. */
  get traceHash(): string {
    return this.#cluster.simulation.trace.digest;
  }

  /** Lets time pass. @param ms Virtual milliseconds, 0 or more. */
  advance(ms: number): void {
    if (!(ms >= 0)) {
      throw new RangeError(`Cannot advance as 'ms' must be at least 0: current value is ${ms}`);
    }
    const { simulation } = this.#cluster;
    simulation.run(simulation.now + Math.round(ms * 1000));
  }

  /** Parts the network: packets pass within a group only; nodes that no group names form one more. */
  partition(...groups: readonly (readonly number[])[]): void {
    const groupOf = new Map(groups.flatMap((group, i) => group.map((node) => [node, i] as const)));
    this.#heal.push(this.#cluster.network.skies.begin({
      cut: true,
      covers: (from, to) => groupOf.get(from) !== groupOf.get(to),
    }));
  }

  /** Loses a share of all packets, until {@link World.heal}. @param share From 0 to 1. */
  lose(share: number): void {
    this.#heal.push(this.#cluster.network.skies.begin({ loss: share }));
  }

  /** Ends what {@link World.partition} and {@link World.lose} began. */
  heal(): void {
    for (const end of this.#heal.splice(0)) end();
  }

  /** Ends a node's process without a word to anybody. */
  crash(node: number): void {
    this.#process(node)?.crash();
  }

  /** Lets a node say goodbye; its process ends when the others were told. */
  leave(node: number): void {
    this.#process(node)?.leave();
  }

  /** Lets a node's process sleep, as a blocked event loop does: timers late, packets waiting. */
  pause(node: number, ms: number): void {
    this.#process(node)?.pause(ms);
  }

  /**
   * Begins a process for a node; one that runs is ended first. It joins through `seeds` and looks for others by itself.
   *
   * @param seeds Addresses to join. @default The other nodes' addresses.
   */
  restart(node: number, options: RestartOptions = {}, seeds?: readonly Address[]): void {
    const member = this.#member(node);
    member.restart(options.address ?? "same", seeds);
  }

  /** Whether every node that runs lists exactly those that run, with their addresses and states. */
  get converged(): boolean {
    return this.#cluster.converged();
  }

  /**
   * Lets time pass until the world is {@link World.converged}.
   *
   * @returns The virtual milliseconds it took.
   * @throws {ViolationError} When it is not within `withinMs`. @default {120000}
   */
  expectConverged(options: { readonly withinMs?: number } = {}): number {
    const withinMs = options.withinMs ?? 120_000;
    const { simulation } = this.#cluster;
    const begin = simulation.now;
    const done = this.converged ||
      simulation.run(begin + Math.round(withinMs * 1000), () => this.#cluster.converged());
    if (!done) {
      throw new ViolationError(
        "converges",
        `not within ${withinMs} ms (seed ${simulation.seed}): ${this.#cluster.disagreement()}`,
        "liveness",
      );
    }
    return (simulation.now - begin) / 1000;
  }

  #member(node: number): Member {
    const member = this.nodes[node];
    if (!(member instanceof Member)) {
      throw new RangeError(
        `Cannot find the node as its index must be below ${this.nodes.length}: current value is ${node}`,
      );
    }
    return member;
  }

  #process(node: number): MemberProcess | undefined {
    return this.#member(node).process;
  }
}

interface MemberOptions {
  readonly index: number;
  readonly name: string;
  readonly clusterName: string;
  readonly options: WorldOptions;
}

class Member implements WorldNode {
  readonly index: number;
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #options: MemberOptions;
  readonly #observers = new Map<Observer, () => void>();

  constructor(cluster: Cluster, options: MemberOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.index = options.index;
    this.name = options.name;
    cluster.slot({ name: options.name, clusterName: options.clusterName });
  }

  get process(): MemberProcess | undefined {
    return this.#cluster.running(this.index);
  }

  get address(): Address {
    return this.#cluster.slots[this.index]!.address;
  }

  get running(): boolean {
    return this.process !== undefined;
  }

  get peers(): readonly Peer[] {
    return this.process?.peers ?? [];
  }

  get state(): PeerState {
    return this.process?.state ?? "viewer";
  }

  lookup(
    key: Key | string,
    count: number,
    op: Operation = "readWrite",
    options?: LookupOptions,
  ): readonly Peer[] {
    if (this.process === undefined) {
      throw new RangeError(`Cannot look up a key as a process must run: ${this.name} has none`);
    }
    return this.process.sharder.lookup(key, count, op, options);
  }

  changeState(state: PeerState): void {
    this.process?.changeState(state);
  }

  observe(observer: Observer): () => void {
    this.#observers.set(observer, this.process?.observe(observer) ?? (() => {}));
    return () => {
      this.#observers.get(observer)?.();
      this.#observers.delete(observer);
    };
  }

  restart(address: "same" | "new", seeds: readonly Address[] | undefined): void {
    this.process?.crash();
    const process = this.#cluster.start(this.index, { address });
    for (const observer of this.#observers.keys()) {
      this.#observers.set(observer, process.observe(observer));
    }
    process.start(seeds ?? this.#cluster.discover(this.index));
    if (this.#options.options.participate ?? true) process.changeState("participant");
  }
}

/**
 * Creates a cluster in virtual time, to test what a program does when members come, go, stall and are cut off.
 *
 * @example Usage
 * ```ts
 * import { world } from "@ck/cluster/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const w = world({ seed: 7, nodes: 5 });
 * const seen: number[] = [];
 * w.nodes[0]!.observe((peers) => void seen.push(peers.length));
 *
 * w.partition([0, 1], [2, 3, 4]); // two sides that do not hear each other
 * w.advance(30_000); // thirty seconds, in a few milliseconds
 * assertEquals(w.nodes[0]!.peers.map((peer) => peer.name), ["n0", "n1"]);
 *
 * w.heal();
 * w.expectConverged();
 * assertEquals(seen.at(-1), 5);
 * assertEquals(w.nodes[0]!.lookup("user:42", 1), w.nodes[0]!.lookup("user:42", 1));
 * ```
 *
 * @param options The seed, the size, and what the nodes are made of.
 * @throws {RangeError} When an option is outside its range.
 * @throws {ViolationError} When the nodes do not find each other.
 */
export function world(options: WorldOptions = {}): World {
  return new World(options);
}
