import type { Address, MessageReader, Prng } from "../gossip/strategy.ts";
import { between } from "./draw.ts";
import type { Network } from "./network.ts";
import type { Message } from "./observation.ts";
import type { Simulation } from "./simulation.ts";

/** Retransmission timeout of the streams' transport, microseconds; doubles with each loss. */
const RETRANSMIT_US = 200_000;
/** Losses after which a piece is given up. */
const MAX_RETRANSMITS = 6;

/** A process that opens and accepts exchanges. */
export interface StreamEndpoint {
  /** See `Life.slot`. */
  readonly slot: number;
  /** Whether the process is there. */
  readonly phase: "running" | "leaving" | "ended";
  /** A peer opens an exchange; its request follows. `undefined`: refused. */
  accept(exchange: SimulatedExchange): MessageReader | undefined;
  /** The whole request was read. */
  request(exchange: SimulatedExchange, bytes: Uint8Array): void;
  /** The request broke off. */
  broken(exchange: SimulatedExchange): void;
}

/** Options of {@link SimulatedExchange}. */
export interface SimulatedExchangeOptions {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly random: Prng;
  /** Who opens it. */
  readonly from: StreamEndpoint & Message["from"];
  readonly to: Address;
  readonly bytes: Uint8Array;
  /** Reads the answer. */
  readonly reader: MessageReader;
  /** Finds who accepts. */
  readonly listener: (address: Address) => StreamEndpoint | undefined;
  /** The whole answer was read. */
  readonly responded: (bytes: Uint8Array) => void;
  /** No whole answer will come. Not called for time running out, which is the opener's business. */
  readonly failed: (reason: string) => void;
}

/**
 * One stream: dialled, a request one way, an answer the other. Bytes come in pieces, in order, and either they all come or the
 * stream breaks: refused, reset in the middle, or silent, so that only a timeout ends it.
 */
export class SimulatedExchange {
  readonly #options: SimulatedExchangeOptions;
  #acceptor: StreamEndpoint | undefined;
  #openerGone = false;
  #acceptorGone = false;

  /** Dials. */
  constructor(options: SimulatedExchangeOptions) {
    this.#options = options;
    const { network, to, from } = options;
    const there = network.slotOf(to);
    this.#travel(from.slot, there, 0, () => {
      const acceptor = options.listener(to);
      if (acceptor === undefined) {
        return this.#travel(there, from.slot, 0, () => this.#fail("refused"));
      }
      this.#travel(there, from.slot, 0, () => this.#carryRequest(acceptor));
    });
  }

  /** The opener gave up: its end is reset. */
  abandon(): void {
    this.#openerGone = true;
  }

  /** Whether an answer written now would go nowhere, as the writer already knows. */
  get abandoned(): boolean {
    return this.#openerGone;
  }

  /** The acceptor answers. Returns whether the network took it. */
  answer(bytes: Uint8Array): boolean {
    const { from } = this.#options;
    if (this.#openerGone || this.#acceptorGone || this.#acceptor === undefined) return false;
    this.#acceptorGone = true;
    this.#carry(this.#acceptor.slot, from.slot, bytes, {
      reader: this.#options.reader,
      whole: (message) => {
        if (!this.#openerGone) this.#options.responded(message);
      },
      broken: (reason) => this.#fail(reason),
    });
    return true;
  }

  /** The acceptor closes, without an answer or in the middle of anything. */
  hangUp(): void {
    if (this.#acceptorGone || this.#acceptor === undefined) return;
    this.#acceptorGone = true;
    this.#travel(this.#acceptor.slot, this.#options.from.slot, 0, () => {
      this.#fail("closed without an answer");
    });
  }

  #carryRequest(acceptor: StreamEndpoint): void {
    const { from, bytes } = this.#options;
    if (this.#openerGone || acceptor.phase === "ended") return;
    const reader = acceptor.accept(this);
    if (reader === undefined) {
      return this.#travel(acceptor.slot, from.slot, 0, () => this.#fail("reset"));
    }
    this.#acceptor = acceptor;
    this.#carry(from.slot, acceptor.slot, bytes, {
      reader,
      whole: (message) => {
        if (!this.#acceptorGone) acceptor.request(this, message);
      },
      broken: (reason) => {
        if (this.#acceptorGone) return;
        this.#acceptorGone = true;
        acceptor.broken(this);
        this.#travel(acceptor.slot, from.slot, 0, () => this.#fail(reason));
      },
    });
  }

  // Cuts bytes into pieces, which arrive one after the other.
  #carry(
    from: number,
    to: number,
    bytes: Uint8Array,
    end: {
      readonly reader: MessageReader;
      readonly whole: (bytes: Uint8Array) => void;
      readonly broken: (reason: string) => void;
    },
  ): void {
    const { network, random } = this.#options;
    const { resets } = network.skies.fate(from, to, 0);
    const cutAt = resets > 0 && random() < resets ? between(random, 0, bytes.length) : Infinity;
    const first = between(random, 1, bytes.length);
    const piece = (begin: number, stop: number): void => {
      const until = Math.min(stop, cutAt);
      this.#travel(from, to, until - begin, () => {
        let whole: boolean;
        try {
          whole = end.reader.push(bytes.subarray(begin, until));
        } catch (error) {
          return end.broken(error instanceof Error ? error.message : String(error));
        }
        // Outside of what is caught: who takes the message may find that an invariant does not hold.
        if (whole) return end.whole(end.reader.bytes);
        if (until < stop) end.broken("reset in mid-stream");
        else if (stop < bytes.length) piece(stop, bytes.length);
        else end.broken("the stream ended before the message was whole");
      });
    };
    piece(0, first);
  }

  #fail(reason: string): void {
    if (!this.#openerGone) this.#options.failed(reason);
  }

  // One way of a piece: losses hold it up, a cut swallows it.
  #travel(from: number, to: number, bytes: number, arrive: () => void): void {
    const { simulation, network, random } = this.#options;
    const fate = network.skies.fate(from, to, bytes);
    if (fate.cut) return;
    let delayUs = network.latencyUs() + fate.delayUs;
    for (let lost = 0; fate.loss > 0 && random() < fate.loss; lost++) {
      if (lost === MAX_RETRANSMITS) return;
      delayUs += RETRANSMIT_US * 2 ** lost;
    }
    simulation.at(simulation.now + delayUs, arrive);
  }
}
