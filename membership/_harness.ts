/**
 * What the tests of this room share: virtual time, a core that does as it is told, and a transport whose every call is on record.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type {
  GossipCore,
  GossipEffect,
  GossipInput,
  GossipStats,
  GossipStrategy,
  MessageReader,
} from "../gossip/strategy.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import { ConnResetError, UnreachableError } from "../transport/transport.ts";
import type {
  Conn,
  DialOptions,
  SendOptions,
  Transport,
  TransportHandlers,
  TransportStats,
} from "../transport/transport.ts";
import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./logger.ts";

/** Lets everything that can go on without time do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(() => resolve()));
  });
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Time that passes only when told to. */
export class VirtualClock implements Clock {
  #now = 1_000;
  #order = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  setTimer(afterMs: number, fire: () => void): () => void {
    const timer = { at: this.#now + afterMs, order: this.#order++, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Passes `ms`, fires what is due in order, and lets everything settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.#timers) {
        if (
          timer.at <= end &&
          (next === undefined || timer.at < next.at ||
            (timer.at === next.at && timer.order < next.order))
        ) next = timer;
      }
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await settle();
    }
    this.#now = end;
  }

  /** Passes `ms` while nothing can run, as when the event loop is blocked. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** Advances by `stepMs` until `condition` holds, at most `withinMs`; returns whether it came to hold. */
  async until(condition: () => boolean, withinMs: number, stepMs = 50): Promise<boolean> {
    await settle();
    for (let passed = 0; passed < withinMs && !condition(); passed += stepMs) {
      await this.advance(stepMs);
    }
    return condition();
  }
}

const noStats: GossipStats = Object.freeze({
  lamportTime: 0,
  healthScore: 0,
  queuedBroadcasts: 0,
  alive: 1,
  suspect: 0,
  dead: 0,
  left: 0,
});

/** Messages of the scripted core: a length byte, then as many bytes. */
export class LengthReader implements MessageReader {
  #bytes = new Uint8Array(0);

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  push(chunk: Uint8Array): boolean {
    this.#bytes = Uint8Array.from([...this.#bytes, ...chunk]);
    if (this.#bytes[0] === 255) throw new RangeError("Cannot read the message as it is too long");
    return this.#bytes.length > 0 && this.#bytes.length > this.#bytes[0]!;
  }
}

/** Answers inputs as `script` says. */
export class ScriptedCore implements GossipCore {
  deadline = Infinity;
  peers: readonly Peer[] = [];
  state: PeerState = "viewer";
  readonly stats = noStats;
  /** All inputs so far. */
  readonly inputs: GossipInput[] = [];
  /** The instants of the inputs. */
  readonly instants: number[] = [];
  /** Whether `step` is on the stack, and whether it ever was twice. */
  stepping = false;
  reentered = false;
  script: (input: GossipInput, now: number) => readonly GossipEffect[];

  constructor(script: (input: GossipInput, now: number) => readonly GossipEffect[] = () => []) {
    this.script = script;
  }

  step(input: GossipInput, now: number): readonly GossipEffect[] {
    if (this.stepping) this.reentered = true;
    this.stepping = true;
    this.inputs.push(input);
    this.instants.push(now);
    try {
      const effects = this.script(input, now);
      for (const effect of effects) if (effect.type === "peers") this.peers = effect.peers;
      return effects;
    } finally {
      this.stepping = false;
    }
  }

  reader(_kind: "request" | "response"): MessageReader {
    return new LengthReader();
  }
}

/** A strategy that hands out `core`. */
export function scripted(core: ScriptedCore): GossipStrategy {
  return { name: "scripted", create: () => core };
}

/** One end of a pipe in memory. */
export class PipeConn implements Conn {
  readonly remoteAddr: string;
  readonly #incoming: Uint8Array[] = [];
  #reading: { resolve: (bytes: Uint8Array | undefined) => void; reject: (e: unknown) => void }[] =
    [];
  #ended = false;
  #broken: unknown;
  peer!: PipeConn;
  /** Calls of `write`, `close`, `abort`, in order. */
  readonly calls: string[] = [];
  /** When set, writes wait for it. */
  room: Promise<void> | undefined;
  /** When set, `close` waits for it. */
  lingering: Promise<void> | undefined;
  readDeadlineMs: number | undefined;

