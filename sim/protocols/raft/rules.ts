import type { RaftEffect, RaftInput, Role } from "../../../raft/contract.ts";
import { isVoter } from "../../../raft/config.ts";
import type { Index, NodeId, Term } from "../../../raft/entry.ts";
import type { Persist } from "../../../raft/log_store.ts";
import type { Message } from "../../../raft/message.ts";
import type { RaftStatus } from "../../../raft/status.ts";
import type { RaftSettings } from "../../../raft/options.ts";
import { ViolationError } from "../../violation.ts";
import type { Ledger } from "./ledger.ts";
import type { LogModel } from "./log_model.ts";
import { isQuorum } from "./overlap.ts";

/** Bytes of the largest entry of a run: one always goes. */
const ONE_ENTRY = 1000;

/** One life of a node, as the rules look at it. */
export interface WatchedLife {
  readonly id: NodeId;
  /** Name and number of the life. */
  readonly life: string;
  /** What it has written. */
  readonly issued: LogModel;
  /** What of it is on its disk. */
  readonly durable: LogModel;
  readonly settings: RaftSettings;
  readonly status: RaftStatus;
  /** What it was seen to be at its step before. */
  seen: Seen;
}

/** What a life was seen to be. */
export interface Seen {
  readonly role: Role;
  readonly term: Term;
  readonly commit: Index;
  readonly applied: Index;
}

/** Invariants of Raft. Each looks at the life that has just done something. */
export class Rules {
  readonly #ledger: Ledger;
  /** What is on the disk of a node, whether it runs or not. */
  readonly #durableOf: (id: NodeId) => LogModel | undefined;

  /** Rules of one run. */
  constructor(ledger: Ledger, durableOf: (id: NodeId) => LogModel | undefined) {
    this.#ledger = ledger;
    this.#durableOf = durableOf;
  }

  /** A life writes: I2, I3, I10. Called before the write is issued. */
  writing(life: WatchedLife, effect: Persist): void {
    const { issued, seen, status, id } = life;
    const reigns = seen.role === "leader" && status.role === "leader" && seen.term === status.term;
    if (reigns && (effect.truncateFrom !== undefined || effect.resetLog)) {
      throw new ViolationError("leader-append-only", `${id} cuts its log while it leads`);
    }
    const { entries, truncateFrom, resetLog, snapshot } = effect;
    if (truncateFrom !== undefined && truncateFrom <= seen.commit) {
      throw new ViolationError(
        "commit-kept",
        `${id} cuts ${truncateFrom}, ${seen.commit} is committed`,
      );
    }
    const first = entries[0];
    if (first === undefined) return;
    let prevTerm = resetLog && snapshot !== undefined && snapshot.index === first.index - 1
      ? snapshot.term
      : issued.term(first.index - 1) ?? 0;
    let configs = 0;
    for (const entry of entries) {
      this.#ledger.writes(id, entry, prevTerm);
      if (entry.term < prevTerm) {
        throw new ViolationError("terms-grow", `${id} writes term ${entry.term} after ${prevTerm}`);
      }
      prevTerm = entry.term;
      if (entry.kind === "config") configs++;
    }
    if (configs > 0 && reigns) {
      for (let index = status.commitIndex + 1; index < first.index; index++) {
        if (issued.entry(index)?.kind === "config") configs++;
      }
      if (configs > 1) {
        throw new ViolationError(
          "one-config-at-a-time",
          `${id} appends ${configs} that are not committed`,
        );
      }
    }
  }

  /** A message leaves: I7, I8. `claimed`: of an acknowledgement, the term of the entry that it acknowledges, when still held. */
  leaving({ id, durable }: WatchedLife, m: Message, claimed: Term | undefined): void {
    const { term, votedFor } = durable.hard;
    const unsafe = (claim: string): never => {
      throw new ViolationError(
        "durable-before-sent",
        `${id} says ${claim} to ${m.to} in term ${m.term}`,
      );
    };
    if (m.type === "vote" && !m.preVote) {
      this.#ledger.votes(id, m.term, id);
      if (term < m.term || (term === m.term && votedFor !== id)) unsafe("that it is a candidate");
    } else if (m.type === "voteReply" && !m.preVote && m.granted) {
      this.#ledger.votes(id, m.term, m.to);
      if (term < m.term || (term === m.term && votedFor !== m.to)) unsafe("that it voted");
    } else if (m.type === "appendReply") {
      if (term < m.term) unsafe("that it is there");
      if (m.rejected || m.index === 0) return;
      if (claimed !== undefined && !durable.holds(m.index, claimed)) {
        unsafe(`that it holds ${m.index}`);
      }
    }
  }

  /** A write is on the disk: I8. Called before it is put there. */
  durable({ id, durable }: WatchedLife, { hardState }: Persist): void {
    if (hardState === undefined) return;
    const { term, votedFor } = durable.hard;
    if (hardState.term < term) {
      throw new ViolationError("term-grows", `${id} goes from term ${term} to ${hardState.term}`);
    }
    if (hardState.term === term && votedFor !== undefined && hardState.votedFor !== votedFor) {
      throw new ViolationError(
        "one-vote",
        `${id} replaces its vote for ${votedFor} in term ${term}`,
      );
    }
  }

