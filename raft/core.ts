import { applied, handOut } from "./applying.ts";
import { idFault } from "./config.ts";
import type { RaftCoreContract, RaftEffect, RaftInput, Recovered } from "./contract.ts";
import {
  answerVote,
  becomeFollower,
  campaign,
  candidacyDurable,
  followLeader,
  isInLease,
  isPromotable,
  receiveVote,
  resetElectionTimer,
} from "./election.ts";
import type { Index, NodeId, SnapshotMeta } from "./entry.ts";
import { acknowledge, receiveAppend, receiveHeartbeat } from "./following.ts";
import { messageFault } from "./message_check.ts";
import type { Message } from "./message.ts";
import { type Prng, type RaftOptions, raftSettings } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { propose } from "./proposing.ts";
import { Reads } from "./read_index.ts";
import { changeConfig } from "./reconfiguration.ts";
import { recoverLog } from "./recovery.ts";
import {
  checkQuorum,
  leaderHeartbeat,
  ownLogDurable,
  receiveAppendReply,
  receiveHeartbeatReply,
  unreachable,
} from "./replication.ts";
import { receiveSnapshot, restored, snapshotSent, snapshotTaken } from "./snapshots.ts";
import { hardState, type RaftState } from "./state.ts";
import { type RaftStatus, statusOf } from "./status.ts";
import { Tracker } from "./tracker.ts";
import { beginTransfer, expireTransfer, receiveTimeoutNow } from "./transfer.ts";

/** What a core is made of. */
export interface RaftCoreInit extends RaftOptions {
  /** The own name. */
  readonly id: NodeId;
  /** What the store gave back, or what `bootstrapState` or `blankState` made. The state machine holds `recovered.snapshot` already. */
  readonly recovered: Recovered;
  /**
   * The last index that the state machine holds: for one that is itself durable. From the snapshot's index to the commit index.
   *
   * @default {the snapshot's index, or 0}
   */
  readonly applied?: Index;
  /** Draws from [0, 1). */
  readonly random: Prng;
  /** The instant of the start, in monotonic milliseconds. */
  readonly now: number;
}

/**
 * One member of a group that agrees on a log (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm";
 * Ongaro's thesis): elections with pre-vote and quorum checks, replication in parallel with the own disk, joint configurations
 * in force from their append on, reads, transfers, snapshots. Pure: see {@link RaftCoreContract} for the order of its effects.
 * Equal inputs, instants and draws yield equal effects.
 *
 * Safety does not rest on `now`, but for lease reads. What a peer sends never throws: it is answered, ignored or `refused`.
 *
 * @example A group of one
 * ```ts
 * import { bootstrapState, RaftCore } from "@ck/cluster/raft";
 * import { assertEquals } from "@std/assert";
 *
 * const recovered = bootstrapState([{ id: "a", address: "a:1" }]);
 * const core = new RaftCore({ id: "a", recovered, random: () => 0, now: 0 });
 * core.step({ type: "campaign" }, 0); // persists term 2 and the own vote
 * core.step({ type: "persisted", token: 1 }, 0); // leads, persists its first entry
 * core.step({ type: "persisted", token: 2 }, 0);
 * assertEquals(core.status.role, "leader");
 * assertEquals(core.status.commitIndex, 2);
 * ```
 */
export class RaftCore implements RaftCoreContract {
  readonly #state: RaftState;
  // Entries that were committed before the start are handed out at the first step.
  #startAt: number;

  /**
   * Begins as a follower that knows no leader.
   *
   * @throws {RecoveredStateError} When what was recovered contradicts itself.
   * @throws {TypeError | RangeError} When the id or a setting is out of its range.
   */
  constructor(init: RaftCoreInit) {
    const fault = idFault(init.id);
    if (fault !== undefined) throw new TypeError(`Cannot be a member as ${fault}`);
    const settings = raftSettings(init);
    const { log, configs } = recoverLog(init.recovered);
    const { hardState: hard, snapshot } = init.recovered;
    const begin = snapshot?.index ?? 0;
    const commit = Math.max(hard.commit, begin);
    const at = init.applied ?? begin;
    if (!(Number.isSafeInteger(at) && at >= begin && at <= commit)) {
      throw new RangeError(
        `Cannot start as 'applied' must be ${begin} to ${commit}: current value is ${at}`,
      );
    }
    this.#state = {
      id: init.id,
      settings,
      random: init.random,
      log,
      configs,
      outbox: new Outbox(hard),
      tracker: new Tracker(init.id, settings),
      reads: new Reads(Math.floor(init.random() * 2 ** 48), settings),
      now: init.now,
      halted: false,
      term: hard.term,
      votedFor: hard.votedFor,
      role: "follower",
      leader: undefined,
      commit,
      electionSince: init.now,
      electionAfterMs: 0,
      noVoteBefore: settings.leaseReads ? init.now + settings.electionTimeoutMs : -Infinity,
      votes: new Map(),
      candidacyToken: 0,
      heartbeatAt: 0,
      quorumCheckAt: 0,
      uncommittedBytes: 0,
      transfer: undefined,
      snapshot,
      restoring: undefined,
      applied: at,
      applying: at,
      pages: [],
      applyingBytes: 0,
      toldRole: "follower",
      toldTerm: hard.term,
      toldLeader: undefined,
      toldConfig: configs.latest,
      toldConfigCommitted: configs.latest.index <= commit,
    };
    this.#startAt = at < commit ? init.now : Infinity;
    resetElectionTimer(this.#state);
  }

