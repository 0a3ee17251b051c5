/**
 * Gives a gossip core what it lacks: a clock, a network, and a queue.
 *
 * @module
 */
import type {
  Address,
  AddressFailure,
  GossipCore,
  GossipCounter,
  GossipEffect,
  GossipInput,
  Refusal,
  StrategyEvent,
} from "../gossip/strategy.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { Transport } from "../transport/transport.ts";
import type { Clock } from "./clock.ts";
import { AcceptedExchanges } from "./accepted.ts";
import { DeadlineTimer, isStall } from "./deadline.ts";
import type { NameConflict } from "./events.ts";
import { exchange, Lingering } from "./exchanges.ts";
import { Streams } from "./streams.ts";
import type { StreamCounts } from "./streams.ts";
import { wordOf } from "./words.ts";

/** What a driver tells its node. None may throw. */
export interface DriverHost {
  /** The view changed. */
  peers(peers: readonly Peer[]): void;
  /** Two live nodes claim one name. */
  conflict(conflict: NameConflict): void;
  /** Something was refused, by the core or by the driver. */
  refused(refusal: Refusal): void;
  /** Something happened that only the core's protocol knows of. */
  event?(event: StrategyEvent): void;
  /** The core counted something. */
  counted(counter: GossipCounter, by: number): void;
  /** A timer fired this much too late. */
  lagged(latenessMs: number): void;
  /** The core or the transport broke its contract: a fault in the program, survived. */
  faulted(error: unknown): void;
}

/** Options of {@link Driver}. */
export interface DriverOptions {
  /** The protocol. */
  readonly core: GossipCore;
  /** The network. Owned by the driver from now on: closed with it. */
  readonly transport: Transport;
  /** The time. */
  readonly clock: Clock;
  /** Hears of what happens. */
  readonly host: DriverHost;
  /** How long a peer may take to send its whole request. @default {2000} */
  readonly requestTimeoutMs?: number;
  /** How long an accepted exchange may live in all. @default {10000} */
  readonly acceptedTimeoutMs?: number;
  /** How many accepted exchanges may be open; more are refused. @default {128} */
  readonly maxAcceptedExchanges?: number;
  /** How many packets may wait for the core while it steps; more are dropped and counted. @default {1024} */
  readonly maxWaitingPackets?: number;
}

/** What a driver counts itself. */
export interface DriverStats extends StreamCounts {
  /** Packets dropped because the core was busy. Loss, as on the network. */
  readonly packetsDropped: number;
  /** Own exchanges begun. */
  readonly exchangesOpened: number;
  /** Own exchanges that failed. */
  readonly exchangesFailed: number;
  /** Exchanges that peers opened. */
  readonly exchangesAccepted: number;
  /** Exchanges that peers opened and that were refused or broke. */
  readonly exchangesRefused: number;
  /** Timers that fired more than 20 ms late: the event loop was blocked. */
  readonly lateTimers: number;
  /** The latest of them, in milliseconds. */
  readonly worstTimerLatenessMs: number;
}

/** A core's `failed` effect, as an error. */
export class OperationError extends Error {
  /** For `switch` across realms. */
  override readonly name = "OperationError";
  /** What kept the operation from ending well. */
  readonly reason: "unreachable" | "illegalState" | "timeout";
  /** Of a join, what became of each address, where the protocol tells. */
  readonly failures: readonly AddressFailure[] | undefined;
  /** Of a leave, how many peers were tried, where the protocol tells. */
  readonly attempted: number | undefined;
  /** Creates the error from the effect. */
  constructor({ cause, error, failures, attempted }: GossipEffect & { type: "failed" }) {
    super(error);
    this.reason = cause;
    this.failures = failures;
    this.attempted = attempted;
  }
}

/** What came of an operation. */
export interface Outcome {
  /** Of a join, how many addresses answered. */
  readonly count: number;
  /** Of a join, who, where the protocol tells. */
  readonly names?: readonly string[];
}

interface Operation {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs one core: takes inputs one at a time, performs effects in order, keeps one timer.
 *
 * `step` is never entered twice: what an effect causes at once (a packet that a memory transport delivers synchronously, an observer
 * that changes the state) waits in the inbox until the effects before it are done.
 */
export class Driver {
  readonly #core: GossipCore;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #host: DriverHost;
  readonly #maxWaitingPackets: number;
  readonly #timer: DeadlineTimer;
  readonly #accepted: AcceptedExchanges;
  readonly #lingering: Lingering;
  readonly #streams = new Streams();

