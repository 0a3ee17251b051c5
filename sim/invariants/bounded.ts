import type { Watcher } from "../observation.ts";
import { ViolationError } from "../violation.ts";

/** Bytes of one node in a push/pull: its record and its state, with a name of a few letters. */
const RECORD_BYTES = 300;

/** What a node holds and sends grows with the names there were, not with what was said about them. */
export function bounded(): Watcher {
  const names = new Map<string, Set<string>>();
  const fail = (detail: string): never => {
    throw new ViolationError("bounded", detail);
  };
  return {
    started({ name, clusterName }) {
      names.set(clusterName, (names.get(clusterName) ?? new Set()).add(name));
    },
    stepped(life) {
      const count = names.get(life.clusterName)!.size;
      const { alive, suspect, dead, left, queuedBroadcasts } = life.stats;
      const records = alive + suspect + dead + left;
      if (records > count) fail(`${life.name} holds ${records} records of ${count} names`);
      // News of a member, its own refutations, and its state.
      if (queuedBroadcasts > 2 * count + 1) {
        fail(`${life.name} holds ${queuedBroadcasts} broadcasts about ${count} names`);
      }
    },
    written({ from, bytes }) {
      const most = RECORD_BYTES * (names.get(from.clusterName)!.size + 1);
      if (bytes.length > most) fail(`${from.name} sends ${bytes.length} bytes of state`);
    },
  };
}