  /** Instant, in monotonic milliseconds, at which to step with `timeout`. `Infinity` when there is none. Re-read after every step. */
  get deadline(): number {
    const s = this.#state;
    if (s.halted) return Infinity;
    const base = Math.min(this.#startAt, s.transfer?.deadline ?? Infinity);
    if (s.role === "leader") {
      return Math.min(base, s.heartbeatAt, s.settings.checkQuorum ? s.quorumCheckAt : Infinity);
    }
    const election = isPromotable(s) ? s.electionSince + s.electionAfterMs : Infinity;
    return Math.min(base, election, s.reads.deadline);
  }

  /** What this node is and knows. A copy. */
  get status(): RaftStatus {
    return statusOf(this.#state);
  }

  /**
   * What a snapshot of the state machine at `index` stands for, under the name `id`: with the configuration as of that index,
   * not the latest (S1).
   *
   * @throws {RangeError} When the index is not applied, or compacted away.
   */
  snapshotMeta(index: Index, id: string): SnapshotMeta {
    const { log, configs, applied, snapshot } = this.#state;
    const term = log.term(index);
    if (index > applied || index < (snapshot?.index ?? 1) || term === undefined) {
      throw new RangeError(
        `Cannot describe a snapshot as its index must be applied and held: current value is ${index}`,
      );
    }
    const { config, index: configIndex } = configs.at(index);
    return { index, term, config, configIndex, id };
  }

  /**
   * Takes one input at one instant. `now` never goes back.
   *
   * @throws {RangeError} When the driver acknowledges what was not asked for, or offers a snapshot of what is not applied. Nothing changed.
   */
  step(input: RaftInput, now: number): readonly RaftEffect[] {
    const s = this.#state;
    if (s.halted) {
      this.#stepHalted(input);
      return s.outbox.take(s.log, hardState(s));
    }
    if (now > s.now) s.now = now;
    this.#startAt = Infinity;
    switch (input.type) {
      case "propose":
        propose(s, input.proposal, input.commands);
        break;
      case "message":
        if (input.message.type === "snapshot") {
          s.outbox.refuse("notReceived", "a snapshot is announced once it is durable");
        } else this.#receive(input.message);
        break;
      case "persisted":
        this.#persisted(input.token);
        break;
      case "applied":
        applied(s, input.index);
        break;
      case "timeout":
        this.#expire();
        break;
      case "readIndex":
        s.reads.ask(s, input.read, input.byRound ?? false);
        break;
      case "changeConfig":
        changeConfig(s, input.proposal, input.change, input.expectedConfigIndex);
        break;
      case "transferLeadership":
        beginTransfer(s, input.to);
        break;
      case "campaign":
        // A leader's lease rests on its voters' patience (R5).
        if (!s.settings.leaseReads || (!isInLease(s) && s.now >= s.noVoteBefore)) campaign(s);
        break;
      case "forgetLeader":
        if (s.role === "follower" && !s.settings.leaseReads) followLeader(s, undefined);
        break;
      case "snapshotReceived":
        this.#receive(input.message);
        break;
      case "restored":
        restored(s, input.index);
        break;
      case "snapshotTaken":
        snapshotTaken(s, input.meta);
        break;
      case "unreachable":
        unreachable(s, input.node);
        break;
      case "snapshotSent":
        snapshotSent(s, input.node, input.ok);
        break;
      default:
        input satisfies never;
    }
    if (!s.halted) handOut(s);
    this.#tell();
    return s.outbox.take(s.log, hardState(s));
  }

  #persisted(token: number): void {
    const s = this.#state;
    if (!(token <= s.log.token)) {
      throw new RangeError(
        `Cannot take a write as durable as it must have begun: current value is ${token}`,
      );
    }
    s.log.acknowledge(token);
    candidacyDurable(s, token);
    ownLogDurable(s);
  }

  #expire(): void {
    const s = this.#state;
    if (s.transfer !== undefined && s.now >= s.transfer.deadline) expireTransfer(s);
    if (s.role === "leader") {
      if (s.settings.checkQuorum && s.now >= s.quorumCheckAt) checkQuorum(s);
      if (s.role === "leader" && s.now >= s.heartbeatAt) leaderHeartbeat(s);
      return;
    }
    s.reads.expire(s);
    if (!isPromotable(s) || s.now < s.electionSince + s.electionAfterMs) return;
    // A candidacy that is not on the disk was told to nobody. With a term each timeout, a disk that takes longer than that
    // would never elect.
    if (s.candidacyToken > 0) resetElectionTimer(s);
    else campaign(s);
  }

