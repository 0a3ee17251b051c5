import type { RaftEffect, RejectReason } from "./contract.ts";
import type { Entry, HardState, Index, NodeId, SnapshotMeta } from "./entry.ts";
import type { RaftLog } from "./log.ts";
import type { Message } from "./message.ts";

/**
 * The effects of one step, in their order: what may overlap the disk, the write, what must follow it.
 *
 * Replies and votes always are behind the write; when nothing is written but an earlier write is under way, behind a barrier (E1, E2).
 */
export class Outbox {
  #now: RaftEffect[] = [];
  #after: RaftEffect[] = [];
  #entries: readonly Entry[] = [];
  #truncateFrom: Index = 0;
  #snapshot: SnapshotMeta | undefined;
  #resetLog = false;
  #hint = false;
  // What the disk was last told.
  #hard: HardState;

  /** Begins with what the disk holds. */
  constructor(hard: HardState) {
    this.#hard = hard;
  }

  /** Something that may begin at once. */
  push(effect: RaftEffect): void {
    this.#now.push(effect);
  }

  /** A message that may leave at once. */
  send(message: Message): void {
    this.#now.push({ type: "send", message });
  }

  /** A message that asserts something durable. */
  sendDurable(message: Message): void {
    this.#after.push({ type: "send", message });
  }

  /** Something else that must follow the write. */
  pushDurable(effect: RaftEffect): void {
    this.#after.push(effect);
  }

  /** Answers a proposal that was not appended. */
  reject(
    proposal: number,
    reason: RejectReason,
    detail: string,
    leader: NodeId | undefined,
  ): void {
    this.#now.push({ type: "rejected", proposal, reason, detail, leader });
  }

  /** Says that a peer's input was refused. */
  refuse(reason: string, detail: string): void {
    this.#now.push({ type: "refused", reason, detail });
  }

  /** Writes the entries, which were put at the log's end. */
  write(entries: readonly Entry[]): void {
    this.#entries = this.#entries.length === 0 ? entries : [...this.#entries, ...entries];
  }

  /** Writes that the log is cut. Comes before {@link write} in a step. */
  truncate(from: Index): void {
    this.#truncateFrom = from;
  }

  /** Marks a snapshot; with `resetLog` it replaces the log. */
  mark(snapshot: SnapshotMeta, resetLog: boolean): void {
    this.#snapshot = snapshot;
    this.#resetLog ||= resetLog;
  }

  /** Writes the commit index if it is newer than on the disk, though nothing else is written. */
  hintCommit(): void {
    this.#hint = true;
  }

  /** The step's effects. Begins the write, if any, in `log`. */
  take(log: RaftLog, hard: HardState): readonly RaftEffect[] {
    const effects = this.#now;
    const known = this.#hard;
    const hardChanged = hard.term !== known.term || hard.votedFor !== known.votedFor;
    const commitChanged = hard.commit !== known.commit;
    const writes = hardChanged || this.#entries.length > 0 || this.#truncateFrom > 0 ||
      this.#snapshot !== undefined;
    const barrier = !writes && this.#after.length > 0 && log.isWriting;
    const hint = this.#hint && commitChanged;
    if (writes || barrier || hint) {
      const sync = writes || barrier;
      const told = hardChanged || commitChanged;
      effects.push({
        type: "persist",
        token: log.write(sync),
        ...(this.#truncateFrom > 0 && { truncateFrom: this.#truncateFrom }),
        entries: this.#entries,
        ...(told && { hardState: hard }),
        ...(this.#snapshot !== undefined && { snapshot: this.#snapshot }),
        ...(this.#resetLog && { resetLog: true }),
        sync,
      });
      if (told) this.#hard = hard;
      this.#entries = [];
      this.#truncateFrom = 0;
      this.#snapshot = undefined;
      this.#resetLog = false;
    }
    this.#hint = false;
    if (this.#after.length > 0) {
      for (const effect of this.#after) effects.push(effect);
      this.#after = [];
    }
    this.#now = [];
    return effects;
  }
}
