import type { Address, Prng } from "../gossip/strategy.ts";
import { between } from "./draw.ts";
import type { Task } from "./event_heap.ts";
import type { Life, Packet } from "./observation.ts";
import type { Simulation } from "./simulation.ts";
import { Skies } from "./weather.ts";

/** A process, as the network sees it. */
export interface Endpoint extends Life {
  /** Hands over a packet. */
  packet(packet: Packet): void;
}

/** Options of {@link Network}. */
export interface NetworkOptions {
  readonly simulation: Simulation;
  /** Least and greatest time of a packet on its way, microseconds. */
  readonly latencyUs: readonly [number, number];
  /**
   * Whether a packet has a checksum: what is changed under one is refused, without one anything may follow. @default {never}
   */
  readonly checksummed?: (packet: Uint8Array) => boolean;
  /** Hears of packets as they are sent, in place of whom it may concern. */
  readonly sent?: (packet: Packet) => void;
}

interface Port {
  readonly address: Address;
  /** Who listens. */
  endpoint: Endpoint | undefined;
  /** The slot that listened last. */
  slot: number;
}

class Delivery implements Task {
  readonly #port: Port;
  readonly #packet: Packet;

  constructor(port: Port, packet: Packet) {
    this.#port = port;
    this.#packet = packet;
  }

  run(): void {
    // Whoever listens there by then gets it: addresses are used again.
    this.#port.endpoint?.packet(this.#packet);
  }
}

/** Packets between addresses, in all weathers: any of them may be late, doubled, out of order, changed or lost. */
export class Network {
  /** The weather. */
  readonly skies: Skies;
  readonly #simulation: Simulation;
  readonly #random: Prng;
  readonly #latencyUs: readonly [number, number];
  readonly #checksummed: (packet: Uint8Array) => boolean;
  readonly #sent: ((packet: Packet) => void) | undefined;
  readonly #ports = new Map<Address, Port>();

  /** Creates a network without anybody. */
  constructor(options: NetworkOptions) {
    this.#simulation = options.simulation;
    this.#random = options.simulation.random("network");
    this.#latencyUs = options.latencyUs;
    this.#checksummed = options.checksummed ?? (() => false);
    this.#sent = options.sent;
    this.skies = new Skies(options.simulation.random("weather"), () => options.simulation.now);
  }

  /** Listens at the endpoint's address; whoever listened there does not any more. */
  listen(endpoint: Endpoint): void {
    const port = this.#port(endpoint.address);
    port.endpoint = endpoint;
    port.slot = endpoint.slot;
  }

  /** Listens no more. */
  close(endpoint: Endpoint): void {
    const port = this.#ports.get(endpoint.address);
    if (port?.endpoint === endpoint) port.endpoint = undefined;
  }

  /** Who listens at an address. */
  at(address: Address): Endpoint | undefined {
    return this.#ports.get(address)?.endpoint;
  }

  /** The slot that listens at an address, or was the last to; −1: none ever. */
  slotOf(address: Address): number {
    return this.#ports.get(address)?.slot ?? -1;
  }

  /** Time of one way, fair weather. */
  latencyUs(): number {
    const [least, most] = this.#latencyUs;
    return between(this.#random, least, most);
  }

  /** Sends a packet. */
  send(from: Life, to: Address, bytes: Uint8Array): void {
    const { trace } = this.#simulation;
    const port = this.#port(to);
    trace.integer(from.id);
    trace.integer(port.slot);
    trace.bytes(bytes);
    const packet: Packet = { from, to, bytes, tampered: false };
    this.#sent?.(packet);
    if (this.skies.fair) return this.#deliver(port, packet, this.latencyUs());
    const fate = this.skies.fate(from.slot, port.slot, bytes.length);
    const random = this.#random;
    if (fate.cut || random() < fate.loss) return;
    const arriving = fate.corrupted ? this.#corrupted(packet) : packet;
    this.#deliver(port, arriving, this.latencyUs() + fate.delayUs);
    if (random() < fate.duplicates) {
      this.#deliver(port, { ...arriving, tampered: true }, this.latencyUs() + fate.delayUs);
    }
    if (fate.echoUs > 0) {
      this.skies.touch(undefined, this.#simulation.now + fate.echoUs);
      this.#deliver(port, { ...packet, tampered: true }, fate.echoUs);
    }
  }

  #deliver(port: Port, packet: Packet, afterUs: number): void {
    this.#simulation.schedule(this.#simulation.now + afterUs, new Delivery(port, packet));
  }

  // Cuts a packet short or, where a checksum will tell, changes a byte: what has none relies on the stream that carries it.
  #corrupted(packet: Packet): Packet {
    const { bytes } = packet;
    const random = this.#random;
    if (this.#checksummed(bytes) && random() < 0.7) {
      const copy = bytes.slice();
      copy[between(random, 0, copy.length - 1)]! ^= 1 << between(random, 0, 7);
      return { ...packet, bytes: copy, tampered: true };
    }
    const cut = bytes.slice(0, between(random, 0, bytes.length - 1));
    return { ...packet, bytes: cut, tampered: true };
  }

  #port(address: Address): Port {
    let port = this.#ports.get(address);
    if (port === undefined) {
      this.#ports.set(address, port = { address, endpoint: undefined, slot: -1 });
    }
    return port;
  }
}
