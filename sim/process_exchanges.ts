import type {
  Address,
  GossipCore,
  GossipEffect,
  GossipInput,
  MessageReader,
  Prng,
} from "../gossip/strategy.ts";
import type { Clock } from "../membership/clock.ts";
import type { Hub } from "./hub.ts";
import type { Network } from "./network.ts";
import type { Life } from "./observation.ts";
import type { Simulation } from "./simulation.ts";
import { SimulatedExchange, type StreamEndpoint } from "./streams.ts";
import type { Wakefulness } from "./wakefulness.ts";

/** As `NodeLimits`. */
const MAX_ACCEPTED = 128;
const REQUEST_TIMEOUT_MS = 2_000;

interface Open {
  readonly exchange: SimulatedExchange;
  readonly cancel: () => void;
}

/** What {@link ProcessExchanges} needs. */
export interface ProcessExchangesOptions {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly hub: Hub;
  readonly random: Prng;
  readonly clock: Clock;
  readonly wakefulness: Wakefulness;
  readonly core: GossipCore;
  /** Whose they are. */
  readonly owner: StreamEndpoint & Life;
  /** Who listens at an address. */
  readonly listener: (address: Address) => StreamEndpoint | undefined;
  /** Takes what came of them. */
  readonly feed: (input: GossipInput) => void;
}

/** The exchanges that one process opened and accepted, with the limits of the driver. */
export class ProcessExchanges {
  readonly #options: ProcessExchangesOptions;
  readonly #own = new Map<number, Open>();
  readonly #accepted = new Map<number, Open>();
  readonly #acceptedIds = new Map<SimulatedExchange, number>();
  #lastAccepted = 0;

  /** None yet. */
  constructor(options: ProcessExchangesOptions) {
    this.#options = options;
  }

  /** Opens one. */
  open(effect: Extract<GossipEffect, { readonly type: "exchange" }>): void {
    const { simulation, network, hub, random, clock, core, owner, listener } = this.#options;
    const { exchange: id, to, bytes, timeoutMs } = effect;
    const fail = (reason: string): void =>
      this.#ended({ type: "exchangeFailed", exchange: id, reason }, "failed");
    simulation.trace.integer(owner.id);
    simulation.trace.bytes(bytes);
    hub.written({ from: owner, kind: "request", bytes });
    const cancel = clock.setTimer(timeoutMs, () => fail(`no reply within ${timeoutMs} ms`));
    const exchange = new SimulatedExchange({
      simulation,
      network,
      random,
      from: owner,
      to,
      bytes,
      reader: core.reader("response"),
      listener,
      responded: (reply) =>
        this.#ended({ type: "response", exchange: id, bytes: reply }, "response"),
      failed: fail,
    });
    this.#own.set(id, { exchange, cancel });
  }

  /** Answers one that was accepted. */
  reply(id: number, bytes: Uint8Array): void {
    const { simulation, hub, owner, wakefulness, feed } = this.#options;
    const exchange = this.forget(id);
    simulation.trace.integer(owner.id);
    simulation.trace.bytes(bytes);
    hub.written({ from: owner, kind: "response", bytes });
    const ok = exchange?.answer(bytes) ?? false;
    simulation.at(0, () => {
      wakefulness.arrival(() => feed({ type: "replied", exchange: id, ok }));
    });
  }

  /** Closes one that was accepted. */
  hangUp(id: number): void {
    this.forget(id)?.hangUp();
  }

  /** See {@link StreamEndpoint.accept}. */
  accept(exchange: SimulatedExchange): MessageReader | undefined {
    if (this.#accepted.size >= MAX_ACCEPTED) return undefined;
    const { clock, core } = this.#options;
    const id = ++this.#lastAccepted;
    const cancel = clock.setTimer(REQUEST_TIMEOUT_MS, () => this.hangUp(id));
    this.#accepted.set(id, { exchange, cancel });
    this.#acceptedIds.set(exchange, id);
    return core.reader("request");
  }

  /** See {@link StreamEndpoint.request}. */
  request(exchange: SimulatedExchange, bytes: Uint8Array): void {
    const { wakefulness, feed } = this.#options;
    wakefulness.arrival(() => {
      const id = this.#acceptedIds.get(exchange);
      if (id === undefined) return;
      this.#accepted.get(id)!.cancel();
      feed({ type: "request", exchange: id, bytes });
    });
  }

  /** See {@link StreamEndpoint.broken}. */
  broken(exchange: SimulatedExchange): void {
    this.forget(this.#acceptedIds.get(exchange) ?? 0);
  }

  /** Forgets one that was accepted. */
  forget(id: number): SimulatedExchange | undefined {
    const accepted = this.#accepted.get(id);
    if (accepted === undefined) return undefined;
    accepted.cancel();
    this.#accepted.delete(id);
    this.#acceptedIds.delete(accepted.exchange);
    return accepted.exchange;
  }

  /** The process is gone: the other ends are closed. */
  end(): void {
    for (const { exchange } of this.#own.values()) exchange.abandon();
    for (const { exchange } of this.#accepted.values()) exchange.hangUp();
  }

  #ended(
    input: Extract<GossipInput, { readonly type: "response" | "exchangeFailed" }>,
    outcome: "response" | "failed",
  ): void {
    const { hub, owner, wakefulness, feed } = this.#options;
    wakefulness.arrival(() => {
      const own = this.#own.get(input.exchange);
      if (own === undefined) return;
      this.#own.delete(input.exchange);
      own.cancel();
      own.exchange.abandon();
      hub.exchanged(owner, outcome);
      feed(input);
    });
  }
}
