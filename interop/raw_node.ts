/**
 * A member that does nothing by itself: it says what it is told to say, hears all, and answers pings.
 *
 * @module
 */
import type {
  Ack,
  Alive,
  PacketMessage,
  PushNodeState,
  PushPull,
  StateMessage,
  StreamMessage,
} from "../gossip/swim/messages.ts";
import { decodeStateMessage, encodeStateMessage } from "../gossip/swim/wire/ckit.ts";
import { encodeMessage, PacketCodec, StreamCodec } from "../gossip/swim/wire/mod.ts";
import { VERSIONS } from "../gossip/swim/wire/versions.ts";
import { listen, type Listener } from "../transport/listen.ts";
import { http2, type Http2Transport } from "../transport/http2.ts";

/** A message that the raw node heard. */
export interface Heard {
  /** Of `performance.now`. */
  readonly at: number;
  readonly message: PacketMessage;
  /** What a user message declares. */
  readonly state: StateMessage | undefined;
}

/** Options of {@link RawNode.open}. */
export interface RawNodeOptions {
  readonly label: string;
  readonly port: number;
}

const patienceMs = 5_000;
const loopback = Uint8Array.of(127, 0, 0, 1);

/** Takes part in a cluster under one name, and vouches for any number of others at its address. */
export class RawNode {
  /** Names whose pings stay unanswered. */
  readonly silent = new Set<string>();
  readonly #transport: Http2Transport;
  readonly #listener: Listener;
  readonly #packets: PacketCodec;
  readonly #streams: StreamCodec;
  readonly #heard: Heard[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(transport: Http2Transport, listener: Listener, label: string) {
    this.#transport = transport;
    this.#listener = listener;
    this.#packets = new PacketCodec({ label, random: Math.random });
    this.#streams = new StreamCodec({ label, random: Math.random });
  }

  /** Listens on a port of 127.0.0.1. */
  static async open({ label, port }: RawNodeOptions): Promise<RawNode> {
    const transport = http2();
    const listener = await listen({ fetch: transport.fetch, port });
    const node = new RawNode(transport, listener, label);
    transport.serve({
      packet: (bytes) => node.#receive(bytes),
      connection: (conn) => conn.abort(),
    });
    return node;
  }

  /** An alive message of a name at this node's address. */
  alive(node: string, incarnation: number, changes: Partial<Alive> = {}): Alive {
    const { port } = this.#listener;
    const own = { addr: loopback, port, meta: undefined, vsn: VERSIONS };
    return { type: "alive", node, incarnation, ...own, ...changes };
  }

  /** The same as an entry of a push/pull. */
  entry(name: string, changes: Partial<PushNodeState> = {}): PushNodeState {
    const { addr, port, meta, vsn } = this.alive(name, 1);
    return { name, incarnation: 1, state: 0, addr, port, meta, vsn, ...changes };
  }

  /** A ping that is answered to this node. */
  ping(node: string, seqNo: number): PacketMessage {
    const { port } = this.#listener;
    return {
      type: "ping",
      seqNo,
      node,
      sourceAddr: loopback,
      sourcePort: port,
      sourceNode: "raw",
    };
  }

  /** A request to ping a name at this node's address. */
  indirectPing(node: string, seqNo: number, nack: boolean): PacketMessage {
    const { port } = this.#listener;
    return {
      type: "indirectPing",
      seqNo,
      target: loopback,
      port,
      node,
      nack,
      sourceAddr: loopback,
      sourcePort: port,
      sourceNode: "raw",
    };
  }

  /** Sends messages as one packet. */
  tell(to: string, ...messages: readonly PacketMessage[]): void {
    this.tellBytes(to, ...messages.map(encodeMessage));
  }

  /** Sends encoded messages as one packet. */
  tellBytes(to: string, ...parts: readonly Uint8Array[]): void {
    for (const packet of this.#packets.seal(parts, { crc: true })) this.tellPacket(to, packet);
  }

  /** Sends a packet as it is. */
  tellPacket(to: string, packet: Uint8Array): void {
    this.#transport.send(to, packet);
  }

  /** Sends a declaration. */
  declare(to: string, nodeName: string, newState: number, time: bigint): void {
    this.tell(to, {
      type: "user",
      payload: encodeStateMessage({ nodeName, newState, time }),
    });
  }

  /** Waits for a message; one that came since `since` will do. */
  async hear(what: string, accepts: (heard: Heard) => boolean, since: number): Promise<Heard> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const found = this.#heard.find((one) => one.at >= since && accepts(one));
      if (found !== undefined) return found;
      const left = until - performance.now();
      if (left <= 0) throw new Error(`${what} was not heard within ${patienceMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.add(() => (clearTimeout(timer), resolve()));
      });
    }
  }

  /** What came since an instant. */
  since(since: number): readonly Heard[] {
    return this.#heard.filter((one) => one.at >= since);
  }

  /** Pings, and waits for the answer: whatever was sent before is dealt with then. */
  async settle(to: string, name: string): Promise<void> {
    const seqNo = 1 + Math.floor(Math.random() * 2 ** 31);
    const since = performance.now();
    this.tell(to, this.ping(name, seqNo));
    await this.hear(`an ack of ${seqNo}`, acks(seqNo), since);
  }

  /** Exchanges states; without `message`, the own entry. */
  async pushPull(to: string, message: Partial<PushPull> = {}): Promise<PushPull> {
    const nodes = [this.entry("raw")];
    const whole = { type: "pushPull", join: false, nodes, userState: new Uint8Array(0) } as const;
    const reply = await this.converse(to, this.seal({ ...whole, ...message }));
    if (reply?.type !== "pushPull") {
      throw new Error(`a push/pull was answered with ${JSON.stringify(reply) ?? "nothing"}`);
    }
    return reply;
  }

  /** Encodes what opens a stream. */
  seal(message: StreamMessage): Uint8Array {
    return this.#streams.seal(message, { label: true });
  }

  /** Sends bytes over a stream of its own, `chunkBytes` in a frame. Returns the answer; `undefined` when the stream ended without. */
  async converse(
    to: string,
    bytes: Uint8Array,
    chunkBytes = Infinity,
  ): Promise<StreamMessage | undefined> {
    const conn = await this.#transport.dial(to, { timeoutMs: patienceMs });
    try {
      conn.setReadDeadline(patienceMs);
      const step = Math.min(chunkBytes, Math.max(1, bytes.length));
      for (let at = 0; at < bytes.length; at += step) {
        await conn.write(bytes.subarray(at, at + step));
      }
      const reader = this.#streams.reader({ label: false });
      for (;;) {
        // Nobody has to end a stream politely that is not worth an answer.
        const chunk = await conn.read().catch((error) => {
          if (/deadline/i.test(error.message)) throw error;
          return undefined;
        });
        if (chunk === undefined) return undefined;
        if (reader.push(chunk)) return this.#streams.open(reader.bytes, { label: false });
      }
    } finally {
      conn.abort();
    }
  }

  /** Hangs up on everybody. */
  async close(): Promise<void> {
    await this.#transport.close();
    await this.#listener.close();
  }

  #receive(bytes: Uint8Array): void {
    const at = performance.now();
    for (const message of this.#packets.open(bytes).messages) {
      let state: StateMessage | undefined;
      if (message.type === "user") {
        try {
          state = decodeStateMessage(message.payload);
        } catch {
          // Not a declaration.
        }
      }
      this.#heard.push({ at, message, state });
      if (message.type === "ping" && !this.silent.has(message.node)) {
        const ack: Ack = { type: "ack", seqNo: message.seqNo, payload: undefined };
        this.tell(`${message.sourceAddr.join(".")}:${message.sourcePort}`, ack);
      }
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Accepts the ack of one ping. */
export function acks(seqNo: number): (heard: Heard) => boolean {
  return ({ message }) => message.type === "ack" && message.seqNo === seqNo;
}
