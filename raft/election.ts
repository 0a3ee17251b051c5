/**
 * Elections: campaigns, votes, terms (§5.2, §5.4; thesis §9.6). Rules E1 to E16.
 *
 * @module
 */
import { isVoter } from "./config.ts";
import type { NodeId, Term } from "./entry.ts";
import type { VoteMessage, VoteReplyMessage } from "./message.ts";
import { maxTerm } from "./message_check.ts";
import { jointVote } from "./quorum.ts";
import { advanceCommit, appendToLog, broadcastAppend } from "./replication.ts";
import type { RaftState } from "./state.ts";
import { endTransfer } from "./transfer.ts";

const noData = new Uint8Array(0);

/** Begins the time until the next campaign (E14). */
export function resetElectionTimer(s: RaftState): void {
  s.electionSince = s.now;
  s.electionAfterMs = s.settings.electionTimeoutMs * (1 + s.random());
}

/**
 * Whether this node may campaign (E11): a voter with its state machine in place. One that the latest configuration takes out
 * may as well, until it knows that to be committed (thesis §4.2.2): it may hold the only copy, and then nobody else can win.
 */
export function isPromotable(s: RaftState): boolean {
  // In the last term there is, another could only be refused.
  if (s.restoring !== undefined || s.term >= maxTerm) return false;
  const { latest } = s.configs;
  if (isVoter(latest.config, s.id)) return true;
  return latest.index > s.commit && isVoter(s.configs.at(s.commit).config, s.id);
}

/** Whether a leader is known to be alive, so that nobody needs a vote (E7). A leader holds itself to it. */
export function isInLease(s: RaftState): boolean {
  if (!s.settings.checkQuorum) return false;
  if (s.role === "leader") return s.now < s.quorumCheckAt;
  return s.leader !== undefined && s.now - s.electionSince < s.settings.electionTimeoutMs;
}

/**
 * Follows, in this term or a later one. The vote is forgotten only with a later term (E3). Whatever the node did in its old role ends.
 */
export function becomeFollower(s: RaftState, term: Term, leader: NodeId | undefined): void {
  const wasLeader = s.role === "leader";
  if (term > s.term) {
    s.term = term;
    s.votedFor = undefined;
  }
  if (wasLeader && s.transfer !== undefined && leader === undefined && !s.transfer.told) {
    endTransfer(s, false, "steppedDown");
  }
  s.role = "follower";
  s.candidacyToken = 0;
  resetElectionTimer(s);
  followLeader(s, leader);
  if (wasLeader) s.reads.loseLeadership(s);
}

/** Notes who leads this term. */
export function followLeader(s: RaftState, leader: NodeId | undefined): void {
  if (leader !== s.leader) s.reads.changeLeader(s);
  s.leader = leader;
  if (leader !== undefined && leader !== s.id && s.transfer !== undefined) {
    endTransfer(s, true, "");
  }
}

/** The election timeout passed, or the user asks: asks for pre-votes first, if so set. A leader stays one. */
export function campaign(s: RaftState): void {
  if (s.role === "leader" || !isPromotable(s)) return;
  if (s.settings.preVote) preCampaign(s);
  else runForLeader(s, false);
}

function preCampaign(s: RaftState): void {
  s.role = "preCandidate";
  s.candidacyToken = 0;
  followLeader(s, undefined);
  resetElectionTimer(s);
  s.votes = new Map();
  askForVotes(s, true, false);
  // A pre-vote asserts nothing, the own one neither: no write precedes it.
  countVote(s, s.id, true);
}

/** Begins a term as its candidate. `transfer`: at the leader's wish, so that leases do not stand in the way. */
export function runForLeader(s: RaftState, transfer: boolean): void {
  s.role = "candidate";
  s.term++;
  s.votedFor = s.id;
  followLeader(s, undefined);
  resetElectionTimer(s);
  s.votes = new Map();
  // The write of this step; the own vote counts once it is durable (E13).
  s.candidacyToken = s.log.token + 1;
  askForVotes(s, false, transfer);
}

