import { generationOf } from "../../../gossip/swim/generation.ts";
import type { Tapped } from "./tapped.ts";
import type { Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";

interface Issued {
  readonly seen: Set<number>;
  max: number;
}

/**
 * Only a node itself raises its incarnation, and it never goes back: whoever else names an incarnation of a (name, generation) names
 * one that the node announced.
 */
export function incarnationsGrow({ tap, settings }: Tapped): Watcher {
  const issued = new Map<string, Issued>();
  const highest = new Map<string, number>();
  const fail = (detail: string): never => {
    throw new ViolationError("incarnations-grow", detail);
  };
  const announce = (life: Life, generation: number, incarnation: number): void => {
    const key = `${life.id}/${generation}`;
    let own = issued.get(key);
    if (own === undefined) issued.set(key, own = { seen: new Set(), max: 0 });
    if (own.seen.has(incarnation)) return;
    if (incarnation < own.max) {
      fail(`${life.name} announces incarnation ${incarnation} after ${own.max}`);
    }
    own.seen.add(incarnation);
    own.max = incarnation;
    for (const about of [`${life.name}/${generation}`, life.name]) {
      highest.set(about, Math.max(highest.get(about) ?? 0, incarnation));
    }
  };
  const claim = (life: Life, about: string, incarnation: number): void => {
    const most = highest.get(about) ?? 0;
    if (incarnation > most) {
      fail(`${life.name} says that ${about} has incarnation ${incarnation}, above ${most}`);
    }
  };
  const alive = (
    life: Life,
    news: {
      readonly name: string;
      readonly meta: Uint8Array | undefined;
      readonly incarnation: number;
    },
  ): void => {
    const generation = generationOf(news.meta);
    if (generation === undefined) return;
    if (news.name === life.name) announce(life, generation, news.incarnation);
    else claim(life, `${news.name}/${generation}`, news.incarnation);
  };
  if (!settings.announceGeneration) return {};
  return {
    sent(packet) {
      const { from } = packet;
      for (const message of tap.packet(packet)) {
        if (message.type === "alive") alive(from, { ...message, name: message.node });
        else if (message.type === "suspect" || message.type === "dead") {
          if (message.node !== from.name) claim(from, message.node, message.incarnation);
        }
      }
    },
    written(written) {
      const message = tap.message(written);
      if (message.type !== "pushPull") return;
      // The own entry comes first: who is told of it may read the others.
      for (const node of message.nodes) {
        if (node.name === written.from.name) alive(written.from, node);
      }
      for (const node of message.nodes) {
        if (node.name === written.from.name) continue;
        if (node.state === 0) alive(written.from, node);
        else claim(written.from, node.name, node.incarnation);
      }
    },
  };
}
