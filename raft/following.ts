/**
 * A follower's side of replication (§5.3): what it takes over from a leader, and what it answers.
 *
 * @module
 */
import { decodeConfig } from "./config.ts";
import type { Index, Term } from "./entry.ts";
import type { AppendMessage, HeartbeatMessage } from "./message.ts";
import { appendToLog } from "./replication.ts";
import { halt, type RaftState } from "./state.ts";

/** Takes over entries after the first that differs, or says where the logs may match. */
export function receiveAppend(s: RaftState, m: AppendMessage): void {
  s.electionSince = s.now;
  const { log } = s;
  if (m.prevIndex <= s.commit && contradictsCommitted(s, m)) return;
  // L3: all up to the commit index matches every leader's log; what is committed is not touched.
  if (m.prevIndex < s.commit) {
    acknowledge(s, m.from, s.commit);
    return;
  }
  if (log.term(m.prevIndex) !== m.prevTerm) {
    const hint = log.lastAtOrBelow(Math.min(m.prevIndex, log.last), m.prevTerm);
    s.outbox.sendDurable({
      type: "appendReply",
      from: s.id,
      to: m.from,
      term: s.term,
      rejected: true,
      index: m.prevIndex,
      hintIndex: hint.index,
      hintTerm: hint.term,
    });
    return;
  }
  const { entries } = m;
  // A duplicate or an older append must not cut what followed it: only a difference does.
  let fresh = 0;
  if (m.prevIndex < log.last) {
    while (fresh < entries.length && log.term(entries[fresh]!.index) === entries[fresh]!.term) {
      fresh++;
    }
  }
  if (fresh < entries.length) {
    const { index } = entries[fresh]!;
    if (index <= log.last) {
      log.truncate(index);
      s.configs.truncate(index);
      s.outbox.truncate(index);
    }
    appendToLog(s, fresh === 0 ? entries : entries.slice(fresh));
    for (let i = fresh; i < entries.length; i++) {
      const entry = entries[i]!;
      if (entry.kind === "config") {
        s.configs.push({ index: entry.index, config: decodeConfig(entry.data) });
      }
    }
  }
  // L4: only what this message compared; what follows it in the own log may be an older leader's.
  const verified = m.prevIndex + entries.length;
  commitThrough(s, Math.min(m.commit, verified));
  acknowledge(s, m.from, verified);
}

/**
 * L3: every later leader holds what is committed. One that does not proves that a log was lost or forged, or that two groups
 * met: the node stops.
 */
function contradictsCommitted(s: RaftState, m: AppendMessage): boolean {
  const differs = (index: Index, term: Term) => {
    const own = s.log.term(index);
    if (own === undefined || own === term || index > s.commit) return false;
    halt(s, `${m.from} has term ${term} at ${index}, which is committed in term ${own}`);
    return true;
  };
  if (differs(m.prevIndex, m.prevTerm)) return true;
  for (let i = 0; i < m.entries.length && m.prevIndex + i < s.commit; i++) {
    if (differs(m.entries[i]!.index, m.entries[i]!.term)) return true;
  }
  return false;
}

/** The leader lives, and this much is known to match. */
export function receiveHeartbeat(s: RaftState, m: HeartbeatMessage): void {
  s.electionSince = s.now;
  if (m.commit > s.log.last) {
    s.outbox.refuse("beyondLog", `${m.from} commits ${m.commit} of ${s.log.last}`);
    return;
  }
  // The answer may give the leader a lease: it is kept whatever else is heard, of a later term as well (R5).
  if (s.settings.leaseReads) s.noVoteBefore = s.now + s.settings.electionTimeoutMs;
  commitThrough(s, m.commit);
  s.outbox.hintCommit();
  s.outbox.send({
    type: "heartbeatReply",
    from: s.id,
    to: m.from,
    term: s.term,
    round: m.round,
  });
}

/** Says that all up to `index` matches, once that is durable. */
export function acknowledge(s: RaftState, to: string, index: Index): void {
  s.outbox.sendDurable({
    type: "appendReply",
    from: s.id,
    to,
    term: s.term,
    rejected: false,
    index,
    hintIndex: 0,
    hintTerm: 0,
  });
}

/** The commit index never falls (L5). */
export function commitThrough(s: RaftState, index: Index): void {
  if (index > s.commit) s.commit = index;
}
