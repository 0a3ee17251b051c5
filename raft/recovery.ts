import { decodeConfig, emptyConfig } from "./config.ts";
import { ConfigHistory } from "./config_change.ts";
import type { Recovered } from "./contract.ts";
import type { EntryId } from "./log.ts";
import { RaftLog } from "./log.ts";
import { entriesFault, maxTerm, snapshotFault } from "./message_check.ts";

/** What a store gave back contradicts itself: acknowledged entries are lost, or are not what they were. The node must not start. */
export class RecoveredStateError extends Error {
  /** Always `"RecoveredStateError"`. */
  override readonly name = "RecoveredStateError";
}

/**
 * The log and the configurations of what a store gave back.
 *
 * @throws {RecoveredStateError} When it contradicts itself, such as a log that ends before its commit index (L5): the cheapest
 * sign of a lost end.
 */
export function recoverLog(recovered: Recovered): { log: RaftLog; configs: ConfigHistory } {
  const { hardState, snapshot } = recovered;
  const fail = (fault: string): never => {
    throw new RecoveredStateError(`Cannot start from the recovered state as ${fault}`);
  };
  const { term, commit } = hardState;
  if (!Number.isSafeInteger(term) || term < 0 || term > maxTerm) fail(`its term is ${term}`);
  if (snapshot !== undefined) {
    const fault = snapshotFault(snapshot, term);
    if (fault !== undefined) fail(fault);
  }
  const first = recovered.entries[0];
  const base: EntryId = snapshot ?? { index: 0, term: 0 };
  if (first !== undefined && !(first.index >= 1 && first.index <= base.index + 1)) {
    fail(`its log begins at ${first.index}, after its snapshot at ${base.index}`);
  }
  let offset = base;
  let entries = [...recovered.entries];
  if (first !== undefined) {
    const fault = entriesFault(entries, first.index - 1, 0, term);
    if (fault !== undefined) fail(fault);
    if (first.index === 1) offset = { index: 0, term: 0 };
    else if (first.index <= base.index) {
      // The term before the first is not known: it stands in for what comes before.
      offset = first;
      entries = entries.slice(1);
    } else {
      if (first.term < base.term) fail("its log is older than its snapshot");
    }
  }
  const log = new RaftLog({ index: offset.index, term: offset.term }, entries);
  if (log.last < base.index) fail(`its log ends at ${log.last}, before its snapshot`);
  if (snapshot !== undefined && log.term(snapshot.index) !== snapshot.term) {
    fail(`its log contradicts its snapshot at ${snapshot.index}`);
  }
  if (!Number.isSafeInteger(commit) || commit < 0 || commit > log.last) {
    fail(`its log ends at ${log.last}, before its commit index ${commit}`);
  }
  const configs = new ConfigHistory({
    index: snapshot?.configIndex ?? 0,
    config: snapshot?.config ?? emptyConfig,
  });
  for (const entry of entries) {
    if (entry.kind === "config" && entry.index > base.index) {
      configs.push({ index: entry.index, config: decodeConfig(entry.data) });
    }
  }
  return { log, configs };
}