  /** A life said something of itself: I1, I4. */
  told({ id, life, issued, status }: WatchedLife, effect: RaftEffect): void {
    if (effect.type === "halt") throw new ViolationError("no-halt", `${id}: ${effect.detail}`);
    if (effect.type === "refused" && effect.reason === "twoLeaders") {
      throw new ViolationError("election-safety", `${id}: ${effect.detail}`);
    }
    if (effect.type !== "role" || effect.role !== "leader") return;
    this.#ledger.leads(effect.term, life);
    const voted = (node: NodeId): boolean =>
      node === id || this.#ledger.voted(node, effect.term, id);
    if (!isQuorum(status.config, voted)) {
      throw new ViolationError(
        "elected-by-quorum",
        `${id} leads term ${effect.term} without the votes of a quorum`,
      );
    }
    // What later terms have committed a leader that comes late need not hold.
    const commit = this.#ledger.committedBefore(effect.term);
    if (commit > 0 && !issued.holds(commit, this.#ledger.committedTerm(commit))) {
      throw new ViolationError(
        "leader-completeness",
        `${id} leads term ${effect.term} without ${commit}, which is committed`,
      );
    }
  }

  /** A step is over: L4, I5, I6, I9, I12, I14. */
  stepped(life: WatchedLife, input: RaftInput): void {
    const { status, seen, issued } = life;
    const { id, term, commitIndex, appliedIndex, lastIndex, durableIndex } = status;
    const broken = (what: string): never => {
      throw new ViolationError("indices-in-order", `${id}: ${what}`);
    };
    if (term < seen.term) broken(`term ${term} after ${seen.term}`);
    if (commitIndex < seen.commit) broken(`commit ${commitIndex} after ${seen.commit}`);
    if (appliedIndex < seen.applied) broken(`applied ${appliedIndex} after ${seen.applied}`);
    if (commitIndex > lastIndex) broken(`commit ${commitIndex} of ${lastIndex}`);
    if (appliedIndex > commitIndex) broken(`applied ${appliedIndex}, commit ${commitIndex}`);
    if (lastIndex !== issued.last) broken(`last ${lastIndex}, written ${issued.last}`);
    if (durableIndex > Math.max(life.durable.last, status.snapshotIndex)) {
      broken(`durable ${durableIndex}, on the disk ${life.durable.last}`);
    }
    if (input.type === "message" && input.message.type === "append") {
      const { prevIndex, entries, commit } = input.message;
      const compared = Math.min(commit, prevIndex + entries.length);
      if (commitIndex > Math.max(seen.commit, compared)) {
        throw new ViolationError(
          "commits-compared",
          `${id} commits ${commitIndex} on an append that compares ${prevIndex + entries.length}`,
        );
      }
    }
    const { snapshot } = life.durable;
    if (appliedIndex > Math.max(life.durable.last, snapshot?.index ?? 0)) {
      broken(`applied ${appliedIndex}, on the disk ${life.durable.last}`);
    }
    if (commitIndex > seen.commit) this.#committed(life, seen.commit);
    if (status.role === "leader") this.#leader(life);
    this.#bounded(life);
    life.seen = { role: status.role, term, commit: commitIndex, applied: appliedIndex };
  }

  #committed({ id, issued, status }: WatchedLife, before: Index): void {
    let isNew = false;
    for (let index = Math.max(before, issued.base) + 1; index <= status.commitIndex; index++) {
      const entry = issued.entry(index);
      if (entry === undefined) continue;
      isNew = this.#ledger.commits(id, entry, status.term);
    }
    // I9: of the last one; those before it are beneath it.
    if (!isNew) return;
    const { commitIndex, config } = status;
    if (status.role === "leader" && issued.term(commitIndex) !== status.term) {
      throw new ViolationError(
        "commits-own-term",
        `${id} commits ${commitIndex} of term ${issued.term(commitIndex)} in term ${status.term}`,
      );
    }
    const entry = issued.entry(commitIndex)!;
    const holds = (node: NodeId): boolean =>
      this.#durableOf(node)?.holds(commitIndex, entry.term) === true;
    if (status.configIndex <= commitIndex && !isQuorum(config, holds)) {
      throw new ViolationError(
        "committed-is-durable",
        `${id} commits ${commitIndex}, which is not on the disks of a quorum`,
      );
    }
  }

  /** I14. */
  #leader({ id, status, issued }: WatchedLife): void {
    for (const { id: peer, match, next } of status.progress) {
      if (match >= next) {
        throw new ViolationError(
          "progress-is-sound",
          `${id}: ${peer} match ${match}, next ${next}`,
        );
      }
      if (match <= issued.base) continue;
      const durable = this.#durableOf(peer);
      // In a later term it may have lost what it held for this leader.
      if (
        durable !== undefined && durable.hard.term <= status.term &&
        !durable.holds(match, issued.term(match)!)
      ) {
        throw new ViolationError("progress-is-sound", `${id} believes that ${peer} holds ${match}`);
      }
    }
  }

  /** I12. */
  #bounded({ status, settings }: WatchedLife): void {
    const { id, pendingReads, progress } = status;
    const over = (what: string): never => {
      throw new ViolationError("bounded", `${id}: ${what}`);
    };
    if (pendingReads > settings.maxPendingReads) over(`${pendingReads} reads wait`);
    for (const { inflightMessages, inflightBytes } of progress) {
      if (inflightMessages > settings.maxInflightMessages) over(`${inflightMessages} on their way`);
      if (
        inflightBytes > settings.maxInflightBytes + Math.max(settings.maxAppendBytes, ONE_ENTRY)
      ) {
        over(`${inflightBytes} bytes on their way`);
      }
    }
  }
}

/** Whether a node votes in the configuration that it believes in. */
export function votes(status: RaftStatus): boolean {
  return isVoter(status.config, status.id);
}
