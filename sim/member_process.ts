import type {
  Address,
  GossipCore,
  GossipEffect,
  GossipInput,
  GossipStats,
  MessageReader,
  Prng,
} from "../gossip/strategy.ts";
import { Admission } from "../membership/admission.ts";
import { DeadlineTimer } from "../membership/deadline.ts";
import type { Observer } from "../membership/observers.ts";
import { View } from "../membership/view.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { Sharder } from "../shard/sharder.ts";
import type { Hub } from "./hub.ts";
import { JoiningLoop } from "./joining_loop.ts";
import type { Endpoint, Network } from "./network.ts";
import type { Ending, Packet } from "./observation.ts";
import { ProcessClock } from "./process_clock.ts";
import type { ProcessSettings } from "./process_settings.ts";
import { ProcessExchanges } from "./process_exchanges.ts";
import type { Simulation } from "./simulation.ts";
import type { SimulatedExchange, StreamEndpoint } from "./streams.ts";
import { ViolationError } from "./violation.ts";
import { Wakefulness } from "./wakefulness.ts";

/** As `NodeLimits`. */
const LEAVE_TIMEOUT_MS = 5_000;

/** What one {@link MemberProcess} is made of. */
export interface MemberProcessOptions {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly hub: Hub;
  readonly settings: ProcessSettings;
  readonly slot: number;
  readonly id: number;
  readonly name: string;
  readonly address: Address;
  readonly clusterName: string;
  readonly generation: number;
  readonly clockRate: number;
  /** Finds addresses of the cluster. */
  readonly discover: () => readonly Address[];
  /** The process ended. */
  readonly ended: (process: MemberProcess, how: Ending) => void;
}

type Outcome = Extract<GossipEffect, { readonly type: "done" | "failed" }>;

/** One life of one node: a gossip core driven as the driver of `membership/` drives it, in virtual time. */
export class MemberProcess implements Endpoint, StreamEndpoint {
  readonly slot: number;
  readonly id: number;
  readonly name: string;
  readonly address: Address;
  readonly clusterName: string;
  readonly generation: number;
  readonly startedAt: number;
  endedAt = Infinity;
  phase: "running" | "leaving" | "ended" = "running";
  observed: readonly Peer[] | undefined;
  /** When above zero: the process dies after so many more effects. */
  effectsToLive = 0;
  /** Its clock. */
  readonly clock: ProcessClock;
  readonly #options: MemberProcessOptions;
  readonly #core: GossipCore;
  readonly #view: View;
  readonly #admission: Admission;
  readonly #timer: DeadlineTimer;
  readonly #joining: JoiningLoop;
  readonly #random: Prng;
  readonly #operations = new Map<number, (outcome: Outcome) => void>();
  readonly #exchanges: ProcessExchanges;
  readonly #wakefulness: Wakefulness;
  #lastOperation = 0;
  #inbox: GossipInput[] = [];
  #stepping = false;