function askForVotes(s: RaftState, preVote: boolean, transfer: boolean): void {
  const { voters, votersOutgoing } = s.configs.latest.config;
  const all = votersOutgoing.length === 0
    ? voters
    : [...new Set([...voters, ...votersOutgoing])].sort();
  for (const to of all) {
    if (to === s.id) continue;
    const message: VoteMessage = {
      type: "vote",
      from: s.id,
      to,
      term: preVote ? s.term + 1 : s.term,
      lastIndex: s.log.last,
      lastTerm: s.log.lastTerm,
      preVote,
      transfer,
    };
    // E2: were the candidacy not durable first, a crash would let this node lead the same term twice.
    if (preVote) s.outbox.send(message);
    else s.outbox.sendDurable(message);
  }
}

/** A write was acknowledged; perhaps the one that holds the own candidacy. */
export function candidacyDurable(s: RaftState, token: number): void {
  if (s.candidacyToken === 0 || s.candidacyToken > token || s.role !== "candidate") return;
  s.candidacyToken = 0;
  countVote(s, s.id, true);
}

/** Answers a request for a vote. The term was looked at before. */
export function answerVote(s: RaftState, m: VoteMessage): void {
  // For a term to come nothing is given away, so whoever could win may have it (E8).
  const free = (m.preVote && m.term > s.term) || s.votedFor === m.from ||
    (s.votedFor === undefined && s.leader === undefined);
  const granted = free && s.log.isUpToDate(m.lastIndex, m.lastTerm);
  if (granted && !m.preVote) {
    s.votedFor = m.from;
    s.electionSince = s.now;
  }
  s.outbox.sendDurable({
    type: "voteReply",
    from: s.id,
    to: m.from,
    term: granted ? m.term : s.term,
    preVote: m.preVote,
    granted,
  });
}

/**
 * Counts a vote that was asked for in this role; others came too late. But a grant of an earlier pre-vote for the same term: it carries no
 * round. That costs at most one candidacy that finds no votes, and each grant does so once; who leads is for real votes to say.
 */
export function receiveVote(s: RaftState, m: VoteReplyMessage): void {
  if (m.preVote) {
    if (s.role !== "preCandidate" || (m.granted && m.term !== s.term + 1)) return;
  } else if (s.role !== "candidate") return;
  if (!isVoter(s.configs.latest.config, m.from)) return;
  countVote(s, m.from, m.granted);
}

function countVote(s: RaftState, from: NodeId, granted: boolean): void {
  if (!s.votes.has(from)) s.votes.set(from, granted);
  const { voters, votersOutgoing } = s.configs.latest.config;
  const result = jointVote(voters, votersOutgoing, s.votes);
  if (result === "won") {
    if (s.role === "preCandidate") runForLeader(s, false);
    else becomeLeader(s);
  } else if (result === "lost") becomeFollower(s, s.term, undefined);
}

function becomeLeader(s: RaftState): void {
  s.role = "leader";
  s.candidacyToken = 0;
  followLeader(s, s.id);
  resetElectionTimer(s);
  s.uncommittedBytes = 0;
  if (s.transfer !== undefined) endTransfer(s, false, "steppedDown");
  s.heartbeatAt = s.now + s.settings.heartbeatMs;
  s.quorumCheckAt = s.now + s.settings.electionTimeoutMs;
  s.tracker.begin(s.configs.latest.config, s.log.last + 1, s.now);
  s.reads.beginReign();
  const own = s.tracker.of(s.id);
  if (own !== undefined) {
    own.becomeReplicate();
    own.match = s.log.durable;
    own.next = s.log.last + 1;
    // It always hears itself.
    own.ackedRound = Infinity;
    own.contactAt = Infinity;
  }
  // E15: with an entry of its own term it commits what earlier leaders left behind (§8).
  appendToLog(s, [{ index: s.log.last + 1, term: s.term, kind: "noop", data: noData }]);
  broadcastAppend(s);
  advanceCommit(s);
}