  #state: "created" | "running" | "closed" = "created";
  #reason = new Error("Cannot begin an operation as the driver is not running");
  #inbox: GossipInput[] = [];
  #waitingPackets = 0;
  #stepping = false;

  readonly #operations = new Map<number, Operation>();
  #lastOperation = 0;
  readonly #opened = new Set<AbortController>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #counts = {
    packetsDropped: 0,
    exchangesOpened: 0,
    exchangesFailed: 0,
    exchangesRefused: 0,
    lateTimers: 0,
    worstTimerLatenessMs: 0,
  };

  /** Creates a driver at rest. */
  constructor(options: DriverOptions) {
    this.#core = options.core;
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#host = options.host;
    this.#maxWaitingPackets = options.maxWaitingPackets ?? 1_024;
    this.#timer = new DeadlineTimer({
      clock: options.clock,
      expired: () => this.#feed({ type: "timeout" }),
      fired: (latenessMs) => this.#fired(latenessMs),
    });
    this.#lingering = new Lingering(options.clock);
    this.#accepted = new AcceptedExchanges({
      clock: options.clock,
      streams: this.#streams,
      lingering: this.#lingering,
      requestTimeoutMs: options.requestTimeoutMs ?? 2_000,
      acceptedTimeoutMs: options.acceptedTimeoutMs ?? 10_000,
      maxAcceptedExchanges: options.maxAcceptedExchanges ?? 128,
      reader: () => this.#core.reader("request"),
      request: (exchange, bytes) => this.#feed({ type: "request", exchange, bytes }),
      replied: (exchange, ok) => this.#feed({ type: "replied", exchange, ok }),
      refused: (reason, error) => this.#refuse(reason, error),
      track: (task) => this.#track(task),
    });
  }

  /** Counts since creation. */
  get stats(): DriverStats {
    return Object.freeze({
      ...this.#counts,
      ...this.#streams.counts,
      exchangesAccepted: this.#accepted.count,
    });
  }

  /** Whether it was started, and not closed. */
  get running(): boolean {
    return this.#state === "running";
  }

  /** Starts to take what arrives and to keep time. Idempotent. @throws {Error} When the transport cannot serve; nothing changed. */
  run(): void {
    if (this.#state !== "created") return;
    this.#transport.serve({
      packet: (bytes) => this.#feed({ type: "packet", bytes }),
      connection: (conn) => {
        if (this.#state === "running") this.#accepted.accept(conn);
        else conn.abort();
      },
    });
    this.#state = "running";
    this.#feed({ type: "timeout" }); // due or not: the core's first effects come with its first step
  }

  /** Joins through `addresses`; resolves with who answered. @throws {OperationError} When none did. */
  join(addresses: readonly Address[]): Promise<Outcome> {
    return this.#operate((operation) => ({ type: "join", operation, addresses }));
  }

  /** Declares a state; resolves when the news left. @throws {OperationError} When the change is illegal. */
  changeState(state: PeerState): Promise<Outcome> {
    return this.#operate((operation) => ({ type: "changeState", operation, state }));
  }

  /** Tells the others that the node leaves. @throws {OperationError} When nobody could be told in time. */
  leave(): Promise<Outcome> {
    return this.#operate((operation) => ({ type: "leave", operation }));
  }

  /** Stops: pending operations fail with `reason`, exchanges are reset, the transport is closed. Call once. */
  async close(reason: Error): Promise<void> {
    this.#state = "closed";
    this.#reason = reason;
    this.#timer.cancel();
    this.#inbox = [];
    for (const operation of this.#operations.values()) operation.reject(reason);
    this.#operations.clear();
    for (const abort of this.#opened) abort.abort(reason);
    this.#accepted.abort(reason);
    this.#lingering.abort();
    try {
      await this.#transport.close();
    } finally {
      while (this.#tasks.size > 0) await Promise.all(this.#tasks); // an exchange that ends begins to linger
    }
  }

  #operate(input: (operation: number) => GossipInput): Promise<Outcome> {
    if (this.#state !== "running") return Promise.reject(this.#reason);
    const operation = ++this.#lastOperation;
    return new Promise((resolve, reject) => {
      this.#operations.set(operation, { resolve, reject });
      this.#feed(input(operation));
    });
  }

  #feed(input: GossipInput): void {
    if (this.#state !== "running") return;
    if (input.type === "packet") {
      if (this.#waitingPackets >= this.#maxWaitingPackets) {
        this.#counts.packetsDropped += 1;
        return;
      }
      this.#waitingPackets += 1;
    }
    this.#inbox.push(input);
    if (!this.#stepping) this.#drain();
  }

  #drain(): void {
    this.#stepping = true;
    for (let next = 0; next < this.#inbox.length; next++) {
      const input = this.#inbox[next]!;
      if (input.type === "packet") this.#waitingPackets -= 1;
      this.#step(input);
    }
    this.#inbox = [];
    this.#stepping = false;
    if (this.#state === "running") this.#timer.arm(this.#core.deadline);
  }

  #step(input: GossipInput): void {
    let effects: readonly GossipEffect[];
    try {
      effects = this.#core.step(input, this.#clock.now());
    } catch (error) {
      this.#host.faulted(error);
      if ("operation" in input) this.#settle(input.operation)?.reject(error);
      if (input.type === "request") this.#accepted.hangUp(input.exchange);
      return;
    }
    for (const effect of effects) {
      if (this.#state !== "running") return; // an effect's listener closed the driver
      try {
        this.#perform(effect);
      } catch (error) {
        this.#host.faulted(error);
      }
    }
  }

  #perform(effect: GossipEffect): void {
    switch (effect.type) {
      case "send":
        this.#transport.send(
          effect.to,
          effect.bytes,
          effect.replaces === undefined ? undefined : { replaces: effect.replaces },
        );
        break;
      case "exchange":
        this.#track(this.#exchange(effect));
        break;
      case "reply":
        this.#accepted.reply(effect.exchange, effect.bytes);
        break;
      case "hangUp":
        this.#accepted.hangUp(effect.exchange);
        break;
      case "peers":
        this.#host.peers(effect.peers);
        break;
      case "conflict":
        this.#host.conflict(effect);
        break;
      case "done":
        this.#settle(effect.operation)?.resolve(effect);
        break;
      case "failed":
        this.#settle(effect.operation)?.reject(new OperationError(effect));
        break;
      case "refused":
        this.#host.refused(effect.refusal);
        break;
      case "event":
        this.#host.event?.(effect.event);
        break;
      case "counted":
        this.#host.counted(effect.counter, effect.by);
        break;
      default:
        effect satisfies never;
    }
  }

  #settle(operation: number): Operation | undefined {
    const pending = this.#operations.get(operation);
    this.#operations.delete(operation);
    return pending;
  }

  #fired(latenessMs: number): void {
    this.#counts.worstTimerLatenessMs = Math.max(this.#counts.worstTimerLatenessMs, latenessMs);
    if (isStall(latenessMs)) this.#counts.lateTimers += 1;
    this.#host.lagged(latenessMs);
  }

  async #exchange(effect: GossipEffect & { type: "exchange" }): Promise<void> {
    const abort = new AbortController();
    this.#opened.add(abort);
    this.#counts.exchangesOpened += 1;
    let outcome: GossipInput;
    try {
      const bytes = await exchange({
        transport: this.#transport,
        streams: this.#streams,
        clock: this.#clock,
        to: effect.to,
        bytes: effect.bytes,
        reader: this.#core.reader("response"),
        timeoutMs: effect.timeoutMs,
        abort,
        release: (conn) => this.#track(this.#lingering.close(conn)),
      });
      outcome = { type: "response", exchange: effect.exchange, bytes };
    } catch (error) {
      this.#counts.exchangesFailed += 1;
      outcome = { type: "exchangeFailed", exchange: effect.exchange, reason: wordOf(error) };
    }
    this.#opened.delete(abort);
    this.#feed(outcome);
  }

  #refuse(reason: string, error: unknown): void {
    if (this.#state !== "running") return;
    this.#counts.exchangesRefused += 1;
    this.#host.refused({ reason, detail: wordOf(error) });
  }

  #track(task: Promise<void>): void {
    const tracked = task.catch((error) => this.#host.faulted(error)).finally(() => {
      this.#tasks.delete(tracked);
    });
    this.#tasks.add(tracked);
  }
}
