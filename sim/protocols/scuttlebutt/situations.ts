import type { ScuttlebuttEvent } from "../../../gossip/scuttlebutt/model.ts";
import type { GossipEffect } from "../../../gossip/strategy.ts";
import { COMPACT_KEY } from "../../../gossip/scuttlebutt/model.ts";
import type { Packet as Said, StreamMessage } from "../../../gossip/scuttlebutt/messages.ts";
import type { Cluster } from "../../cluster.ts";
import type { Life, Message, Packet, Watcher } from "../../observation.ts";
import type { SituationCounter } from "../../situations.ts";
import { coreOf } from "./core_of.ts";
import type { Listener } from "./wiretap.ts";

/** What must happen in a campaign of Scuttlebutt, besides what must in any. */
export const SCUTTLEBUTT_SITUATIONS: readonly string[] = Object.freeze([
  "node down, then up again",
  "node removed after its expiry",
  "removed life returns with a new sign of life",
  "newer life replaces an older one",
  "own generation raised",
  "generation raised too often",
  "conflict during a partition",
  "key deleted at another node",
  "compaction",
  "compaction during a partition",
  "live key deleted by a compaction's marker",
  "gap refused",
  "answer to an acknowledgement",
  "node asked for that was unknown",
  "page of a digest",
  "node sent in part",
  "entry too large for a packet",
  "sync by stream",
  "leave learnt from a digest",
  "foreign label refused",
  "checksum refused",
]);

/** Counts {@link SCUTTLEBUTT_SITUATIONS}. */
export class ScuttlebuttSituations implements Watcher, Listener {
  readonly #cluster: Cluster;
  readonly #counter: SituationCounter;
  readonly #gone = new WeakMap<Life, Map<string, number>>();
  readonly #compactions = new WeakMap<Life, number>();

  /** Watches a cluster. */
  constructor(cluster: Cluster, counter: SituationCounter) {
    this.#cluster = cluster;
    this.#counter = counter;
  }

  /** See {@link Listener.packet}. */
  packet(said: Said, { from }: Packet): void {
    const counter = this.#counter;
    if (said.type === "fin") counter.hit("answer to an acknowledgement");
    if (said.type === "reject") return;
    if ("digest" in said) {
      const listed = said.digest.filter(({ want }) => !want).length;
      if (listed < said.known) counter.hit("page of a digest");
      if (listed < said.digest.length) counter.hit("node asked for that was unknown");
    } else if ("wants" in said && said.wants.some(({ want }) => want)) {
      counter.hit("node asked for that was unknown");
    }
    if (!("delta" in said)) return;
    for (const { id, more, entries } of said.delta) {
      if (more) counter.hit("entry too large for a packet");
      const last = entries.at(-1)?.version;
      if (last !== undefined && last < coreOf(from).node(id)!.version) {
        counter.hit("node sent in part");
      }
    }
  }

  /** See {@link Listener.stream}. */
  stream(said: readonly StreamMessage[], _message: Message): void {
    const [first] = said;
    if (first?.type === "sync") this.#counter.hit("sync by stream");
  }

  /** See {@link Watcher.stepped}. */
  stepped(life: Life): void {
    const core = coreOf(life);
    const marker = core.localNode.entries.at(-1);
    if (marker?.key !== COMPACT_KEY || this.#compactions.get(life) === marker.version) return;
    this.#compactions.set(life, marker.version);
    this.#counter.hit("compaction");
    if (this.#cluster.network.skies.parted) this.#counter.hit("compaction during a partition");
  }

  /** See {@link Watcher.effect}. */
  effect(life: Life, effect: GossipEffect): void {
    const counter = this.#counter;
    if (effect.type === "event") this.#event(life, effect.event as ScuttlebuttEvent);
    else if (effect.type === "refused") {
      const { reason } = effect.refusal;
      if (reason === "gap") counter.hit("gap refused");
      else if (reason === "label") counter.hit("foreign label refused");
      else if (reason === "crc") counter.hit("checksum refused");
    }
  }

  #event(life: Life, event: ScuttlebuttEvent): void {
    const counter = this.#counter;
    const gone = this.#goneOf(life);
    switch (event.type) {
      case "join": {
        const before = gone.get(event.id);
        if (before === event.generation) {
          counter.hit("removed life returns with a new sign of life");
        } else if (before !== undefined && before < event.generation) {
          counter.hit("newer life replaces an older one");
        }
        break;
      }
      case "expired":
        gone.set(event.id, event.generation);
        if (coreOf(life).node(event.id) === undefined) {
          counter.hit("node removed after its expiry");
        }
        break;
      case "up":
        counter.hit("node down, then up again");
        break;
      case "leave": {
        const left = coreOf(life).node(event.id)?.entries.some(({ key }) =>
          key === "_internal:left"
        );
        if (left === false) counter.hit("leave learnt from a digest");
        break;
      }
      case "deleteKey": {
        counter.hit("key deleted at another node");
        const entry = coreOf(life).node(event.id)?.entries.find(({ key }) => key === event.key);
        if (entry === undefined) counter.hit("live key deleted by a compaction's marker");
        break;
      }
      case "conflict":
        counter.hit(event.persistent ? "generation raised too often" : "own generation raised");
        if (this.#cluster.network.skies.parted) counter.hit("conflict during a partition");
        break;
      case "down":
      case "upsertKey":
    }
  }

  #goneOf(life: Life): Map<string, number> {
    let gone = this.#gone.get(life);
    if (gone === undefined) this.#gone.set(life, gone = new Map());
    return gone;
  }
}
