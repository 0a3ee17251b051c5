/**
 * A leader's side of replication (§5.3, §5.4.2): appends, acknowledgements, the commit index, heartbeats.
 *
 * @module
 */
import { isVoter } from "./config.ts";
import { leaveJointByItself } from "./reconfiguration.ts";
import type { Entry } from "./entry.ts";
import type { AppendReplyMessage, HeartbeatReplyMessage } from "./message.ts";
import type { Progress } from "./progress.ts";
import { becomeFollower } from "./election.ts";
import { sendSnapshot } from "./snapshots.ts";
import type { RaftState } from "./state.ts";
import { tellSuccessor } from "./transfer.ts";

const none: readonly Entry[] = Object.freeze([]);

/** Puts entries at the end of the own log and into this step's write. A leader only ever appends (L10). */
export function appendToLog(s: RaftState, entries: readonly Entry[]): void {
  for (let i = 0; i < entries.length; i++) s.log.push(entries[i]!);
  s.outbox.write(entries);
}

/** Sends all what they lack, as far as their windows let it. */
export function broadcastAppend(s: RaftState): void {
  for (const p of s.tracker.peers) pump(s, p);
}

/**
 * Sends a follower what it lacks.
 *
 * @param allowEmpty Whether an append without entries is worth sending: it tells the commit index, and finds out what was lost.
 * @returns Whether something was sent.
 */
export function sendAppend(s: RaftState, p: Progress, allowEmpty: boolean): boolean {
  if (p.isPaused) return false;
  const prevIndex = p.next - 1;
  const prevTerm = s.log.term(prevIndex);
  if (prevTerm === undefined) return sendSnapshot(s, p);
  const { settings } = s;
  const full = p.state === "replicate" && p.inflights.full;
  const entries = full || p.next > s.log.last
    ? none
    : s.log.slice(p.next, settings.maxAppendBytes, settings.maxAppendEntries);
  if (entries.length === 0 && !allowEmpty) return false;
  s.outbox.send({
    type: "append",
    from: s.id,
    to: p.id,
    term: s.term,
    prevIndex,
    prevTerm,
    commit: s.commit,
    entries,
  });
  p.sentCommit = s.commit;
  p.sent(entries.length, entries.length === 0 ? 0 : s.log.sliceBytes);
  return true;
}

function pump(s: RaftState, p: Progress): void {
  while (sendAppend(s, p, false) && p.state === "replicate");
}

/**
 * Tells of a new commit index: with the entries that are still to be sent, or with an empty append once all is committed. While
 * more is under way the next commit, which must follow, tells of this one as well; a message for each would double the traffic
 * under load.
 */
export function broadcastCommit(s: RaftState): void {
  for (const p of s.tracker.peers) {
    pump(s, p);
    tellCommit(s, p);
  }
}

function tellCommit(s: RaftState, p: Progress): void {
  const settled = s.commit === s.log.last || (p.departedAt > 0 && s.commit >= p.departedAt);
  if (settled && p.sentCommit < s.commit) sendAppend(s, p, true);
}

/**
 * Commits what a quorum holds durably (L2), counting only entries of the own term: those before are committed with them (L1, Figure 8).
 *
 * @returns Whether the commit index grew.
 */
export function advanceCommit(s: RaftState): boolean {
  if (s.role !== "leader") return false;
  const index = s.tracker.quorum("match");
  if (index <= s.commit || s.log.term(index) !== s.term) return false;
  s.commit = index;
  s.reads.committed(s);
  const { latest } = s.configs;
  if (latest.index <= index && !isVoter(latest.config, s.id)) {
    // C10: the others learn that this is committed, then go on alone.
    broadcastCommit(s);
    for (const p of s.tracker.peers) if (p.sentCommit < index) sendAppend(s, p, true);
    becomeFollower(s, s.term, undefined);
    return true;
  }
  leaveJointByItself(s);
  return true;
}

