/**
 * Linearizable reads (thesis §6.4): a leader answers with its commit index once a quorum has answered a round of heartbeats that began
 * after the read came, or at once while it has a lease. Rules R1 to R5.
 *
 * @module
 */
import type { RaftEffect } from "./contract.ts";
import type { Index, NodeId } from "./entry.ts";
import { Lease } from "./lease.ts";
import type { ReadIndexMessage, ReadIndexReplyMessage } from "./message.ts";
import type { RaftSettings } from "./options.ts";
import type { Progress } from "./progress.ts";
import { broadcastHeartbeat } from "./replication.ts";
import { hasCommittedInTerm, type RaftState } from "./state.ts";

type FailReason = Extract<RaftEffect, { type: "readFailed" }>["reason"];

/** How a read came. */
interface Asked {
  readonly from: NodeId;
  readonly read: number;
  /** Whether a round confirms it even if a lease holds. */
  readonly byRound: boolean;
}

/** Reads that one round confirms: own ones, and those that members sent. */
interface Batch {
  /** 0 until the round begins. */
  round: number;
  /** The commit index when the last of them came. */
  index: Index;
  readonly own: number[];
  readonly remote: { readonly to: NodeId; readonly read: number }[];
}

/** Own reads that a follower asked its leader about, together. */
interface Forwarded {
  readonly number: number;
  readonly to: NodeId;
  readonly reads: readonly number[];
  retryAt: number;
  readonly failAt: number;
}

function newBatch(): Batch {
  return { round: 0, index: 0, own: [], remote: [] };
}

/** The reads that wait at one node. */
export class Reads {
  // Leader.
  #round = 0;
  #sent: Batch[] = [];
  #open = newBatch();
  #count = 0;
  readonly #lease: Lease;
  // Follower.
  #number: number;
  #forwarded: Forwarded | undefined;
  #waiting: number[] = [];

  /**
   * Begins with nothing.
   *
   * @param firstNumber Where the numbers of forwarded reads begin. Random: an answer to what this node asked before a crash must not look
   * like one to what it asks now.
   */
  constructor(firstNumber: number, settings: RaftSettings) {
    this.#number = firstNumber;
    this.#lease = new Lease(settings);
  }

  /** The latest round that began. */
  get round(): number {
    return this.#round;
  }

  /** Reads that wait. */
  get pending(): number {
    return this.#count + this.#waiting.length + (this.#forwarded?.reads.length ?? 0);
  }

  /** When to ask again, or to give up. */
  get deadline(): number {
    const { retryAt = Infinity, failAt = Infinity } = this.#forwarded ?? {};
    return Math.min(retryAt, failAt);
  }

  /** The node wants to read. */
  ask(s: RaftState, read: number, byRound: boolean): void {
    if (s.leader === undefined) fail(s, read, "noLeader");
    else if (this.pending >= s.settings.maxPendingReads) fail(s, read, "overloaded");
    else if (s.role === "leader") this.#register(s, { from: s.id, read, byRound });
    else {
      this.#waiting.push(read);
      this.#forward(s);
    }
  }

  /** A member wants to read. */
  receiveReadIndex(s: RaftState, m: ReadIndexMessage): void {
    const isMine = s.role === "leader" && s.tracker.of(m.from) !== undefined;
    if (isMine && this.pending < s.settings.maxPendingReads) {
      this.#register(s, { from: m.from, read: m.read, byRound: false });
    } else reply(s, m.from, m.read, 0);
  }

  /** The leader answered what was forwarded. */
  receiveReply(s: RaftState, m: ReadIndexReplyMessage): void {
    const forwarded = this.#forwarded;
    if (forwarded?.number !== m.read || forwarded.to !== m.from) return;
    this.#forwarded = undefined;
    for (const read of forwarded.reads) {
      if (m.index > 0) s.outbox.push({ type: "readReady", read, index: m.index });
      else fail(s, read, "overloaded");
    }
    this.#forward(s);
  }

  /** Asks again for what was lost, or gives up. */
  expire(s: RaftState): void {
    const forwarded = this.#forwarded;
    if (forwarded === undefined) return;
    if (s.now >= forwarded.failAt) {
      this.#failFollowing(s, "noLeader");
    } else if (s.now >= forwarded.retryAt) {
      forwarded.retryAt = s.now + s.settings.heartbeatMs;
      this.#sendForwarded(s);
    }
  }

  /** Another leads, or nobody: what was forwarded is to be asked anew. */
  changeLeader(s: RaftState): void {
    this.#failFollowing(s, "lostLeadership");
  }

  /** A reign begins. */
  beginReign(): void {
    this.#lease.beginReign(this.#round);
  }

