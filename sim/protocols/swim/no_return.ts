import { generationOf } from "../../../gossip/swim/generation.ts";
import type { Tapped } from "./tapped.ts";
import type { Life, Watcher } from "../../observation.ts";
import { lost } from "../../view_change.ts";
import { ofEachName } from "./of_each_name.ts";
import { ViolationError } from "../../violation.ts";

/** How long an answer of a node that was alive may travel, through sleepers and slow networks. */
const GRACE_MS = 90_000;

const UNSAID = -1;

/** What one life believes of a name, and since when it does without it. */
interface Belief {
  /** As it said last; {@link UNSAID}: nothing yet. */
  generation: number;
  incarnation: number;
  gone: boolean;
  /** When the name left its view, by its own clock. */
  lostAtMs: number;
  /** Whether a packet of that name came since. */
  heard: boolean;
}

/**
 * A life that somebody holds to be dead or gone is not believed alive by the same one again at the same generation and an incarnation
 * that was known, however late or from whomever the news comes: never while its record is held, then only after it was heard itself, and
 * not at all once it is over.
 */
export function noReturn({ facts, tap, settings }: Tapped): Watcher {
  const { gossipToTheDeadMs, collectedMemoryMs } = settings;
  const beliefs = ofEachName<Belief>();
  const beliefOf = (life: Life, name: string): Belief => {
    const view = beliefs(life);
    let belief = view.get(name);
    if (belief === undefined) {
      belief = {
        generation: UNSAID,
        incarnation: 0,
        gone: false,
        lostAtMs: Infinity,
        heard: false,
      };
      view.set(name, belief);
    }
    return belief;
  };
  const ran = (name: string): boolean =>
    facts.livesOf(name).some(({ endedAt }) => endedAt > facts.now - GRACE_MS * 1000);
  const gone = (belief: Belief, incarnation: number): void => {
    if (belief.generation === UNSAID) return;
    belief.incarnation = Math.max(belief.incarnation, incarnation);
    belief.gone = true;
  };
  const mayReturn = (life: Life, name: string, { lostAtMs, heard }: Belief): boolean => {
    const agoMs = life.localMs - lostAtMs;
    if (agoMs >= 0 && agoMs < gossipToTheDeadMs) return false;
    if (agoMs >= 0 && agoMs < collectedMemoryMs && !heard) return false;
    return ran(name);
  };
  const alive = (life: Life, name: string, generation: number, incarnation: number): void => {
    const belief = beliefOf(life, name);
    if (
      belief.gone && belief.generation === generation && incarnation <= belief.incarnation &&
      !mayReturn(life, name, belief)
    ) {
      throw new ViolationError(
        "no-return",
        `${life.name} believes ${name} alive again at ${generation}/${incarnation}`,
      );
    }
    belief.generation = generation;
    belief.incarnation = incarnation;
    belief.gone = false;
  };
  if (!settings.announceGeneration) return {};
  return {
    viewed(life, change) {
      for (const { name } of lost(change)) {
        const belief = beliefOf(life, name);
        belief.lostAtMs = life.localMs;
        belief.heard = false;
      }
    },
    delivered(life, { from }) {
      const belief = beliefs(life).get(from.name);
      if (belief !== undefined) belief.heard = true;
    },
    sent(packet) {
      const { from } = packet;
      for (const message of tap.packet(packet)) {
        if (message.type === "dead") gone(beliefOf(from, message.node), message.incarnation);
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
          const belief = beliefOf(from, name);
          if (generation !== undefined && belief.generation === UNSAID) {
            belief.generation = generation;
          }
          gone(belief, incarnation);
        } else if (generation !== undefined) alive(from, name, generation, incarnation);
      }
    },
  };
}
