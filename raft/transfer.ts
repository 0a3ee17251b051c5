/**
 * Handing over leadership (thesis §3.10). Rule E16.
 *
 * @module
 */
import { isVoter } from "./config.ts";
import type { RaftEffect } from "./contract.ts";
import { isPromotable, runForLeader } from "./election.ts";
import type { NodeId } from "./entry.ts";
import type { TimeoutNowMessage } from "./message.ts";
import { sendAppend } from "./replication.ts";
import { leaveJointByItself } from "./reconfiguration.ts";
import type { RaftState } from "./state.ts";

type EndReason = Extract<RaftEffect, { type: "transferEnded" }>["reason"];

/** Begins to hand over, to a voter or to the voter that is most caught up. */
export function beginTransfer(s: RaftState, wished: NodeId | undefined): void {
  const ended = (ok: boolean, reason: EndReason) =>
    s.outbox.push({ type: "transferEnded", ok, reason });
  if (s.role !== "leader") return ended(false, "notLeader");
  if (wished === s.id) return ended(true, "");
  const to = wished ?? mostCaughtUp(s);
  if (to === undefined || !isVoter(s.configs.latest.config, to)) return ended(false, "noTarget");
  // The same wish again must not extend the time.
  if (s.transfer?.to === to) return;
  if (s.transfer !== undefined) endTransfer(s, false, "replaced");
  s.transfer = { to, deadline: s.now + s.settings.electionTimeoutMs, told: false };
  tellSuccessor(s);
  const p = s.tracker.of(to)!;
  if (!s.transfer.told && p.state !== "snapshot") {
    p.paused = false;
    sendAppend(s, p, true);
  }
}

function mostCaughtUp(s: RaftState): NodeId | undefined {
  const { config } = s.configs.latest;
  let best: NodeId | undefined;
  let match = -1;
  for (const p of s.tracker.peers) {
    const isFresh = s.now - p.contactAt < s.settings.electionTimeoutMs;
    if (isFresh && p.match > match && isVoter(config, p.id)) {
      best = p.id;
      match = p.match;
    }
  }
  return best;
}

/** Tells the successor to campaign, once it holds all of the log. */
export function tellSuccessor(s: RaftState): void {
  const { transfer } = s;
  if (transfer === undefined || transfer.told || s.role !== "leader") return;
  if (s.tracker.of(transfer.to)?.match !== s.log.last) return;
  transfer.told = true;
  // The word may arrive late: no lease can be relied on in this reign any more (R5).
  s.reads.endLeases();
  s.outbox.send({ type: "timeoutNow", from: s.id, to: transfer.to, term: s.term });
}

/** Ends a transfer, one way or the other. */
export function endTransfer(s: RaftState, ok: boolean, reason: EndReason): void {
  s.transfer = undefined;
  s.outbox.push({ type: "transferEnded", ok, reason });
}

/** It took too long: proposals are taken again. */
export function expireTransfer(s: RaftState): void {
  endTransfer(s, false, "timeout");
  leaveJointByItself(s);
}

/** The leader of this term asks this node to succeed it: no pre-vote, no lease stands in the way. */
export function receiveTimeoutNow(s: RaftState, m: TimeoutNowMessage): void {
  if (s.role === "leader" || !isPromotable(s)) return;
  if (s.leader !== undefined && s.leader !== m.from) {
    s.outbox.refuse("notLeader", `${m.from} does not lead term ${s.term}`);
    return;
  }
  runForLeader(s, true);
}
