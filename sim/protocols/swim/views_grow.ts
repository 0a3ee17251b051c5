import { generationOf } from "../../../gossip/swim/generation.ts";
import type { Tapped } from "./tapped.ts";
import type { Life, Watcher } from "../../observation.ts";
import { lost } from "../../view_change.ts";
import { ofEachName } from "./of_each_name.ts";
import { ViolationError } from "../../violation.ts";

interface Entry {
  generation: number;
  /** The highest incarnation seen of that generation. */
  incarnation: number;
}

const UNKNOWN = -1;

/** A record of a dead one may be collected, and another one begun with older news of a node that was asked: see `no_return.ts`. */
function forget(entry: Entry): void {
  entry.generation = UNKNOWN;
  entry.incarnation = 0;
}

/** What one life holds of a name never goes back: neither the generation of a record nor, within one, the incarnation. */
export function viewsGrow({ tap, settings }: Tapped): Watcher {
  const viewOf = ofEachName<Entry>();
  const hold = (
    life: Life,
    name: string,
    told: { readonly meta: Uint8Array | undefined; readonly incarnation: number },
  ): Entry | undefined => {
    const { incarnation } = told;
    const generation = generationOf(told.meta);
    if (generation === undefined || incarnation === 0) return undefined;
    const view = viewOf(life);
    const known = view.get(name);
    if (known === undefined) {
      const entry = { generation, incarnation };
      view.set(name, entry);
      return entry;
    }
    const back = generation === known.generation && incarnation < known.incarnation;
    if (generation < known.generation || back) {
      throw new ViolationError(
        "views-grow",
        `${life.name} holds ${name} at ${generation}/${incarnation} after ` +
          `${known.generation}/${known.incarnation}`,
      );
    }
    known.generation = generation;
    known.incarnation = incarnation;
    return known;
  };
  if (!settings.announceGeneration) return {};
  return {
    viewed(life, change) {
      for (const { name } of lost(change)) {
        const entry = viewOf(life).get(name);
        if (entry !== undefined) forget(entry);
      }
    },
    sent(packet) {
      const { from } = packet;
      for (const message of tap.packet(packet)) {
        // Of itself a node may say two things at a time: what it began with, and an objection.
        if (message.type === "alive" && message.node !== from.name) {
          hold(from, message.node, message);
        }
      }
    },
    written(written) {
      const message = tap.message(written);
      if (message.type !== "pushPull") return;
      for (const node of message.nodes) {
        const known = hold(written.from, node.name, node);
        if (known !== undefined && node.state >= 2) forget(known);
      }
    },
  };
}
