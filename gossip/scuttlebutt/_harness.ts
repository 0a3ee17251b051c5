/** One core alone, fed with hand-made messages, and what the checks of the specification have in common. */
import type { GossipEffect, GossipInput } from "../strategy.ts";
import { prng } from "../swim/_harness.ts";
import type { Block, DigestEntry, Packet, Source, StreamMessage } from "./messages.ts";
import {
  type Entry,
  type ScuttlebuttCore,
  type ScuttlebuttEvent,
  type ScuttlebuttOptions,
} from "./mod.ts";
import { scuttlebutt } from "./scuttlebutt.ts";
import { decodePacket, decodeStream, encodeFrame, encodeStream } from "./wire/codec.ts";
import { clusterTag } from "./wire/frame.ts";

export { prng };

export const LABEL = "prod";
export const TAG: number = clusterTag(LABEL);

/** Where the node of a letter lives. */
export function addressOf(id: string): string {
  return `10.0.0.${(id.codePointAt(0)! % 200) + 1}:7000`;
}

/** An entry; a value of `undefined` makes a tombstone. */
export function entry(key: string, value: string | undefined, version: number): Entry {
  const internal = key.startsWith("_internal:");
  return { key, value: value ?? "", version, internal, deleted: value === undefined };
}

/** A digest entry. */
export function listed(id: string, version: number, more: Partial<DigestEntry> = {}): DigestEntry {
  return {
    id,
    generation: 1,
    heartbeat: 1,
    version,
    left: false,
    down: false,
    want: false,
    ...more,
  };
}

/** A block of a delta. */
export function block(id: string, entries: readonly Entry[], more: Partial<Block> = {}): Block {
  return {
    id,
    generation: 1,
    addr: addressOf(id),
    heartbeat: 1,
    left: false,
    down: false,
    more: false,
    from: 0,
    entries,
    ...more,
  };
}

/** Who sends a message. */
export function source(id: string, more: Partial<Source> = {}): Source {
  return { id, generation: 1, addr: addressOf(id), ...more };
}

/** Settings of {@link Solo}. */
export interface SoloOptions extends ScuttlebuttOptions {
  readonly id?: string;
  readonly generation?: number;
  readonly label?: string;
  readonly seed?: number;
  readonly now?: number;
}

/** See the module. */
export class Solo {
  readonly core: ScuttlebuttCore;
  now: number;
  effects: readonly GossipEffect[] = [];
  #operation = 0;

  constructor(options: SoloOptions = {}) {
    const { id = "a", generation = 1, label = LABEL, seed = 1, now = 0, ...settings } = options;
    this.now = now;
    this.core = scuttlebutt(settings).create({
      name: id,
      address: addressOf(id),
      clusterName: label,
      generation,
      random: prng(seed),
      now,
    });
    this.step({ type: "timeout" });
  }

  step(input: GossipInput): readonly GossipEffect[] {
    this.effects = this.core.step(input, this.now);
    return this.effects;
  }

  packet(packet: Packet): readonly GossipEffect[] {
    return this.step({ type: "packet", bytes: encodeFrame(packet, TAG) });
  }

  /** Feeds a delta, as `by` would send it. */
  delta(...delta: readonly Block[]): readonly ScuttlebuttEvent[] {
    this.packet({ type: "fin", source: source("z"), known: 1, exchange: 0, delta });
    return this.events;
  }

  /** Feeds a SYN of `by`. */
  syn(
    digest: readonly DigestEntry[],
    more: { known?: number; source?: Source } = {},
  ): readonly Packet[] {
    const known = more.known ?? digest.length;
    this.packet({ type: "syn", source: more.source ?? source("z"), known, exchange: 3, digest });
    return this.sent;
  }

