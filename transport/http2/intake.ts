/**
 * The body of one request with packets.
 *
 * @module
 */
import { FrameReader } from "../frame.ts";
import type { Counters } from "./counters.ts";

/** Options of {@link Intake}. */
export interface IntakeOptions {
  readonly maxPacketBytes: number;
  readonly maxBodyBytes: number;
  readonly counters: Counters;
  /** What all bodies under way hold together; shared. */
  readonly receiving: { bytes: number };
  /** Most of that. */
  readonly maxReceivingBytes: number;
  /** Takes one packet. */
  readonly packet: (bytes: Uint8Array) => void;
}

/** Hands over each packet as soon as it is complete, also when the body turns out malformed later. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #reader: FrameReader;
  #bytes = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#reader = new FrameReader({ maxFrameBytes: options.maxPacketBytes });
  }

  /** Takes the next bytes; a status: the body is refused, and the rest is of no interest. */
  push(chunk: Uint8Array): 400 | 503 | undefined {
    this.#bytes += chunk.length;
    const { receiving, maxReceivingBytes, maxBodyBytes } = this.#options;
    receiving.bytes += chunk.length;
    if (this.#bytes > maxBodyBytes) return 400;
    if (receiving.bytes > maxReceivingBytes) return 503;
    try {
      for (const packet of this.#reader.push(chunk)) {
        this.#options.counters.packetsReceived++;
        this.#options.counters.bytesReceived += packet.length;
        this.#options.packet(packet);
      }
    } catch {
      return 400;
    }
    return this.#reader.failure === undefined ? undefined : 400;
  }

  /** The answer to a body that ended here. */
  end(): 200 | 400 {
    return this.#reader.end() ? 200 : 400;
  }

  /** Gives back its share of what may be under way. */
  release(): void {
    this.#options.receiving.bytes -= this.#bytes;
    this.#bytes = 0;
  }
}
