import type { GossipEffect } from "../../../gossip/strategy.ts";
import type { ScuttlebuttEvent } from "../../../gossip/scuttlebutt/model.ts";
import type { Life, Watcher } from "../../observation.ts";

/** Who had which generation of which name: mostly one life, which then is the truth about it. */
export class Owners implements Watcher {
  /** By cluster, name and generation. */
  readonly #owners = new Map<string, Map<string, Map<number, Set<Life>>>>();

  /** See {@link Watcher.started}. */
  started(life: Life): void {
    this.#add(life, life.generation);
  }

  /** See {@link Watcher.effect}: a life that raises its generation says so before it speaks as the new one. */
  effect(life: Life, effect: GossipEffect): void {
    if (effect.type !== "event") return;
    const event = effect.event as ScuttlebuttEvent;
    if (event.type === "conflict" && event.id === life.name) this.#add(life, event.generation);
  }

  /** The lives that had a generation. More than one: two processes that took it by mistake, and until one knows, both are right. */
  of(clusterName: string, id: string, generation: number): ReadonlySet<Life> {
    return this.#owners.get(clusterName)?.get(id)?.get(generation) ?? NOBODY;
  }

  #add(life: Life, generation: number): void {
    const names = entryOf(this.#owners, life.clusterName, () => new Map());
    const generations = entryOf(names, life.name, () => new Map());
    entryOf(generations, generation, () => new Set<Life>()).add(life);
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

const NOBODY: ReadonlySet<Life> = new Set();
