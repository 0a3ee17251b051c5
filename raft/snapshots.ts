/**
 * Snapshots and the compaction of the log (§7). Rules S1 to S9.
 *
 * @module
 */
import type { Index, NodeId, SnapshotMeta } from "./entry.ts";
import { acknowledge, commitThrough } from "./following.ts";
import type { SnapshotMessage } from "./message.ts";
import type { Progress } from "./progress.ts";
import type { RaftState } from "./state.ts";

/** Asks for the latest snapshot to be sent to a follower that needs what is compacted away. Not to one that is silent (L13). */
export function sendSnapshot(s: RaftState, p: Progress): boolean {
  const { snapshot } = s;
  if (snapshot === undefined || s.restoring !== undefined) return false;
  if (!p.heard || s.now - p.contactAt >= s.settings.electionTimeoutMs) return false;
  p.becomeSnapshot(snapshot.index);
  s.outbox.push({ type: "sendSnapshot", to: p.id, term: s.term, atLeast: snapshot.index });
  return true;
}

/** Sending ended. Either way the follower is asked where it stands after its next heartbeat's reply (S7). */
export function snapshotSent(s: RaftState, id: NodeId, ok: boolean): void {
  const p = s.role === "leader" ? s.tracker.of(id) : undefined;
  if (p?.state !== "snapshot") return;
  if (!ok) p.pendingSnapshot = 0;
  p.becomeProbe();
  p.paused = true;
}

/**
 * A whole snapshot is durable in the store: takes it over, unless it is old, or only says what the log knows (S2).
 *
 * Its configuration may lack this node (S3), which then learns that it cannot campaign (S4). A leader sends snapshots to
 * members only, so the entry that takes this node in, or takes it in again, follows; were the snapshot refused, the node could
 * never get there.
 */
export function receiveSnapshot(s: RaftState, m: SnapshotMessage): void {
  const { meta } = m;
  if (meta.index <= s.commit) {
    acknowledge(s, m.from, s.commit);
    return;
  }
  if (s.log.term(meta.index) === meta.term) {
    commitThrough(s, meta.index);
    acknowledge(s, m.from, meta.index);
    return;
  }
  s.log.reset(meta, s.commit);
  s.configs.reset({ index: meta.configIndex, config: meta.config });
  s.commit = meta.index;
  s.snapshot = meta;
  s.restoring = meta;
  s.applying = meta.index;
  s.pages.length = 0;
  s.applyingBytes = 0;
  s.outbox.mark(meta, true);
  s.outbox.pushDurable({ type: "restore", meta });
  acknowledge(s, m.from, meta.index);
}

/** The state machine holds a snapshot. */
export function restored(s: RaftState, index: Index): void {
  if (s.restoring?.index !== index) return;
  s.restoring = undefined;
  s.applied = index;
}

/**
 * A snapshot of the own state machine is durable: what it covers is dropped, but for some entries that slow followers may still want (S8).
 *
 * @throws {RangeError} When it covers what is not applied, or names another term. Nothing changed.
 */
export function snapshotTaken(s: RaftState, meta: SnapshotMeta): void {
  const { log, settings } = s;
  if (meta.index <= (s.snapshot?.index ?? 0) || s.restoring !== undefined) return;
  if (meta.index > s.applied || log.term(meta.index) !== meta.term) {
    throw new RangeError(
      `Cannot take a snapshot as it must be of an applied index and its term: current value is ${meta.index}`,
    );
  }
  s.snapshot = meta;
  s.outbox.mark(meta, false);
  let through = meta.index;
  let bytes = 0;
  for (; through > log.offset && meta.index - through < settings.trailingEntries; through--) {
    bytes += log.entry(through)!.data.length;
    if (bytes > settings.trailingBytes) break;
  }
  s.configs.compact(meta.index);
  if (through <= log.offset) return;
  log.compact(through);
  s.outbox.pushDurable({ type: "compact", through });
}
