import type { GossipEffect } from "../gossip/strategy.ts";
import type { Cluster } from "./cluster.ts";
import type { Life, Message, ViewChange, Watcher } from "./observation.ts";
import { gained, lost } from "./view_change.ts";

/** What must happen in a campaign of any protocol, or it has not tried much. */
export const SITUATIONS: readonly string[] = Object.freeze([
  "two nodes with one name",
  "leave during a partition",
  "push/pull in mid-join",
  "restart at another address",
  "restart at the same address",
  "new name at a known address",
  "generation went back",
  "late timer",
  "sleeper believed dead comes back",
  "death during a partition",
  "exchange failed",
  "inbox overflowed",
  "process died between two effects",
  "cluster of one node",
]);

/** Counts the situations of one run: {@link SITUATIONS} by itself, those of the protocol when it is told. */
export class SituationCounter implements Watcher {
  /** How often each occurred. */
  readonly hits: Map<string, number> = new Map<string, number>();
  readonly #cluster: Cluster;
  readonly #lastOf = new Map<string, Life>();
  readonly #addresses = new Map<string, string>();
  readonly #lostAsleep = new Map<string, number>();
  readonly #dying = new WeakSet<Life>();

  /** Watches a cluster. */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Counts one. */
  hit(situation: string): void {
    this.hits.set(situation, (this.hits.get(situation) ?? 0) + 1);
  }

  /** Names that there were. */
  get names(): number {
    return this.#lastOf.size;
  }

  /** The life of a name that began last. */
  lastOf(name: string): Life | undefined {
    return this.#lastOf.get(name);
  }

  /** A process is to die in mid-step. */
  dying(life: Life): void {
    this.#dying.add(life);
  }

  /** See {@link Watcher.started}. */
  started(life: Life): void {
    const last = this.#lastOf.get(life.name);
    if (last !== undefined) {
      if (last.phase === "running") this.hit("two nodes with one name");
      const moved = last.address !== life.address;
      this.hit(moved ? "restart at another address" : "restart at the same address");
      if (life.generation < last.generation) this.hit("generation went back");
    }
    this.#lastOf.set(life.name, life);
    const before = this.#addresses.get(life.address);
    if (before !== undefined && before !== life.name) this.hit("new name at a known address");
    this.#addresses.set(life.address, life.name);
  }

  /** See {@link Watcher.ended}. */
  ended(life: Life): void {
    if (this.#dying.has(life) && this.#cluster.running(life.slot) === undefined) {
      this.hit("process died between two effects");
    }
  }

  /** See {@link Watcher.leaving}. */
  leaving(): void {
    if (this.#cluster.network.skies.parted) this.hit("leave during a partition");
  }

  /** See {@link Watcher.viewed}. */
  viewed(_life: Life, change: ViewChange): void {
    const { before, peers } = change;
    if (peers.length === 1 && before.length > 1) this.hit("cluster of one node");
    if (peers.length < before.length) {
      for (const { name } of lost(change)) {
        if (this.#cluster.network.skies.parted) this.hit("death during a partition");
        if (this.#lastOf.get(name)?.paused) this.#lostAsleep.set(name, this.#cluster.now);
      }
    } else if (this.#lostAsleep.size > 0) {
      for (const { name } of gained(change)) {
        if (this.#lostAsleep.delete(name)) this.hit("sleeper believed dead comes back");
      }
    }
  }

  /** See {@link Watcher.written}. */
  written(message: Message): void {
    const { from, kind } = message;
    if (kind === "response" && "joining" in from && from.joining === true) {
      this.hit("push/pull in mid-join");
    }
  }

  /** See {@link Watcher.exchanged}. */
  exchanged(_life: Life, outcome: "response" | "failed"): void {
    if (outcome === "failed") this.hit("exchange failed");
  }

  /** See {@link Watcher.overflowed}. */
  overflowed(): void {
    this.hit("inbox overflowed");
  }

  /** See {@link Watcher.effect}. */
  effect(_life: Life, effect: GossipEffect): void {
    if (effect.type === "counted" && effect.counter === "lateTimer") this.hit("late timer");
  }
}
