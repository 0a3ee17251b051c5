/**
 * What the conformance suite works with.
 *
 * @module
 */
import { assert, assertLess } from "@std/assert";
import { deadline, delay } from "@std/async";
import type { Conn, Transport } from "./transport.ts";

/** Two transports that reach each other; neither serves yet. */
export interface Fixture {
  readonly a: Transport;
  readonly b: Transport;
  /** Where `b` is reached. */
  readonly addrB: string;
  /** Where nobody is. */
  readonly nobody: string;
  /** Where packets and connections are taken and never answered. */
  readonly hanging: string;
  /** Frees everything, the transports too. */
  close(): Promise<void>;
}

/** How long anything may take before the test fails. */
export const PATIENCE_MS: number = 10_000;

/** What arrives at a transport, one at a time. */
export class Arrivals {
  readonly #packets: Uint8Array[] = [];
  readonly #conns: Conn[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(transport: Transport) {
    transport.serve({
      packet: (bytes) => {
        this.#packets.push(bytes);
        this.#wake.resolve();
      },
      connection: (conn) => {
        this.#conns.push(conn);
        this.#wake.resolve();
      },
    });
  }

  packet(): Promise<Uint8Array> {
    return deadline(this.#next(this.#packets), PATIENCE_MS);
  }

  conn(): Promise<Conn> {
    return deadline(this.#next(this.#conns), PATIENCE_MS);
  }

  async #next<T>(arrived: T[]): Promise<T> {
    while (arrived.length === 0) {
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
    return arrived.shift()!;
  }
}

/** Waits until something holds, or fails. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    assertLess(performance.now(), end, "The condition did not come true in time");
    await delay(5);
  }
}

/** Bytes that tell their place and the length of the whole. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + length) % 251);
}

/** Reads to the end of the stream. */
export async function readAll(conn: Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await deadline(conn.read(), PATIENCE_MS);
    if (chunk === undefined) break;
    chunks.push(chunk);
  }
  const all = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Reads this many bytes, which must end a chunk. */
export async function readExactly(conn: Conn, length: number): Promise<Uint8Array> {
  const all = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const chunk = await deadline(conn.read(), PATIENCE_MS);
    assert(chunk !== undefined, `The stream ended after ${at} of ${length} bytes`);
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