/** The own disk holds more: it counts like a follower's acknowledgement (L2, E13). */
export function ownLogDurable(s: RaftState): void {
  if (s.role !== "leader") return;
  const own = s.tracker.of(s.id);
  if (own === undefined || !own.acknowledged(s.log.durable)) return;
  if (advanceCommit(s) && s.role === "leader") broadcastCommit(s);
}

/** A follower answered an append, or took over a snapshot. */
export function receiveAppendReply(s: RaftState, m: AppendReplyMessage): void {
  const p = s.tracker.of(m.from);
  if (p === undefined || p.id === s.id) return;
  hear(s, p);
  if (m.rejected) {
    // L6: both sides skip what cannot match, a term at a time.
    const hint = m.hintTerm > 0 ? s.log.lastAtOrBelow(m.hintIndex, m.hintTerm).index : m.hintIndex;
    if (p.rejected(m.index, hint)) sendAppend(s, p, true);
    return;
  }
  if (m.index > s.log.last) {
    s.outbox.refuse("beyondLog", `${m.from} acknowledges ${m.index} of ${s.log.last}`);
    return;
  }
  const news = p.acknowledged(m.index);
  if (!news && !(p.state === "probe" && p.match === m.index)) return;
  if (p.state === "probe") p.becomeReplicate();
  else if (p.state === "snapshot") {
    // S7: whichever snapshot it was, what matters is that the log reaches it again.
    if (s.log.term(p.match) !== undefined) p.becomeReplicate();
  } else {
    p.inflights.freeThrough(m.index);
    p.paused = p.inflights.full;
  }
  if (advanceCommit(s) && s.role === "leader") broadcastCommit(s);
  if (s.role !== "leader") return;
  pump(s, p);
  tellCommit(s, p);
  tellSuccessor(s);
}

/** Tells all that the leader lives. Carries what they may commit without looking at their logs, and the round of reads. */
export function broadcastHeartbeat(s: RaftState): void {
  s.heartbeatAt = s.now + s.settings.heartbeatMs;
  for (const p of s.tracker.peers) {
    const commit = Math.min(p.match, s.commit);
    s.outbox.send({
      type: "heartbeat",
      from: s.id,
      to: p.id,
      term: s.term,
      commit,
      round: s.reads.round,
    });
    if (p.sentCommit < commit) p.sentCommit = commit;
  }
}

/** A follower answered a heartbeat: it lives, and may have missed something. */
export function receiveHeartbeatReply(s: RaftState, m: HeartbeatReplyMessage): void {
  const p = s.tracker.of(m.from);
  if (p === undefined || p.id === s.id) return;
  hear(s, p);
  p.paused = false;
  // An empty append through a full window, or behind what was lost, is answered; a silent wait is not (L8).
  if (p.match < s.log.last || p.state === "probe") sendAppend(s, p, true);
  s.reads.acknowledged(s, p, m.round);
}

function hear(s: RaftState, p: Progress): void {
  p.contactAt = s.now;
  p.heard = true;
}

/** The heartbeat is due. */
export function leaderHeartbeat(s: RaftState): void {
  s.reads.beginRound(s);
  for (const p of s.tracker.peers) {
    if (p.departedAt === 0) continue;
    // C10: it holds its removal, and was told twice that it is committed.
    const knows = p.match >= p.departedAt && s.commit >= p.departedAt;
    if (knows || s.now >= p.departBy) s.tracker.drop(p.id);
  }
  s.outbox.hintCommit();
  leaveJointByItself(s);
}

/** A leader that did not hear a quorum for T steps down (thesis §6.2). */
export function checkQuorum(s: RaftState): void {
  const contact = s.tracker.quorum("contactAt") + s.settings.electionTimeoutMs;
  if (contact > s.now) s.quorumCheckAt = Math.min(contact, s.now + s.settings.electionTimeoutMs);
  else becomeFollower(s, s.term, undefined);
}

/** The transport could not reach a follower: what was sent on trust may be lost. */
export function unreachable(s: RaftState, id: string): void {
  const p = s.role === "leader" ? s.tracker.of(id) : undefined;
  if (p?.state === "replicate" && id !== s.id) p.becomeProbe();
}
