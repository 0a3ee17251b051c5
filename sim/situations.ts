import type { Life, Watcher } from "./observation.ts";
import type { Cluster } from "./cluster.ts";
import type { Wiretap } from "./wiretap.ts";

/** What must happen in a campaign, or it has not tried much. */
export const SITUATIONS = Object.freeze(
  [
    "refutation",
    "refutation during a partition",
    "suspicion confirmed by another",
    "indirect probe succeeds",
    "probe fails with nacks only",
    "two nodes with one name",
    "leave during a partition",
    "push/pull in mid-join",
    "restart at another address",
    "restart at the same address",
    "new name at a known address",
    "generation went back",
    "generation raised above another life",
    "late timer",
    "sleeper believed dead comes back",
    "death during a partition",
    "news of a collected name refused",
    "stale generation refused",
    "foreign label refused",
    "checksum refused",
    "exchange failed",
    "inbox overflowed",
    "process died between two effects",
    "cluster of one node",
    "everybody suspected by somebody",
  ] as const,
);

/** One of {@link SITUATIONS}. */
export type Situation = (typeof SITUATIONS)[number];

interface Asked {
  readonly target: string;
  nacks: number;
  helpers: number;
}

/** Counts the situations of one run. */
export class SituationCounter implements Watcher {
  /** How often each occurred. */
  readonly hits: Map<Situation, number> = new Map<Situation, number>();
  readonly #cluster: Cluster;
  readonly #tap: Wiretap;
  readonly #indirect = new WeakMap<Life, Map<number, Asked>>();
  readonly #accusers = new Map<string, Set<string>>();
  readonly #lastOf = new Map<string, Life>();
  readonly #addresses = new Map<string, string>();
  readonly #lostAsleep = new Map<string, number>();

  /** Watches a cluster. */
  constructor(cluster: Cluster, tap: Wiretap) {
    this.#cluster = cluster;
    this.#tap = tap;
  }

  /** Counts one. */
  hit(situation: Situation): void {
    this.hits.set(situation, (this.hits.get(situation) ?? 0) + 1);
  }

  /** See {@link Watcher.started}. */
  started(life: Life): void {
    const last = this.#lastOf.get(life.name);
    if (last !== undefined) {
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
    if (this.#cluster.running(life.slot) === undefined && "effectsToLive" in life) {
      if (this.#dying.has(life)) this.hit("process died between two effects");
    }
  }

  readonly #dying = new WeakSet<Life>();

  /** A process is to die in mid-step. */
  dying(life: Life): void {
    this.#dying.add(life);
  }

  /** See {@link Watcher.leaving}. */
  leaving(): void {
    if (this.#cluster.network.skies.parted) this.hit("leave during a partition");
  }

  /** See {@link Watcher.viewed}. */
  viewed(life: Life, { before, peers }: { before: Life["peers"]; peers: Life["peers"] }): void {
    if (peers.length === 1 && before.length > 1) this.hit("cluster of one node");
    if (peers.length < before.length) {
      const kept = new Set(peers.map(({ name }) => name));
      for (const { name } of before) {
        if (kept.has(name)) continue;
        if (this.#cluster.network.skies.parted) this.hit("death during a partition");
        if (this.#lastOf.get(name)?.paused) this.#lostAsleep.set(name, this.#cluster.now);
      }
    } else if (this.#lostAsleep.size > 0) {
      for (const { name } of peers) {
        if (!this.#lostAsleep.has(name) || before.some((peer) => peer.name === name)) continue;
        this.#lostAsleep.delete(name);
        this.hit("sleeper believed dead comes back");
      }
    }
    void life;
  }

  /** See {@link Watcher.sent}. */
  sent(packet: Parameters<NonNullable<Watcher["sent"]>>[0]): void {
    const { from } = packet;
    for (const message of this.#tap.packet(packet)) {
      if (message.type === "indirectPing") {
        let asked = this.#indirect.get(from);
        if (asked === undefined) this.#indirect.set(from, asked = new Map());
        const probe = asked.get(message.seqNo);
        if (probe !== undefined && probe.target === message.node) probe.helpers++;
        else asked.set(message.seqNo, { target: message.node, nacks: 0, helpers: 1 });
      } else if (message.type === "suspect") {
        const accusers = this.#accusers.get(message.node) ?? new Set();
        if (accusers.size === 1 && !accusers.has(message.from)) {
          this.hit("suspicion confirmed by another");
        }
        this.#accusers.set(message.node, accusers.add(message.from));
        if (this.#accusers.size > 2 && this.#accusers.size >= this.#lastOf.size) {
          this.hit("everybody suspected by somebody");
          this.#accusers.clear();
        }
      }
    }
  }

  /** See {@link Watcher.delivered}. */
  delivered(life: Life, packet: Parameters<NonNullable<Watcher["sent"]>>[0]): void {
    const asked = this.#indirect.get(life);
    if (asked === undefined || asked.size === 0 || packet.tampered) return;
    for (const message of this.#tap.packet(packet)) {
      if (message.type !== "ack" && message.type !== "nack") continue;
      const probe = asked.get(message.seqNo);
      if (probe === undefined) continue;
      if (message.type === "nack") probe.nacks++;
      else {
        asked.delete(message.seqNo);
        if (packet.from.name !== probe.target) this.hit("indirect probe succeeds");
      }
    }
  }

  /** See {@link Watcher.written}. */
  written(message: Parameters<NonNullable<Watcher["written"]>>[0]): void {
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
  effect(life: Life, effect: Parameters<NonNullable<Watcher["effect"]>>[1]): void {
    if (effect.type === "conflict") this.hit("two nodes with one name");
    else if (effect.type === "refused") {
      const { reason } = effect.refusal;
      if (reason === "collected") this.hit("news of a collected name refused");
      else if (reason === "stale") this.hit("stale generation refused");
      else if (reason === "label") this.hit("foreign label refused");
      else if (reason === "crc") this.hit("checksum refused");
    } else if (effect.type === "counted") {
      if (effect.counter === "refutation") {
        this.hit("refutation");
        if (this.#cluster.network.skies.parted) this.hit("refutation during a partition");
        const rival = this.#lastOf.get(life.name);
        if (rival !== undefined && rival !== life || life.generation < this.#oldest(life)) {
          this.hit("generation raised above another life");
        }
      } else if (effect.counter === "lateTimer") this.hit("late timer");
      else if (effect.counter === "probeFailed") this.#failed(life);
    }
  }

  // Generations of former lives of the name.
  #oldest(life: Life): number {
    let most = 0;
    for (const { name, generation, id } of this.#cluster.lives) {
      if (name === life.name && id !== life.id) most = Math.max(most, generation);
    }
    return most;
  }

  #failed(life: Life): void {
    const asked = this.#indirect.get(life);
    if (asked === undefined) return;
    for (const [seqNo, { nacks, helpers }] of asked) {
      if (nacks > 0 && nacks === helpers) this.hit("probe fails with nacks only");
      asked.delete(seqNo);
    }
  }
}
