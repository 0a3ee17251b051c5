import { generationOf } from "../../../gossip/swim/generation.ts";
import type { Tapped } from "./tapped.ts";
import type { Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";

interface Entry {
  generation: number;
  /** The highest incarnation seen of each generation. */
  readonly incarnations: Map<number, number>;
}

const UNKNOWN = -1;

/** A record of a dead one may be collected, and another one begun with older news of a node that was asked: see `no_return.ts`. */
function forget(entry: Entry): void {
  entry.generation = UNKNOWN;
  entry.incarnations.clear();
}

/** What one life holds of a name never goes back: neither the generation of a record nor, within one, the incarnation. */
export function viewsGrow({ tap, settings }: Tapped): Watcher {
  const views = new WeakMap<Life, Map<string, Entry>>();
  const viewOf = (life: Life): Map<string, Entry> => {
    let view = views.get(life);
    if (view === undefined) views.set(life, view = new Map());
    return view;
  };
  if (!settings.announceGeneration) return {};
  return {
    viewed(life, { before, peers }) {
      if (peers.length >= before.length) return;
      const kept = new Set(peers.map(({ name }) => name));
      for (const { name } of before) {
        const entry = kept.has(name) ? undefined : viewOf(life).get(name);
        if (entry !== undefined) forget(entry);
      }
    },
    written(written) {
      const message = tap.message(written);
      if (message.type !== "pushPull") return;
      const { from } = written;
      const view = viewOf(from);
      for (const { name, meta, incarnation, state } of message.nodes) {
        const generation = generationOf(meta);
        if (generation === undefined || incarnation === 0) continue;
        let known = view.get(name);
        if (known === undefined) view.set(name, known = { generation, incarnations: new Map() });
        const least = known.incarnations.get(generation) ?? 0;
        if (generation < known.generation || incarnation < least) {
          throw new ViolationError(
            "views-grow",
            `${from.name} holds ${name} at ${generation}/${incarnation} after ` +
              `${known.generation}/${known.incarnations.get(known.generation) ?? least}`,
          );
        }
        known.generation = generation;
        known.incarnations.set(generation, incarnation);
        if (state >= 2) forget(known);
      }
    },
  };
}