  /** A reign ended: its reads were not confirmed, and will not be. */
  loseLeadership(s: RaftState): void {
    for (const batch of [...this.#sent, this.#open]) {
      for (const read of batch.own) fail(s, read, "lostLeadership");
      for (const { to, read } of batch.remote) reply(s, to, read, 0);
    }
    this.#sent = [];
    this.#open = newBatch();
    this.#count = 0;
  }

  /** The commit index grew. The first of the own reign lets the reads begin that came before it (R1). */
  committed(s: RaftState): void {
    if (this.#open.index > 0 || this.#size(this.#open) === 0 || !hasCommittedInTerm(s)) return;
    this.#open.index = s.commit;
    this.#begin(s);
  }

  /** Begins the next round, at a heartbeat that is sent anyway: for reads that wait, or to time a lease. */
  beginRound(s: RaftState): void {
    if (this.#open.index > 0) this.#begin(s);
    else {
      if (this.#lease.isUsed) this.#nextRound(s);
      broadcastHeartbeat(s);
    }
  }

  /** A follower answered a round. */
  acknowledged(s: RaftState, p: Progress, round: number): void {
    // A larger one than was begun is a lie, or was meant for a former life.
    if (round > this.#round || round <= p.ackedRound) return;
    p.ackedRound = round;
    this.confirm(s);
  }

  /** Answers what a quorum has confirmed. */
  confirm(s: RaftState): void {
    const round = Math.min(s.tracker.quorum("ackedRound"), this.#round);
    this.#lease.confirmed(round);
    let count = 0;
    for (; count < this.#sent.length && this.#sent[count]!.round <= round; count++) {
      this.#answer(s, this.#sent[count]!);
    }
    if (count === 0) return;
    this.#sent.splice(0, count);
    if (this.#sent.length === 0 && this.#open.index > 0) this.#begin(s);
  }

  /** Another quorum decides. */
  changeConfig(): void {
    this.#lease.drop();
  }

  /** A successor was told to campaign. */
  endLeases(): void {
    this.#lease.end();
  }

  #register(s: RaftState, { from, read, byRound }: Asked): void {
    const ready = hasCommittedInTerm(s);
    // R4: who decides alone knows; so does who holds a lease.
    if (ready && (s.tracker.isAlone || (!byRound && this.#lease.holds(s.now)))) {
      if (from === s.id) s.outbox.push({ type: "readReady", read, index: s.commit });
      else reply(s, from, read, s.commit);
      return;
    }
    this.#count++;
    if (from === s.id) this.#open.own.push(read);
    else this.#open.remote.push({ to: from, read });
    if (!ready) return;
    // R3. One index serves the whole batch: the latest of them is at least each one's own.
    this.#open.index = s.commit;
    // R2: a round that is under way began before this read. It is let pass, and the next one serves all that came meanwhile.
    if (this.#sent.length === 0) this.#begin(s);
  }

  #begin(s: RaftState): void {
    this.#nextRound(s);
    this.#open.round = this.#round;
    this.#sent.push(this.#open);
    this.#open = newBatch();
    broadcastHeartbeat(s);
    this.confirm(s);
  }

  #nextRound(s: RaftState): void {
    this.#round++;
    this.#lease.began(s.now);
  }

  #answer(s: RaftState, batch: Batch): void {
    this.#count -= this.#size(batch);
    for (const read of batch.own) {
      s.outbox.push({ type: "readReady", read, index: batch.index });
    }
    for (const { to, read } of batch.remote) reply(s, to, read, batch.index);
  }

  #size(batch: Batch): number {
    return batch.own.length + batch.remote.length;
  }

  #forward(s: RaftState): void {
    if (this.#forwarded !== undefined || this.#waiting.length === 0 || s.leader === undefined) {
      return;
    }
    this.#number = this.#number >= Number.MAX_SAFE_INTEGER ? 1 : this.#number + 1;
    this.#forwarded = {
      number: this.#number,
      to: s.leader,
      reads: this.#waiting,
      retryAt: s.now + s.settings.heartbeatMs,
      failAt: s.now + s.settings.electionTimeoutMs,
    };
    this.#waiting = [];
    this.#sendForwarded(s);
  }

  #sendForwarded(s: RaftState): void {
    const { to, number } = this.#forwarded!;
    s.outbox.send({ type: "readIndex", from: s.id, to, term: 0, read: number });
  }

  #failFollowing(s: RaftState, reason: FailReason): void {
    const reads = [...this.#forwarded?.reads ?? [], ...this.#waiting];
    this.#forwarded = undefined;
    this.#waiting = [];
    for (const read of reads) fail(s, read, reason);
  }
}

function fail(s: RaftState, read: number, reason: FailReason): void {
  s.outbox.push({ type: "readFailed", read, reason });
}

function reply(s: RaftState, to: NodeId, read: number, index: Index): void {
  s.outbox.send({ type: "readIndexReply", from: s.id, to, term: 0, read, index });
}
