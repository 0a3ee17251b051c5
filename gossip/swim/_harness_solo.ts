/** One core under test, its peers played by the test: messages in, decoded messages out, on a virtual clock. */
import type { Address, GossipCore, GossipEffect, GossipInput } from "../strategy.ts";
import { prng } from "./_harness.ts";
import { parseAddress } from "./address.ts";
import type {
  Alive,
  LocalState,
  PacketMessage,
  PushNodeState,
  PushPull,
  StateMessage,
  StreamMessage,
} from "./messages.ts";
import type { SwimOptions } from "./options.ts";
import { swim } from "./swim.ts";
import { encodeLocalState, encodeStateMessage } from "./wire/ckit.ts";
import { encodeMessage } from "./wire/messages_codec.ts";
import { PacketCodec } from "./wire/packet.ts";
import { StreamCodec } from "./wire/stream.ts";

/** Protocol 1…5, speaking 2. */
export const VSN: Uint8Array = Uint8Array.of(1, 5, 2, 0, 0, 0);

/** A message that the core sent, and when. */
export interface Sent {
  readonly at: number;
  readonly to: Address;
  readonly message: PacketMessage;
}

/** Options of {@link Solo}. */
export interface SoloOptions extends SwimOptions {
  readonly name?: string;
  readonly address?: Address;
  readonly generation?: number;
  readonly seed?: number;
}

/** See the module. The node is `me` at 10.0.0.1:8080 unless said otherwise. */
export class Solo {
  readonly core: GossipCore;
  readonly packets: PacketCodec;
  readonly streams: StreamCodec;
  now = 0;
  /** Whether the core's pings are acknowledged at once. */
  answering = false;
  /** All effects so far. */
  readonly effects: GossipEffect[] = [];
  /** All messages sent so far. */
  readonly sent: Sent[] = [];

  constructor(options: SoloOptions = {}) {
    const { name = "me", address = "10.0.0.1:8080", generation = 5, seed = 7, ...settings } =
      options;
    const random = prng(seed);
    this.core = swim({ announceGeneration: false, ...settings }).create({
      name,
      address,
      generation,
      clusterName: "prod",
      random,
      now: 0,
    });
    this.packets = new PacketCodec({ label: "prod", random });
    this.streams = new StreamCodec({ label: "prod", random });
    this.input({ type: "timeout" });
  }

  /** Feeds one input. */
  input(input: GossipInput): readonly GossipEffect[] {
    const effects = this.core.step(input, this.now);
    const pings: number[] = [];
    for (const effect of effects) {
      this.effects.push(effect);
      if (effect.type !== "send") continue;
      for (const message of this.packets.open(effect.bytes).messages) {
        this.sent.push({ at: this.now, to: effect.to, message });
        if (message.type === "ping" && this.answering) pings.push(message.seqNo);
      }
    }
    for (const seqNo of pings) this.receive({ type: "ack", seqNo, payload: undefined });
    return effects;
  }

  /** Feeds messages, in one packet; returns what was sent at once. */
  receive(...messages: readonly PacketMessage[]): readonly Sent[] {
    const before = this.sent.length;
    for (const bytes of this.packets.seal(messages.map(encodeMessage), { crc: true })) {
      this.input({ type: "packet", bytes });
    }
    return this.sent.slice(before);
  }

  /** Feeds a declaration by gossip. */
  declare(message: StateMessage): readonly Sent[] {
    return this.receive({ type: "user", payload: encodeStateMessage(message) });
  }

  /** Feeds a request on a stream; returns the effects. */
  request(exchange: number, message: StreamMessage): readonly GossipEffect[] {
    const bytes = this.streams.seal(message, { label: true });
    return this.input({ type: "request", exchange, bytes });
  }

  /** Feeds a push/pull that is answered, and takes the answer. */
  pushPull(
    nodes: readonly PushNodeState[],
    local?: LocalState,
    join = false,
  ): readonly GossipEffect[] {
    const userState = local === undefined ? new Uint8Array() : encodeLocalState(local);
    const effects = this.request(99, { type: "pushPull", join, nodes, userState });
    return [...effects, ...this.input({ type: "replied", exchange: 99, ok: true })];
  }

  /** The message of the only reply among effects. */
  reply(effects: readonly GossipEffect[]): StreamMessage {
    const replies = effects.filter((effect) => effect.type === "reply");
    if (replies.length !== 1) throw new Error(`${replies.length} replies`);
    return this.streams.open(replies[0]!.bytes, { label: false });
  }

  /** The core's whole state, as it tells it in a push/pull. */
  state(): PushPull {
    const userState = new Uint8Array();
    const effects = this.request(98, { type: "pushPull", join: false, nodes: [], userState });
    this.input({ type: "replied", exchange: 98, ok: false });
    return this.reply(effects) as PushPull;
  }

  /** The record of one node. */
  record(name: string): PushNodeState | undefined {
    return this.state().nodes.find((node) => node.name === name);
  }

  /** Lets time pass, with every timer on time; returns what was sent meanwhile. */
  run(ms: number): readonly Sent[] {
    const before = this.sent.length;
    const end = this.now + ms;
    while (this.core.deadline <= end) {
      this.now = Math.max(this.now, this.core.deadline);
      this.input({ type: "timeout" });
    }
    this.now = end;
    return this.sent.slice(before);
  }

  /** Lets time pass until all broadcasts were carried often enough. */
  drain(): readonly Sent[] {
    const before = this.sent.length;
    for (let i = 0; this.core.stats.queuedBroadcasts > 0; i++) {
      if (i > 1000) throw new Error("The queues do not drain");
      this.run(50);
    }
    return this.sent.slice(before);
  }

  /** Makes peers known: `count` of them, `p1` at 10.0.1.1:8080 and so on; their broadcasts are gone when it returns. */
  meet(count: number): void {
    this.answering = true;
    for (let i = 1; i <= count; i++) this.receive(alive(`p${i}`, `10.0.1.${i}:8080`));
    const { addr: sourceAddr, port: sourcePort } = parseAddress("10.0.1.1:8080")!;
    while (this.core.stats.queuedBroadcasts > 0) {
      this.receive({ type: "ping", seqNo: 1, node: "", sourceAddr, sourcePort, sourceNode: "p1" });
    }
    this.answering = false;
  }

  /** How often something was counted. */
  counted(counter: string): number {
    let count = 0;
    for (const effect of this.effects) {
      if (effect.type === "counted" && effect.counter === counter) count += effect.by;
    }
    return count;
  }

  /** Effects of one type so far. */
  of<T extends GossipEffect["type"]>(type: T): readonly Extract<GossipEffect, { type: T }>[] {
    return this.effects.filter((effect): effect is Extract<GossipEffect, { type: T }> =>
      effect.type === type
    );
  }

  /** Reasons of refusals so far. */
  get refusals(): readonly string[] {
    return this.of("refused").map(({ refusal }) => refusal.reason);
  }

  /** Names in the view. */
  get names(): readonly string[] {
    return this.core.peers.map(({ name }) => name);
  }
}

/** An alive message. */
export function alive(node: string, address: Address, fields: Partial<Alive> = {}): Alive {
  return {
    type: "alive",
    node,
    ...parseAddress(address)!,
    incarnation: 1,
    meta: undefined,
    vsn: VSN,
    ...fields,
  };
}

/** An entry of a push/pull. */
export function entry(
  name: string,
  address: Address,
  fields: Partial<PushNodeState> = {},
): PushNodeState {
  return {
    name,
    ...parseAddress(address)!,
    incarnation: 1,
    meta: undefined,
    state: 0,
    vsn: VSN,
    ...fields,
  };
}
