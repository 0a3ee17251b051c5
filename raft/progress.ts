import type { Index, NodeId } from "./entry.ts";
import { Inflights } from "./inflights.ts";

/**
 * How a leader feeds a follower (L7). `probe`: where the logs match is unknown, one append at a time. `replicate`: optimistic, up to the
 * window. `snapshot`: nothing until a snapshot was taken over.
 */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** What a leader knows of one member. Always `match < next`. */
export class Progress {
  /** Whose. */
  readonly id: NodeId;
  /** Appends under way, while replicating. */
  readonly inflights: Inflights;
  /** The last index known to be durable there and equal to the own log. */
  match: Index = 0;
  /** The next index to send. */
  next: Index;
  /** See {@link ProgressState}. */
  state: ProgressState = "probe";
  /** No more appends until a heartbeat's reply or news: the probe is out, or the window is full. */
  paused = false;
  /** While in `snapshot`: the index that the snapshot at least reaches. */
  pendingSnapshot: Index = 0;
  /** When it was last heard, or taken in. */
  contactAt: number;
  /** Whether it was heard in this reign, or was taken in during it (L13). */
  heard = false;
  /** The latest round of reads that it answered (R2). */
  ackedRound = 0;
  /** The largest commit index that was sent to it. */
  sentCommit: Index = 0;
  /** Not 0: it was taken out by the configuration at this index, and is served until it knows (C10). */
  departedAt: Index = 0;
  /** When to give that up. */
  departBy = Infinity;

  /** Begins as a probe at `next`. */
  constructor(id: NodeId, next: Index, now: number, inflights: Inflights) {
    this.id = id;
    this.next = next;
    this.contactAt = now;
    this.inflights = inflights;
  }

  /** Probes from after `match`, or from after the snapshot that was just taken over. */
  becomeProbe(): void {
    const next = this.state === "snapshot"
      ? Math.max(this.match + 1, this.pendingSnapshot + 1)
      : this.match + 1;
    this.#reset("probe");
    this.next = next;
  }

  /** Streams from after `match`. */
  becomeReplicate(): void {
    this.#reset("replicate");
    this.next = this.match + 1;
  }

  /** Waits for a snapshot up to at least `index`. */
  becomeSnapshot(index: Index): void {
    this.#reset("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
  }

  /** Whether no append may be sent. */
  get isPaused(): boolean {
    return this.state === "snapshot" || this.paused;
  }

  /** Notes that `count` entries from `next` on were sent. */
  sent(count: number, bytes: number): void {
    if (this.state === "replicate") {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, bytes);
      }
      // A full window still lets one empty append through for each heartbeat's reply (L8).
      this.paused = this.inflights.full;
    } else if (count > 0) this.paused = true;
  }

  /** Notes that all up to `index` match. @returns Whether that is news. */
  acknowledged(index: Index): boolean {
    if (this.next <= index) this.next = index + 1;
    if (index <= this.match) return false;
    this.match = index;
    this.paused = false;
    return true;
  }

  /**
   * Notes that an append after `rejected` did not match and that the follower may match at `hint`.
   *
   * @returns Whether that is news: stale ones change nothing, and `next` never falls to `match` or below.
   */
  rejected(rejected: Index, hint: Index): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.becomeProbe();
      return true;
    }
    if (this.state === "snapshot" || this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.paused = false;
    return true;
  }

  #reset(state: ProgressState): void {
    this.state = state;
    this.paused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
