import type { Entry } from "./entry.ts";
import { appendToLog, broadcastAppend } from "./replication.ts";
import type { RaftState } from "./state.ts";

/** Appends commands as one batch, or says why not: a batch is never split. */
export function propose(
  s: RaftState,
  proposal: number,
  commands: readonly Uint8Array[],
): void {
  const { outbox, settings } = s;
  if (s.role !== "leader") return outbox.reject(proposal, "notLeader", "", s.leader);
  if (s.transfer !== undefined) return outbox.reject(proposal, "transferring", "", s.leader);
  let bytes = 0;
  for (let i = 0; i < commands.length; i++) {
    const { length } = commands[i]!;
    if (length > settings.maxEntryBytes) {
      return outbox.reject(proposal, "tooLarge", `a command has ${length} bytes`, s.leader);
    }
    bytes += length;
  }
  // L11: what is alone or empty always goes, lest nothing ever could.
  const { uncommittedBytes } = s;
  if (
    uncommittedBytes > 0 && bytes > 0 && uncommittedBytes + bytes > settings.maxUncommittedBytes
  ) {
    return outbox.reject(
      proposal,
      "overloaded",
      `${uncommittedBytes} bytes are not applied yet`,
      s.leader,
    );
  }
  s.uncommittedBytes += bytes;
  const first = s.log.last + 1;
  const { term } = s;
  const entries = new Array<Entry>(commands.length);
  for (let i = 0; i < commands.length; i++) {
    entries[i] = { index: first + i, term, kind: "command", data: commands[i]! };
  }
  outbox.push({ type: "proposed", proposal, firstIndex: first, term });
  if (entries.length === 0) return;
  appendToLog(s, entries);
  broadcastAppend(s);
}
