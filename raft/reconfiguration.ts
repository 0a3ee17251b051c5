/**
 * A leader's changes of the group (§6; thesis §4). A configuration is in force from its append on. Rules C1 to C10.
 *
 * @module
 */
import { encodeConfig, isJoint, isVoter } from "./config.ts";
import { changedConfig, leftJoint } from "./config_change.ts";
import type { ConfigChange, RejectReason } from "./contract.ts";
import type { ClusterConfig, Index } from "./entry.ts";
import { advanceCommit, appendToLog, broadcastAppend, broadcastCommit } from "./replication.ts";
import { hasCommittedInTerm, type RaftState } from "./state.ts";
import { endTransfer } from "./transfer.ts";

/** Appends a change, or says why not. */
export function changeConfig(
  s: RaftState,
  proposal: number,
  change: ConfigChange,
  expectedConfigIndex: Index | undefined,
): void {
  const reject = (reason: RejectReason, detail: string) =>
    s.outbox.reject(proposal, reason, detail, s.leader);
  if (s.role !== "leader") return reject("notLeader", "");
  if (s.transfer !== undefined) return reject("transferring", "");
  const { latest } = s.configs;
  if (expectedConfigIndex !== undefined && expectedConfigIndex !== latest.index) {
    return reject("configChanged", `the latest configuration stands at ${latest.index}`);
  }
  if (latest.index > s.commit) {
    return reject("configPending", `the change at ${latest.index} is not committed`);
  }
  if (!hasCommittedInTerm(s)) {
    return reject("configPending", "this reign has not committed anything yet");
  }
  const result = changedConfig(latest.config, change);
  if (!result.ok) return reject("configIllegal", result.detail);
  const data = encodeConfig(result.config);
  if (data.length > s.settings.maxEntryBytes) {
    return reject("tooLarge", `the configuration takes ${data.length} bytes`);
  }
  s.outbox.push({ type: "proposed", proposal, firstIndex: s.log.last + 1, term: s.term });
  appendConfig(s, result.config, data);
}

/**
 * Ends a joint phase that ends by itself, once it is committed; whoever leads then does it (C6), after an entry of its own
 * (C2). Not during a transfer.
 */
export function leaveJointByItself(s: RaftState): void {
  const { latest } = s.configs;
  if (s.role !== "leader" || s.transfer !== undefined || !hasCommittedInTerm(s)) return;
  if (!latest.config.autoLeave || !isJoint(latest.config) || latest.index > s.commit) return;
  const config = leftJoint(latest.config);
  appendConfig(s, config, encodeConfig(config));
}

function appendConfig(s: RaftState, config: ClusterConfig, data: Uint8Array): void {
  const index = s.log.last + 1;
  appendToLog(s, [{ index, term: s.term, kind: "config", data }]);
  s.configs.push({ index, config });
  s.tracker.adopt(config, index, index, s.now, s.now + 10 * s.settings.electionTimeoutMs);
  s.reads.changeConfig();
  const { transfer } = s;
  if (transfer !== undefined && !isVoter(config, transfer.to)) endTransfer(s, false, "noTarget");
  // C8: the quorum may have shrunk, and who is new waits for its first append.
  const advanced = advanceCommit(s);
  if (s.role !== "leader") return;
  if (advanced) broadcastCommit(s);
  else broadcastAppend(s);
  s.reads.confirm(s);
}
