/**
 * What is checked of a peer's message before a rule sees it (L12). A codec has checked the shape; this holds for messages from any source.
 *
 * @module
 */
import { configFault, decodeConfig, idFault } from "./config.ts";
import type { Entry, NodeId, SnapshotMeta } from "./entry.ts";
import type { AppendMessage, Message } from "./message.ts";
import { hardMaxEntryBytes } from "./options.ts";

/** Terms beyond are refused: one more than the largest number is the same number, and the group could elect nobody any more. */
export const maxTerm = 2 ** 52;

/** Says what is wrong with a message to `self`; `undefined` when nothing is. Never throws. */
export function messageFault(m: Message, self: NodeId): string | undefined {
  if (m.to !== self) return `it is for ${m.to}`;
  if (idFault(m.from) !== undefined || m.from === self) return "its sender is impossible";
  if (!isCount(m.term) || m.term > maxTerm) return "its term is out of range";
  const outlivesTerms = m.type === "readIndex" || m.type === "readIndexReply";
  if (outlivesTerms ? m.term !== 0 : m.term === 0) return "its term is out of range";
  switch (m.type) {
    case "append":
      return appendFault(m);
    case "appendReply":
      return isBoolean(m.rejected) && isCount(m.index) && isCount(m.hintIndex) &&
          isCount(m.hintTerm)
        ? undefined
        : "a number is out of range";
    case "heartbeat":
      return isCount(m.commit) && isCount(m.round) ? undefined : "a number is out of range";
    case "heartbeatReply":
      return isCount(m.round) ? undefined : "a number is out of range";
    case "vote":
      return isCount(m.lastIndex) && isCount(m.lastTerm) && m.lastTerm <= m.term &&
          isBoolean(m.preVote) && isBoolean(m.transfer)
        ? undefined
        : "a number is out of range";
    case "voteReply":
      return isBoolean(m.preVote) && isBoolean(m.granted) ? undefined : "a flag is missing";
    case "timeoutNow":
      return undefined;
    case "snapshot":
      return snapshotFault(m.meta, m.term);
    case "readIndex":
      return isCount(m.read) ? undefined : "a number is out of range";
    case "readIndexReply":
      return isCount(m.read) && isCount(m.index) ? undefined : "a number is out of range";
    default:
      m satisfies never;
      return "its type is unknown";
  }
}

/** Says what is wrong with a snapshot that a leader of `term` sends. */
export function snapshotFault(meta: SnapshotMeta, term: number): string | undefined {
  if (typeof meta !== "object" || meta === null) return "it has no snapshot";
  if (!isCount(meta.index) || meta.index === 0) return "the snapshot's index is out of range";
  if (!isCount(meta.term) || meta.term === 0 || meta.term > term) {
    return "the snapshot's term is out of range";
  }
  if (!isCount(meta.configIndex) || meta.configIndex > meta.index) {
    return "the snapshot's configuration stands after it";
  }
  if (typeof meta.id !== "string" || !/^[a-z0-9-]{1,255}$/.test(meta.id)) {
    return "the snapshot's id is malformed";
  }
  const fault = configFault(meta.config);
  return fault === undefined ? undefined : `the snapshot's configuration is illegal: ${fault}`;
}

function appendFault(m: AppendMessage): string | undefined {
  if (!isCount(m.prevIndex) || !isCount(m.prevTerm) || !isCount(m.commit)) {
    return "a number is out of range";
  }
  if (m.prevTerm > m.term || (m.prevIndex === 0) !== (m.prevTerm === 0)) {
    return "the term before its entries is out of range";
  }
  if (!Array.isArray(m.entries)) return "it has no entries";
  if (m.prevIndex + m.entries.length > Number.MAX_SAFE_INTEGER) return "its entries are too many";
  return entriesFault(m.entries, m.prevIndex, m.prevTerm, m.term);
}

/** Says what is wrong with entries that follow a position: contiguous, terms not falling and at most `maxTerm`, kinds and sizes. */
export function entriesFault(
  entries: readonly Entry[],
  prevIndex: number,
  prevTerm: number,
  lastTerm: number,
): string | undefined {
  let term = Math.max(1, prevTerm);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (typeof entry !== "object" || entry === null) return "an entry is missing";
    if (entry.index !== prevIndex + 1 + i) return `entry ${entry.index} is out of place`;
    if (!Number.isSafeInteger(entry.term) || entry.term < term || entry.term > lastTerm) {
      return `the term of entry ${entry.index} is out of place`;
    }
    term = entry.term;
    if (!(entry.data instanceof Uint8Array) || entry.data.length > hardMaxEntryBytes) {
      return `entry ${entry.index} is too large`;
    }
    if (entry.kind === "command") continue;
    if (entry.kind === "noop") {
      if (entry.data.length > 0) return `entry ${entry.index} is not empty`;
    } else if (entry.kind === "config") {
      try {
        decodeConfig(entry.data);
      } catch (error) {
        return `entry ${entry.index}: ${error instanceof Error ? error.message : error}`;
      }
    } else return `the kind of entry ${(entry as Entry).index} is unknown`;
  }
  return undefined;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}