  request(...messages: readonly StreamMessage[]): readonly StreamMessage[] {
    this.step({ type: "request", exchange: ++this.#operation, bytes: encodeStream(messages, TAG) });
    return this.effects.flatMap((effect) =>
      effect.type === "reply" ? decodeStream(effect.bytes, TAG) : []
    );
  }

  join(...addresses: readonly string[]): number {
    const operation = ++this.#operation;
    this.step({ type: "join", operation, addresses });
    return operation;
  }

  leave(): number {
    const operation = ++this.#operation;
    this.step({ type: "leave", operation });
    return operation;
  }

  respond(exchange: number, ...messages: readonly StreamMessage[]): readonly GossipEffect[] {
    return this.step({ type: "response", exchange, bytes: encodeStream(messages, TAG) });
  }

  /** Lets time pass, round by round; all effects. */
  run(ms: number): readonly GossipEffect[] {
    const end = this.now + ms;
    const all: GossipEffect[] = [];
    while (this.core.deadline <= end) {
      this.now = Math.max(this.now, this.core.deadline);
      all.push(...this.step({ type: "timeout" }));
    }
    this.now = end;
    this.effects = all;
    return all;
  }

  upsert(key: string, value: string): number {
    return this.core.upsertLocal(key, value, this.now).version;
  }

  delete(key: string): number {
    return this.core.deleteLocal(key, this.now).version;
  }

  /** Effects of the last step of a kind. */
  of<Type extends GossipEffect["type"]>(
    type: Type,
  ): readonly Extract<GossipEffect, { type: Type }>[] {
    return this.effects.filter((effect): effect is Extract<GossipEffect, { type: Type }> =>
      effect.type === type
    );
  }

  get events(): readonly ScuttlebuttEvent[] {
    return this.of("event").map(({ event }) => event as ScuttlebuttEvent);
  }

  /** Packets sent by the last step. */
  get sent(): readonly Packet[] {
    return this.of("send").map(({ bytes }) => decodePacket(bytes, TAG));
  }

  get refusals(): readonly string[] {
    return this.of("refused").map(({ refusal }) => refusal.reason);
  }

  /** A node's entries as `key=value@version`. */
  held(id: string): readonly string[] {
    const { entries } = this.core.node(id)!;
    return entries.map(({ key, value, version, deleted }) =>
      `${key}${deleted ? "" : `=${value}`}@${version}`
    );
  }

  /** A node's live user keys. */
  live(id: string): ReadonlyMap<string, string> {
    return liveKeys(this.core, id);
  }
}

/** A node's live user keys as a core holds them. */
export function liveKeys(core: ScuttlebuttCore, id: string): ReadonlyMap<string, string> {
  const { entries } = core.node(id)!;
  const live = entries.filter(({ internal, deleted }) => !internal && !deleted);
  return new Map(live.map(({ key, value }) => [key, value] as const).sort());
}

/** Events as short words: `join b`, `upsertKey b a=1`. */
export function words(events: readonly ScuttlebuttEvent[]): readonly string[] {
  return events.map((event) => {
    const key = "key" in event ? ` ${event.key}` : "";
    return `${event.type} ${event.id}${key}${"value" in event ? `=${event.value}` : ""}`;
  });
}

/** Carries all packets between cores, in order, until none is left; what was sent. */
export function talk(first: Solo, second: Solo, opening: readonly Packet[]): readonly Packet[] {
  const all: Packet[] = [];
  let packets = opening;
  for (let to = second, from = first; packets.length > 0; [to, from] = [from, to]) {
    all.push(...packets);
    packets = packets.flatMap((packet) => {
      to.packet(packet);
      return to.sent;
    });
  }
  return all;
}

/** The SYN that a core begins its next round with, though it may know nobody: made by its answer to an empty one. */
export function synOf(solo: Solo): Packet {
  const [answer] = solo.syn([], { known: -1 + 2 ** 31 });
  if (answer?.type !== "synAck") throw new Error("A SYN was not answered");
  return {
    type: "syn",
    source: answer.source,
    known: answer.known,
    exchange: 1,
    digest: answer.digest,
  };
}
