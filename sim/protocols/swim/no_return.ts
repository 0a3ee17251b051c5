import { generationOf } from "../../../gossip/swim/generation.ts";
import type { Tapped } from "./tapped.ts";
import type { Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";

/** How long an answer of a node that was alive may travel, through sleepers and slow networks. */
const GRACE_MS = 90_000;

interface Entry {
  readonly generation: number;
  readonly incarnation: number;
  readonly gone: boolean;
}

/**
 * A life that somebody holds to be dead or gone, and that is, is not believed alive by the same one again: not at the same
 * generation and an incarnation that was known, however late or from whomever the news comes.
 */
export function noReturn({ facts, tap, settings }: Tapped): Watcher {
  const views = new WeakMap<Life, Map<string, Entry>>();
  const entries = (life: Life): Map<string, Entry> => {
    let view = views.get(life);
    if (view === undefined) views.set(life, view = new Map());
    return view;
  };
  const ran = (name: string): boolean =>
    facts.lives.some((life) => life.name === name && life.endedAt > facts.now - GRACE_MS * 1000);
  const gone = (life: Life, name: string, incarnation: number): void => {
    const known = entries(life).get(name);
    if (known === undefined) return;
    entries(life).set(name, {
      generation: known.generation,
      incarnation: Math.max(known.incarnation, incarnation),
      gone: true,
    });
  };
  const alive = (life: Life, name: string, generation: number, incarnation: number): void => {
    const known = entries(life).get(name);
    if (
      known?.gone && known.generation === generation && incarnation <= known.incarnation &&
      !ran(name)
    ) {
      throw new ViolationError(
        "no-return",
        `${life.name} believes ${name} alive again at ${generation}/${incarnation}`,
      );
    }
    entries(life).set(name, { generation, incarnation, gone: false });
  };
  if (!settings.announceGeneration) return {};
  return {
    sent(packet) {
      const { from } = packet;
      for (const message of tap.packet(packet)) {
        if (message.type === "dead") gone(from, message.node, message.incarnation);
        else if (message.type === "alive" && message.node !== from.name) {
          const generation = generationOf(message.meta);
          if (generation !== undefined) alive(from, message.node, generation, message.incarnation);
        }
      }
    },
    written(written) {
      const message = tap.message(written);
      if (message.type !== "pushPull") return;
      const { from } = written;
      for (const { name, state, incarnation, meta } of message.nodes) {
        if (name === from.name) continue;
        const generation = generationOf(meta);
        if (state === 2 || state === 3) {
          if (generation !== undefined && !entries(from).has(name)) {
            entries(from).set(name, { generation, incarnation, gone: true });
          }
          gone(from, name, incarnation);
        } else if (generation !== undefined) alive(from, name, generation, incarnation);
      }
    },
  };
}
