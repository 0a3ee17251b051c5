import type {
  Address,
  GossipCore,
  GossipEffect,
  GossipInput,
  GossipStats,
  GossipStrategy,
  MessageReader,
  Prng,
} from "../gossip/strategy.ts";
import { Admission } from "../membership/admission.ts";
import { DeadlineTimer } from "../membership/deadline.ts";
import type { Observer } from "../membership/observers.ts";
import { View } from "../membership/view.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { Algorithm } from "../shard/placement.ts";
import type { Sharder } from "../shard/sharder.ts";
import type { Hub } from "./hub.ts";
import { JoiningLoop } from "./joining_loop.ts";
import type { Endpoint, Network } from "./network.ts";
import type { Ending, Packet } from "./observation.ts";
import { ProcessClock } from "./process_clock.ts";
import type { Simulation } from "./simulation.ts";
import { SimulatedExchange, type StreamEndpoint } from "./streams.ts";
import { ViolationError } from "./violation.ts";

/** Inputs that one turn of the event loop reads after a sleep, before timers are looked at again. */
const TURN_INPUTS = 256;
/** As `NodeLimits`. */
const MAX_ACCEPTED = 128;
const REQUEST_TIMEOUT_MS = 2_000;
const LEAVE_TIMEOUT_MS = 5_000;