  /** Starts the process; it joins nobody yet. */
  constructor(options: MemberProcessOptions) {
    const { simulation, network, hub, settings } = options;
    this.#options = options;
    this.slot = options.slot;
    this.id = options.id;
    this.name = options.name;
    this.address = options.address;
    this.clusterName = options.clusterName;
    this.generation = options.generation;
    this.startedAt = simulation.now;
    this.#random = simulation.random(`process:${options.slot}:${options.id}`);
    const wakefulness = this.#wakefulness = new Wakefulness(simulation, () => hub.woke(this));
    this.clock = new ProcessClock({
      simulation,
      startMs: simulation.now / 1000,
      rate: options.clockRate,
      wakefulness,
    });
    this.#core = settings.strategy.create({
      name: options.name,
      address: options.address,
      clusterName: options.clusterName,
      generation: options.generation,
      random: simulation.random(`core:${options.slot}:${options.id}`),
      now: this.clock.now(),
    });
    const itself = { name: this.name, addr: this.address, self: true, state: this.#core.state };
    this.#view = new View([Object.freeze(itself)], settings.algorithm, {
      updateStarted: () => () => {},
      failed: (error) => {
        throw error;
      },
    });
    this.#view.observe((peers) => {
      this.observed = peers;
    });
    this.#admission = new Admission({
      minClusterSize: settings.minClusterSize,
      waitTimeoutMs: undefined,
      clock: this.clock,
      onAdmitted: () => {},
    });
    this.#timer = new DeadlineTimer({
      clock: this.clock,
      expired: () => this.#feed({ type: "timeout" }),
      fired: () => {},
    });
    this.#joining = new JoiningLoop({
      clock: this.clock,
      random: this.#random,
      intervalMs: settings.rejoinIntervalMs,
      maxJoinPeers: settings.maxJoinPeers,
      discover: () => options.discover().filter((address) => address !== this.address),
      known: () => new Set(this.peers.map(({ addr }) => addr)),
      join: (addresses, ended) => this.join(addresses, ended),
    });
    this.#exchanges = new ProcessExchanges({
      simulation,
      network,
      hub,
      random: this.#random,
      clock: this.clock,
      wakefulness,
      core: this.#core,
      owner: this,
      listener: (address) => network.at(address) as MemberProcess | undefined,
      feed: (input) => this.#feed(input),
    });
    network.listen(this);
    hub.started(this);
    this.#feed({ type: "timeout" });
    this.#admission.begin();
  }

  /** See `Life.peers`. */
  get peers(): readonly Peer[] {
    return this.#view.peers;
  }
  /** See `Life.localMs`. */
  get localMs(): number {
    return this.clock.now();
  }
  /** See `Life.state`. */
  get state(): PeerState {
    return this.#core.state;
  }
  /** See `Life.sharder`. */
  get sharder(): Sharder {
    return this.#view.sharder;
  }
  /** See `Life.stats`. */
  get stats(): GossipStats {
    return this.#core.stats;
  }
  /** See `Life.paused`. */
  get paused(): boolean {
    return this.#wakefulness.paused;
  }
  /** See `Life.pendingOperations`. */
  get pendingOperations(): number {
    return this.#operations.size;
  }
  /** Whether the cluster has, or had, the wanted size. */
  get admitted(): boolean {
    return this.#admission.admitted;
  }
  /** Whether the first join is under way. */
  get joining(): boolean {
    return this.#joining.joining;
  }

  /** Follows the view. Returns what ends that. */
  observe(observer: Observer): () => void {
    return this.#view.observe(observer);
  }

  /** Joins through addresses and what is discovered, and goes on looking for members that are missing. */
  start(addresses: readonly Address[]): void {
    this.#wakefulness.arrival(() => this.#joining.start(addresses));
  }

  /** Joins through addresses, once. */
  join(addresses: readonly Address[], ended: (joined: boolean) => void = () => {}): void {
    this.#operate(
      (operation) => ({ type: "join", operation, addresses }),
      (outcome) => ended(outcome.type === "done"),
    );
  }

  /** Declares a state. */
  changeState(state: PeerState, ended: (done: boolean) => void = () => {}): void {
    this.#operate(
      (operation) => ({ type: "changeState", operation, state }),
      (outcome) => ended(outcome.type === "done"),
    );
  }

  /** Says goodbye, for a while, and ends. */
  leave(): void {
    if (this.phase !== "running") return;
    this.phase = "leaving";
    this.#view.end();
    this.#admission.close();
    this.#joining.close();
    this.#options.hub.leaving(this);
    this.clock.setTimer(LEAVE_TIMEOUT_MS, () => this.#end("leave"));
    this.#operate(
      (operation) => ({ type: "leave", operation }),
      () => this.#options.simulation.at(0, () => this.#end("leave")),
    );
  }

  /** Dies without a word. */
  crash(): void {
    this.#end("crash");
  }

  /** Sleeps: timers fire late and all at once, what arrives waits. */
  pause(ms: number): void {
    const { simulation, hub } = this.#options;
    if (this.phase === "ended") return;
    if (!this.paused) hub.slept(this);
    this.#wakefulness.pause(simulation.now + Math.ceil(ms * 1000));
  }

  /** See {@link Endpoint.packet}. */
  packet(packet: Packet): void {
    if (this.paused) {
      const wakefulness = this.#wakefulness;
      if (wakefulness.waitingPackets >= this.#options.settings.maxWaitingPackets) {
        return this.#options.hub.overflowed(this);
      }
      wakefulness.waitingPackets++;
      wakefulness.arrival(() => this.#receive(packet));
    } else this.#receive(packet);
  }

  /** See {@link StreamEndpoint.accept}. */
  accept(exchange: SimulatedExchange): MessageReader | undefined {
    return this.phase === "ended" ? undefined : this.#exchanges.accept(exchange);
  }

  /** See {@link StreamEndpoint.request}. */
  request(exchange: SimulatedExchange, bytes: Uint8Array): void {
    this.#exchanges.request(exchange, bytes);
  }

  /** See {@link StreamEndpoint.broken}. */
  broken(exchange: SimulatedExchange): void {
    this.#exchanges.broken(exchange);
  }

  #receive(packet: Packet): void {
    if (this.phase === "ended") return;
    this.#options.hub.delivered(this, packet);
    this.#feed({ type: "packet", bytes: packet.bytes });
  }

  #end(how: Ending): void {
    if (this.phase === "ended") return;
    const { network, hub, ended, simulation } = this.#options;
    this.phase = "ended";
    this.endedAt = simulation.now;
    this.#wakefulness.end();
    this.#inbox = [];
    this.#timer.cancel();
    this.#joining.close();
    this.#view.end();
    this.clock.stop();
    this.#exchanges.end();
    this.#operations.clear();
    network.close(this);
    ended(this, how);
    hub.ended(this, how);
  }

  #operate(
    input: (operation: number) => GossipInput,
    ended: (outcome: Outcome) => void,
  ): void {
    this.#wakefulness.arrival(() => {
      const operation = ++this.#lastOperation;
      this.#operations.set(operation, ended);
      this.#feed(input(operation));
    });
  }

  #feed(input: GossipInput): void {
    if (this.phase === "ended") return;
    if (this.#stepping) {
      this.#inbox.push(input);
      return;
    }
    this.#stepping = true;
    this.#step(input);
    if (this.#inbox.length > 0) {
      for (let next = 0; next < this.#inbox.length; next++) this.#step(this.#inbox[next]!);
      this.#inbox = [];
    }
    this.#stepping = false;
    if (this.#running()) this.#timer.arm(this.#core.deadline);
  }

  #step(input: GossipInput): void {
    let effects: readonly GossipEffect[];
    try {
      effects = this.#core.step(input, this.clock.now());
    } catch (error) {
      const what = error instanceof Error ? error.stack ?? error.message : String(error);
      throw new ViolationError("core-never-throws", `${this.name}, on ${input.type}: ${what}`);
    }
    for (const effect of effects) {
      if (!this.#running()) return;
      this.#perform(effect);
      if (this.effectsToLive > 0 && --this.effectsToLive === 0) this.crash();
    }
    this.#options.hub.stepped(this);
  }

  #perform(effect: GossipEffect): void {
    const { network, hub } = this.#options;
    switch (effect.type) {
      case "send":
        network.send(this, effect.to, effect.bytes);
        break;
      case "exchange":
        this.#exchanges.open(effect);
        break;
      case "reply":
        this.#exchanges.reply(effect.exchange, effect.bytes);
        break;
      case "hangUp":
        this.#exchanges.hangUp(effect.exchange);
        break;
      case "peers":
        this.#viewed(effect.peers);
        break;
      case "done":
      case "failed": {
        const ended = this.#operations.get(effect.operation);
        if (ended === undefined && this.phase === "running") {
          throw new ViolationError("operations-end", `${this.name}: an operation ended twice`);
        }
        this.#operations.delete(effect.operation);
        ended?.(effect);
        hub.effect(this, effect);
        break;
      }
      case "conflict":
      case "refused":
      case "event":
      case "counted":
        hub.effect(this, effect);
        break;
      default:
        effect satisfies never;
    }
  }

  #running(): boolean {
    return this.phase !== "ended";
  }

  #viewed(peers: readonly Peer[]): void {
    const before = this.#view.peers;
    if (!this.#view.take(peers)) return;
    const { hub, simulation } = this.#options;
    if (this.phase === "leaving") {
      // Nobody is left to be told.
      if (!peers.some(({ self }) => !self)) simulation.at(0, () => this.#end("leave"));
      return;
    }
    this.#admission.update(peers.length);
    this.#view.announce();
    hub.viewed(this, { before, peers });
  }
}
