import { type Endpoint, formatAddress, formatHost } from "./address.ts";
import { generationTag } from "./generation.ts";
import type { Address } from "../strategy.ts";

/** A life that answers a raise of the own generation within this time is running. */
const RAISE_AGAIN_MS = 10 * 60_000;

/** What a {@link Self} is made of. */
export interface SelfOptions {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly generation: number;
  /** Whether the generation is told to others. */
  readonly announce: boolean;
}

/** The own identity: name, address, generation, and the incarnation that only the node itself may raise. */
export class Self {
  readonly name: string;
  readonly addr: Uint8Array;
  readonly port: number;
  /** `addr` and `port` as text. */
  readonly address: Address;
  /** The name under which refutations are broadcast, so that they do not replace news about the own name. */
  readonly refutationName: string;
  /** Set by leaving: from then on the own death is accepted and the own life is not. */
  leaving = false;
  readonly #announce: boolean;
  #incarnation = 0;
  #generation: number;
  #meta: Uint8Array | undefined;
  #raisedAt = -Infinity;

  /** Begins a life. */
  constructor(options: SelfOptions) {
    this.name = options.name;
    this.addr = options.endpoint.addr;
    this.port = options.endpoint.port;
    this.address = formatAddress(options.endpoint)!;
    this.refutationName = formatHost(options.endpoint.addr)!;
    this.#announce = options.announce;
    this.#generation = options.generation;
    this.#meta = options.announce ? generationTag(options.generation) : undefined;
  }

  /** The generation, announced or not. */
  get generation(): number {
    return this.#generation;
  }

  /** The metadata that carries the generation. */
  get meta(): Uint8Array | undefined {
    return this.#meta;
  }

  /** The next incarnation, and above `accused`. */
  raiseIncarnation(accused: number): number {
    this.#incarnation = Math.max(this.#incarnation, accused) + 1;
    return this.#incarnation;
  }

  /** Whether a life of this name with that generation would win over this one, wherever it was heard of. */
  isBeatenBy(generation: number | undefined): generation is number {
    return this.#announce && generation !== undefined && generation >= this.#generation;
  }

  /**
   * Raises the own generation above that of another life.
   *
   * @param contested Whether the other life is believed to run at another address. Then a second raise is denied until it was not
   * heard of for ten minutes: it answered the first raise, and raising on would only make two duplicates take turns.
   * @returns Whether it was raised.
   */
  raiseGeneration(above: number, now: number, contested: boolean): boolean {
    if (contested) {
      const again = now - this.#raisedAt < RAISE_AGAIN_MS;
      this.#raisedAt = now;
      if (again) return false;
    }
    this.#generation = above + 1;
    this.#meta = generationTag(this.#generation);
    return true;
  }
}