  #receive(m: Message): void {
    const s = this.#state;
    const fault = messageFault(m, s.id);
    if (fault !== undefined) {
      s.outbox.refuse("malformed", `${m.type} of ${m.from}: ${fault}`);
      return;
    }
    if (m.type === "readIndex") return s.reads.receiveReadIndex(s, m);
    if (m.type === "readIndexReply") return s.reads.receiveReply(s, m);
    if (m.type === "vote" && !m.transfer) {
      // E7: whoever hears a leader helps nobody to depose it.
      if (m.term > s.term && isInLease(s)) return;
      if (m.term >= s.term && s.now < s.noVoteBefore) return;
    }
    if (m.term > s.term) this.#receiveNewer(m);
    else if (m.term < s.term) return this.#receiveOlder(m);
    this.#receiveCurrent(m);
  }

  /** E5: a later term is adopted, but by a pre-vote, which is only a question, and its answer. */
  #receiveNewer(m: Message): void {
    if ((m.type === "vote" && m.preVote) || (m.type === "voteReply" && m.preVote && m.granted)) {
      return;
    }
    becomeFollower(this.#state, m.term, isFromLeader(m) ? m.from : undefined);
  }

  /**
   * E6: an old leader learns of the term; a node that is stuck in a later one could never come back. So does an old candidate
   * (Figure 2 of the paper): without pre-votes one that cannot win may raise its own term for ever, and the one that can would
   * never reach it.
   */
  #receiveOlder(m: Message): void {
    const s = this.#state;
    if (m.type === "append" || m.type === "heartbeat" || m.type === "snapshot") {
      if (s.settings.checkQuorum || s.settings.preVote) acknowledge(s, m.from, 0);
    } else if (m.type === "vote") {
      s.outbox.sendDurable({
        type: "voteReply",
        from: s.id,
        to: m.from,
        term: s.term,
        preVote: m.preVote,
        granted: false,
      });
    }
  }

  #receiveCurrent(m: Message): void {
    const s = this.#state;
    if (isFromLeader(m) && m.type !== "timeoutNow") {
      if (s.role === "leader") {
        s.outbox.refuse("twoLeaders", `${m.from} leads term ${s.term} as well`);
        return;
      }
      if (s.leader !== undefined && s.leader !== m.from) {
        s.outbox.refuse("twoLeaders", `${m.from} leads term ${s.term} as well as ${s.leader}`);
        return;
      }
      if (s.role !== "follower") becomeFollower(s, s.term, m.from);
      else followLeader(s, m.from);
    }
    switch (m.type) {
      case "append":
        return receiveAppend(s, m);
      case "heartbeat":
        return receiveHeartbeat(s, m);
      case "snapshot":
        s.electionSince = s.now;
        return receiveSnapshot(s, m);
      case "vote":
        return answerVote(s, m);
      case "voteReply":
        return receiveVote(s, m);
      case "timeoutNow":
        return receiveTimeoutNow(s, m);
      case "appendReply":
        if (s.role === "leader") receiveAppendReply(s, m);
        return;
      case "heartbeatReply":
        if (s.role === "leader") receiveHeartbeatReply(s, m);
    }
  }

  /** Says what changed of role and configuration. */
  #tell(): void {
    const s = this.#state;
    if (s.role !== s.toldRole || s.term !== s.toldTerm || s.leader !== s.toldLeader) {
      s.toldRole = s.role;
      s.toldTerm = s.term;
      s.toldLeader = s.leader;
      s.outbox.push({ type: "role", role: s.role, term: s.term, leader: s.leader });
    }
    const { latest } = s.configs;
    const committed = latest.index <= s.commit;
    if (latest === s.toldConfig && committed === s.toldConfigCommitted) return;
    s.toldConfig = latest;
    s.toldConfigCommitted = committed;
    s.outbox.push({ type: "config", config: latest.config, index: latest.index, committed });
  }

  /** The node stopped: callers are told, everything else is lost on it. */
  #stepHalted(input: RaftInput): void {
    const { outbox } = this.#state;
    if (input.type === "propose" || input.type === "changeConfig") {
      outbox.reject(input.proposal, "halted", "", undefined);
    } else if (input.type === "readIndex") {
      outbox.push({ type: "readFailed", read: input.read, reason: "noLeader" });
    } else if (input.type === "transferLeadership") {
      outbox.push({ type: "transferEnded", ok: false, reason: "notLeader" });
    }
  }
}

function isFromLeader(m: Message): boolean {
  return m.type === "append" || m.type === "heartbeat" || m.type === "snapshot" ||
    m.type === "timeoutNow";
}