  constructor(remoteAddr: string) {
    this.remoteAddr = remoteAddr;
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const bytes = this.#incoming.shift();
    if (bytes !== undefined || this.#ended) return Promise.resolve(bytes);
    return new Promise((resolve, reject) => this.#reading.push({ resolve, reject }));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.calls.push("write");
    await this.room;
    if (this.#broken !== undefined) throw this.#broken;
    this.peer.#take(bytes);
  }

  setReadDeadline(afterMs: number | undefined): void {
    this.readDeadlineMs = afterMs;
  }

  async close(): Promise<void> {
    this.calls.push("close");
    this.peer.#take(undefined);
    await this.lingering;
  }

  abort(reason: unknown = new ConnResetError("The stream was reset")): void {
    this.calls.push("abort");
    this.#break(reason);
    this.peer.#break(new ConnResetError("The other end reset the stream"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(bytes: Uint8Array | undefined): void {
    const reading = this.#reading.shift();
    if (reading !== undefined) reading.resolve(bytes);
    else if (bytes !== undefined) this.#incoming.push(bytes);
    if (bytes === undefined) this.#ended = true;
  }

  #break(reason: unknown): void {
    if (this.#broken !== undefined) return;
    this.#broken = reason;
    for (const { reject } of this.#reading.splice(0)) reject(reason);
  }
}

/** Two ends of one pipe. */
export function pipe(): readonly [PipeConn, PipeConn] {
  const near = new PipeConn("far:1");
  const far = new PipeConn("near:1");
  near.peer = far;
  far.peer = near;
  return [near, far];
}

/** A transport that records what is asked of it. */
export class RecordingTransport implements Transport {
  handlers: TransportHandlers | undefined;
  /** `send a`, `dial b`, `close`, … in order. */
  readonly calls: string[] = [];
  readonly sent: { to: string; bytes: Uint8Array; options: SendOptions | undefined }[] = [];
  onSend: (to: string, bytes: Uint8Array) => void = () => {};
  onDial: (to: string, options: DialOptions | undefined) => Promise<Conn> = (to) =>
    Promise.reject(new UnreachableError(to, `Nobody is at ${to}`));
  closed = false;

  serve(handlers: TransportHandlers): void {
    this.calls.push("serve");
    this.handlers = handlers;
  }

  send(to: string, bytes: Uint8Array, options?: SendOptions): void {
    this.calls.push(`send ${to}`);
    this.sent.push({ to, bytes, options });
    this.onSend(to, bytes);
  }

  dial(to: string, options?: DialOptions): Promise<Conn> {
    this.calls.push(`dial ${to}`);
    return this.onDial(to, options);
  }

  get stats(): TransportStats {
    return {
      packetsSent: this.sent.length,
      packetsReceived: 0,
      bytesSent: 0,
      bytesReceived: 0,
      packetsFailed: 0,
      packetsDropped: 0,
      packetsReplaced: 0,
      requestsRefused: 0,
      queuedPackets: 0,
      connectionsOpened: 0,
      connectionsAccepted: 0,
      openConnections: 0,
      connectionBytesSent: 0,
      connectionBytesReceived: 0,
    };
  }

  close(): Promise<void> {
    this.calls.push("close");
    this.closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A logger that keeps its lines, as `level message`. */
export function keptLog(): Logger & { readonly lines: string[]; readonly fields: LogFields[] } {
  const lines: string[] = [];
  const fields: LogFields[] = [];
  const line = (level: string) => (message: string, more: LogFields = {}) => {
    lines.push(`${level} ${message}`);
    fields.push(more);
  };
  return {
    lines,
    fields,
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
}

/** A reproducible source of randomness (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A peer of the tests. */
export function peer(name: string, state: PeerState = "participant", self = false): Peer {
  return { name, addr: `10.0.0.${name.charCodeAt(0) - 96}:80`, self, state };
}
