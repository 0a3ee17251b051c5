/**
 * Handing committed entries to the state machine, a page at a time.
 *
 * @module
 */
import type { Index } from "./entry.ts";
import type { RaftState } from "./state.ts";

const entryOverheadBytes = 16;

/**
 * Hands out what is committed and durable here (L14), unless a snapshot is being restored (S6) or enough is being applied: a
 * durable state machine never is ahead of its log, and a slow one does not fill the memory.
 */
export function handOut(s: RaftState): void {
  if (s.restoring !== undefined) return;
  const limit = Math.min(s.commit, s.log.durable);
  const first = s.applying + 1;
  if (first > limit) return;
  let { applyingBytes } = s;
  let last = s.applying;
  let bytes = 0;
  let commandBytes = 0;
  while (last < limit) {
    const entry = s.log.entry(last + 1)!;
    const size = entry.data.length + entryOverheadBytes;
    if (applyingBytes > 0 && applyingBytes + size > s.settings.maxApplyingBytes) break;
    applyingBytes += size;
    bytes += size;
    if (entry.kind === "command") commandBytes += entry.data.length;
    last++;
  }
  if (last < first) return;
  s.applying = last;
  s.applyingBytes = applyingBytes;
  s.pages.push({ last, bytes, commandBytes });
  s.outbox.push({ type: "apply", entries: s.log.range(first, last) });
}

/** The state machine holds all up to `index`. */
export function applied(s: RaftState, index: Index): void {
  if (index > s.applying || s.restoring !== undefined) return;
  if (index > s.applied) s.applied = index;
  let count = 0;
  for (; count < s.pages.length && s.pages[count]!.last <= index; count++) {
    const page = s.pages[count]!;
    s.applyingBytes -= page.bytes;
    // Entries of former reigns were not counted in: the sum saturates (L11).
    s.uncommittedBytes = Math.max(0, s.uncommittedBytes - page.commandBytes);
  }
  if (count === 1) s.pages.shift();
  else if (count > 0) s.pages.splice(0, count);
}
