import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";
import { majorityValue } from "./quorum.ts";
import { isMember, membersOf } from "./config.ts";
import type { ClusterConfig, Index, NodeId } from "./entry.ts";
import type { RaftSettings } from "./options.ts";

/** What a leader counts majorities of. */
export type Counted = "match" | "ackedRound" | "contactAt";

/** What a leader knows of all members, visited in the order of their ids. */
export class Tracker {
  readonly #self: NodeId;
  readonly #settings: RaftSettings;
  readonly #byId = new Map<NodeId, Progress>();
  #peers: Progress[] = [];
  #incoming: Progress[] = [];
  #outgoing: Progress[] = [];
  #scratch: number[] = [];

  /** Knows nobody until {@link adopt}. */
  constructor(self: NodeId, settings: RaftSettings) {
    this.#self = self;
    this.#settings = settings;
  }

  /** All but the own one, those that depart included. */
  get peers(): readonly Progress[] {
    return this.#peers;
  }

  /** A member's. */
  of(id: NodeId): Progress | undefined {
    return this.#byId.get(id);
  }

  /** Whether there is nobody else with a vote: what the node itself says is decided. */
  get isAlone(): boolean {
    return this.#incoming.every((p) => p.id === this.#self) &&
      this.#outgoing.every((p) => p.id === this.#self) && this.#incoming.length > 0;
  }

  /**
   * Takes over a configuration. Who stays keeps what is known (C7). Who is new begins as a probe at `next`, and counts as just
   * heard, lest the leader step down at once (C8). Who is gone is served until `departBy` at most (C10); who comes back is new,
   * as its disk may be.
   */
  adopt(config: ClusterConfig, index: Index, next: Index, now: number, departBy: number): void {
    for (const id of membersOf(config)) {
      const known = this.#byId.get(id);
      if (known !== undefined && known.departedAt === 0) continue;
      const p = new Progress(id, next, now, this.#inflights());
      p.heard = true;
      this.#byId.set(id, p);
    }
    for (const [id, p] of this.#byId) {
      if (isMember(config, id) || p.departedAt > 0) continue;
      if (id === this.#self) {
        this.#byId.delete(id);
        continue;
      }
      p.departedAt = index;
      p.departBy = departBy;
    }
    this.#order();
    this.#incoming = config.voters.map((id) => this.#byId.get(id)!);
    this.#outgoing = config.votersOutgoing.map((id) => this.#byId.get(id)!);
  }

  /** Begins a reign: nothing is known of anybody. */
  begin(config: ClusterConfig, next: Index, now: number): void {
    this.#byId.clear();
    this.adopt(config, 0, next, now, Infinity);
    for (const p of this.#byId.values()) p.heard = false;
  }

  /** Drops one that departed. */
  drop(id: NodeId): void {
    this.#byId.delete(id);
    this.#order();
  }

  /** What a majority, of each half while joint, has reached. */
  quorum(counted: Counted): number {
    const incoming = this.#majority(this.#incoming, counted);
    if (this.#outgoing.length === 0) return incoming;
    return Math.min(incoming, this.#majority(this.#outgoing, counted));
  }

  #majority(half: readonly Progress[], counted: Counted): number {
    const scratch = this.#scratch;
    for (let i = 0; i < half.length; i++) scratch[i] = half[i]![counted];
    return majorityValue(scratch, half.length);
  }

  #order(): void {
    this.#peers = [...this.#byId.values()].filter((p) => p.id !== this.#self)
      .sort((a, b) => a.id < b.id ? -1 : 1);
  }

  #inflights(): Inflights {
    return new Inflights(this.#settings.maxInflightMessages, this.#settings.maxInflightBytes);
  }
}
