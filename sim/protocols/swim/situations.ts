import type { GossipEffect } from "../../../gossip/strategy.ts";
import type { Cluster } from "../../cluster.ts";
import type { Life, Packet, Watcher } from "../../observation.ts";
import type { SituationCounter } from "../../situations.ts";
import type { Wiretap } from "./wiretap.ts";

/** What must happen in a campaign of SWIM, besides what must in any. */
export const SWIM_SITUATIONS: readonly string[] = Object.freeze([
  "refutation",
  "refutation during a partition",
  "suspicion confirmed by another",
  "indirect probe succeeds",
  "probe fails with nacks only",
  "generation raised above another life",
  "news of a collected name refused",
  "stale generation refused",
  "foreign label refused",
  "checksum refused",
  "everybody suspected by somebody",
  "conflict of two nodes with one name",
]);

interface Asked {
  readonly target: string;
  nacks: number;
  helpers: number;
}

/** Counts {@link SWIM_SITUATIONS}. */
export class SwimSituations implements Watcher {
  readonly #cluster: Cluster;
  readonly #tap: Wiretap;
  readonly #counter: SituationCounter;
  readonly #indirect = new WeakMap<Life, Map<number, Asked>>();
  readonly #accusers = new Map<string, Set<string>>();

  /** Watches a cluster. */
  constructor(cluster: Cluster, tap: Wiretap, counter: SituationCounter) {
    this.#cluster = cluster;
    this.#tap = tap;
    this.#counter = counter;
  }

  /** See {@link Watcher.sent}. */
  sent(packet: Packet): void {
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
          this.#counter.hit("suspicion confirmed by another");
        }
        this.#accusers.set(message.node, accusers.add(message.from));
        if (this.#accusers.size > 2 && this.#accusers.size >= this.#counter.names) {
          this.#counter.hit("everybody suspected by somebody");
          this.#accusers.clear();
        }
      }
    }
  }

  /** See {@link Watcher.delivered}. */
  delivered(life: Life, packet: Packet): void {
    const asked = this.#indirect.get(life);
    if (asked === undefined || asked.size === 0 || packet.tampered) return;
    for (const message of this.#tap.packet(packet)) {
      if (message.type !== "ack" && message.type !== "nack") continue;
      const probe = asked.get(message.seqNo);
      if (probe === undefined) continue;
      if (message.type === "nack") probe.nacks++;
      else {
        asked.delete(message.seqNo);
        if (packet.from.name !== probe.target) this.#counter.hit("indirect probe succeeds");
      }
    }
  }

  /** See {@link Watcher.effect}. */
  effect(life: Life, effect: GossipEffect): void {
    if (effect.type === "conflict") this.#counter.hit("conflict of two nodes with one name");
    else if (effect.type === "refused") {
      const { reason } = effect.refusal;
      if (reason === "collected") this.#counter.hit("news of a collected name refused");
      else if (reason === "stale") this.#counter.hit("stale generation refused");
      else if (reason === "label") this.#counter.hit("foreign label refused");
      else if (reason === "crc") this.#counter.hit("checksum refused");
    } else if (effect.type === "counted") {
      if (effect.counter === "refutation") this.#refuted(life);
      else if (effect.counter === "probeFailed") this.#failed(life);
    }
  }

  #refuted(life: Life): void {
    this.#counter.hit("refutation");
    if (this.#cluster.network.skies.parted) this.#counter.hit("refutation during a partition");
    const rival = this.#counter.lastOf(life.name);
    if (rival !== undefined && rival !== life || life.generation < this.#oldest(life)) {
      this.#counter.hit("generation raised above another life");
    }
  }

  // Generations of former lives of the name.
  #oldest(life: Life): number {
    let most = 0;
    for (const { generation, id } of this.#cluster.livesOf(life.name)) {
      if (id !== life.id) most = Math.max(most, generation);
    }
    return most;
  }

  #failed(life: Life): void {
    const asked = this.#indirect.get(life);
    if (asked === undefined) return;
    for (const [seqNo, { nacks, helpers }] of asked) {
      if (nacks > 0 && nacks === helpers) this.#counter.hit("probe fails with nacks only");
      asked.delete(seqNo);
    }
  }
}