/** Settings that all processes of a world share. */
export interface ProcessSettings {
  readonly strategy: GossipStrategy;
  readonly algorithm: Algorithm;
  readonly rejoinIntervalMs: number;
  readonly maxJoinPeers: number;
  readonly minClusterSize: number;
  /** Packets that may wait while the process sleeps: what a driver and its transport hold. */
  readonly maxWaitingPackets: number;
}

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
  readonly #own = new Map<number, { exchange: SimulatedExchange; cancel: () => void }>();
  readonly #accepted = new Map<
    number,
    { exchange: SimulatedExchange; cancel: () => void }
  >();
  readonly #acceptedIds = new Map<SimulatedExchange, number>();
  #lastOperation = 0;
  #lastAccepted = 0;
  #inbox: GossipInput[] = [];
  #stepping = false;
  #pausedUntil = -1;
  #lateTimers: (() => void)[] = [];
  #arrivals: (() => void)[] = [];
  #waitingPackets = 0;

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
    this.clock = new ProcessClock({
      simulation,
      startMs: simulation.now / 1000,
      rate: options.clockRate,
      fire: (run) => this.#awake(run, this.#lateTimers),
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
    network.listen(this);
    hub.started(this);
    this.#feed({ type: "timeout" });
    this.#admission.begin();
  }

  /** See `Life.peers`. */
  get peers(): readonly Peer[] {
    return this.#view.peers;
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
    return this.#pausedUntil >= 0;
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
    this.#awake(() => this.#joining.start(addresses), this.#arrivals);
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
    const until = simulation.now + Math.ceil(ms * 1000);
    if (!this.paused) hub.slept(this);
    if (until <= this.#pausedUntil) return;
    this.#pausedUntil = until;
    simulation.at(until, () => this.#wake());
  }

  /** See {@link Endpoint.packet}. */
  packet(packet: Packet): void {
    if (this.paused) {
      if (this.#waitingPackets >= this.#options.settings.maxWaitingPackets) {
        return this.#options.hub.overflowed(this);
      }
      this.#waitingPackets++;
      this.#arrivals.push(() => this.#receive(packet));
    } else this.#receive(packet);
  }

  /** See {@link StreamEndpoint.accept}. */
  accept(exchange: SimulatedExchange): MessageReader | undefined {
    if (this.phase === "ended" || this.#accepted.size >= MAX_ACCEPTED) return undefined;
    const id = ++this.#lastAccepted;
    const cancel = this.clock.setTimer(REQUEST_TIMEOUT_MS, () => this.#hangUp(id));
    this.#accepted.set(id, { exchange, cancel });
    this.#acceptedIds.set(exchange, id);
    return this.#core.reader("request");
  }

  /** See {@link StreamEndpoint.request}. */
  request(exchange: SimulatedExchange, bytes: Uint8Array): void {
    this.#awake(() => {
      const id = this.#acceptedIds.get(exchange);
      if (id === undefined) return;
      this.#accepted.get(id)!.cancel();
      this.#feed({ type: "request", exchange: id, bytes });
    }, this.#arrivals);
  }

  /** See {@link StreamEndpoint.broken}. */
  broken(exchange: SimulatedExchange): void {
    this.#forget(this.#acceptedIds.get(exchange) ?? 0);
  }

  #receive(packet: Packet): void {
    if (this.phase === "ended") return;
    this.#options.hub.delivered(this, packet);
    this.#feed({ type: "packet", bytes: packet.bytes });
  }

  // Now, or when the process wakes up.
  #awake(run: () => void, waiting: (() => void)[]): void {
    if (this.phase === "ended") return;
    if (this.paused) (waiting === this.#lateTimers ? this.#lateTimers : this.#arrivals).push(run);
    else run();
  }

  // As the runtimes do: timers that are due fire first; a late one gives the sockets a turn before it counts (`DeadlineTimer`).
  #wake(): void {
    const { simulation } = this.#options;
    if (simulation.now < this.#pausedUntil || this.phase === "ended") return;
    this.#pausedUntil = -1;
    const timers = this.#lateTimers;
    const arrivals = this.#arrivals;
    this.#lateTimers = [];
    this.#arrivals = [];
    this.#waitingPackets = 0;
    for (const run of timers) this.#awake(run, this.#lateTimers);
    for (const run of arrivals.slice(0, TURN_INPUTS)) this.#awake(run, this.#arrivals);
    for (let at = TURN_INPUTS; at < arrivals.length; at += TURN_INPUTS) {
      const turn = arrivals.slice(at, at + TURN_INPUTS);
      simulation.at(simulation.now + at, () => {
        for (const run of turn) this.#awake(run, this.#arrivals);
      });
    }
  }

  #end(how: Ending): void {
    if (this.phase === "ended") return;
    const { network, hub, ended, simulation } = this.#options;
    this.phase = "ended";
    this.endedAt = simulation.now;
    this.#pausedUntil = -1;
    this.#inbox = [];
    this.#lateTimers = [];
    this.#arrivals = [];
    this.#timer.cancel();
    this.#joining.close();
    this.#view.end();
    this.clock.stop();
    for (const { exchange } of this.#own.values()) exchange.abandon();
    for (const { exchange } of this.#accepted.values()) exchange.hangUp();
    this.#operations.clear();
    network.close(this);
    ended(this, how);
    hub.ended(this, how);
  }

  #operate(
    input: (operation: number) => GossipInput,
    ended: (outcome: Outcome) => void,
  ): void {
    this.#awake(() => {
      const operation = ++this.#lastOperation;
      this.#operations.set(operation, ended);
      this.#feed(input(operation));
    }, this.#arrivals);
  }

  #feed(input: GossipInput): void {
    if (this.phase === "ended") return;
    this.#inbox.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = 0; next < this.#inbox.length; next++) this.#step(this.#inbox[next]!);
    this.#inbox = [];
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
        this.#exchange(effect);
        break;
      case "reply":
        this.#reply(effect.exchange, effect.bytes);
        break;
      case "hangUp":
        this.#hangUp(effect.exchange);
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

  #exchange(effect: Extract<GossipEffect, { readonly type: "exchange" }>): void {
    const { simulation, network, hub } = this.#options;
    const { exchange: id, to, bytes, timeoutMs } = effect;
    const end = (input: GossipInput, outcome: "response" | "failed"): void => {
      this.#awake(() => {
        const own = this.#own.get(id);
        if (own === undefined) return;
        this.#own.delete(id);
        own.cancel();
        own.exchange.abandon();
        hub.exchanged(this, outcome);
        this.#feed(input);
      }, this.#arrivals);
    };
    const fail = (reason: string): void =>
      end({ type: "exchangeFailed", exchange: id, reason }, "failed");
    simulation.trace.integer(this.id);
    simulation.trace.bytes(bytes);
    hub.written({ from: this, kind: "request", bytes });
    const cancel = this.clock.setTimer(timeoutMs, () => fail(`no reply within ${timeoutMs} ms`));
    const exchange = new SimulatedExchange({
      simulation,
      network,
      random: this.#random,
      from: this,
      to,
      bytes,
      reader: this.#core.reader("response"),
      listener: (address) => network.at(address) as MemberProcess | undefined,
      responded: (reply) => end({ type: "response", exchange: id, bytes: reply }, "response"),
      failed: fail,
    });
    this.#own.set(id, { exchange, cancel });
  }

  #reply(id: number, bytes: Uint8Array): void {
    const { simulation, hub } = this.#options;
    const exchange = this.#forget(id);
    simulation.trace.integer(this.id);
    simulation.trace.bytes(bytes);
    hub.written({ from: this, kind: "response", bytes });
    const ok = exchange?.answer(bytes) ?? false;
    simulation.at(0, () => {
      this.#awake(() => this.#feed({ type: "replied", exchange: id, ok }), this.#arrivals);
    });
  }

  #hangUp(id: number): void {
    this.#forget(id)?.hangUp();
  }

  #forget(id: number): SimulatedExchange | undefined {
    const accepted = this.#accepted.get(id);
    if (accepted === undefined) return undefined;
    accepted.cancel();
    this.#accepted.delete(id);
    this.#acceptedIds.delete(accepted.exchange);
    return accepted.exchange;
  }
}
