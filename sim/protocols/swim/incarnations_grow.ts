import { generationOf } from "../../../gossip/swim/generation.ts";
import type { Tapped } from "./tapped.ts";
import type { Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";

interface Issued {
  readonly seen: Set<number>;
  max: number;
}

interface Highest {
  ofAll: number;
  readonly of: Map<number, number>;
  /** The generation that was announced last, of which nearly all news is, and its incarnation. */
  latest: number;
  ofLatest: number;
}

/**
 * Only a node itself raises its incarnation, and it never goes back: whoever else names an incarnation of a (name, generation) names
 * one that the node announced.
 */
export function incarnationsGrow({ tap, settings }: Tapped): Watcher {
  const issued = new Map<Life, Map<number, Issued>>();
  const highest = new Map<string, Highest>();
  const fail = (detail: string): never => {
    throw new ViolationError("incarnations-grow", detail);
  };
  const announce = (life: Life, generation: number, incarnation: number): void => {
    let lives = issued.get(life);
    if (lives === undefined) issued.set(life, lives = new Map());
    let own = lives.get(generation);
    if (own === undefined) lives.set(generation, own = { seen: new Set(), max: 0 });
    if (own.seen.has(incarnation)) return;
    if (incarnation < own.max) {
      fail(`${life.name} announces incarnation ${incarnation} after ${own.max}`);
    }
    own.seen.add(incarnation);
    own.max = incarnation;
    let most = highest.get(life.name);
    if (most === undefined) {
      most = { ofAll: 0, of: new Map(), latest: generation, ofLatest: 0 };
      highest.set(life.name, most);
    }
    most.ofAll = Math.max(most.ofAll, incarnation);
    most.latest = generation;
    most.ofLatest = Math.max(most.of.get(generation) ?? 0, incarnation);
    most.of.set(generation, most.ofLatest);
  };
  const claim = (
    life: Life,
    name: string,
    { generation, incarnation }: { readonly generation?: number; readonly incarnation: number },
  ): void => {
    const known = highest.get(name);
    const most = generation === undefined
      ? known?.ofAll
      : generation === known?.latest
      ? known.ofLatest
      : known?.of.get(generation);
    if (incarnation > (most ?? 0)) {
      const about = generation === undefined ? name : `${name}/${generation}`;
      fail(`${life.name} says that ${about} has incarnation ${incarnation}, above ${most ?? 0}`);
    }
  };
  const alive = (
    life: Life,
    name: string,
    news: {
      readonly meta: Uint8Array | undefined;
      readonly incarnation: number;
    },
  ): void => {
    const generation = generationOf(news.meta);
    if (generation === undefined) return;
    if (name === life.name) announce(life, generation, news.incarnation);
    else claim(life, name, { generation, incarnation: news.incarnation });
  };
  if (!settings.announceGeneration) return {};
  return {
    sent(packet) {
      const { from } = packet;
      for (const message of tap.packet(packet)) {
        if (message.type === "alive") alive(from, message.node, message);
        else if (message.type === "suspect" || message.type === "dead") {
          if (message.node !== from.name) claim(from, message.node, message);
        }
      }
    },
    written(written) {
      const message = tap.message(written);
      if (message.type !== "pushPull") return;
      // The own entry comes first: who is told of it may read the others.
      for (const node of message.nodes) {
        if (node.name === written.from.name) alive(written.from, node.name, node);
      }
      for (const node of message.nodes) {
        if (node.name === written.from.name) continue;
        if (node.state === 0) alive(written.from, node.name, node);
        else claim(written.from, node.name, { incarnation: node.incarnation });
      }
    },
  };
}
