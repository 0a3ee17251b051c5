import type { SnapshotMeta } from "../entry.ts";
import type { SnapshotOrigin } from "../log_store.ts";

/**
 * Refuses an id that could not name a file.
 *
 * @throws {RangeError} It is not 1 to 64 lower-case letters, digits and `-`.
 */
export function checkSnapshotId(id: string): void {
  if (/^[a-z0-9-]{1,64}$/.test(id)) return;
  throw new RangeError(
    `Cannot name a snapshot as its id must be 1 to 64 of a-z, 0-9 and -: current value is ${
      JSON.stringify(id)
    }`,
  );
}

/** Orders snapshots: newest first. */
export function compareNewestFirst(a: SnapshotMeta, b: SnapshotMeta): number {
  return b.index - a.index || b.term - a.term || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** What must be equal for a broken-off transfer to go on: its bytes are one sender's. */
export function originKey(meta: SnapshotMeta, origin: SnapshotOrigin): string {
  return JSON.stringify([origin.leader, origin.term, meta.id, meta.index, meta.term]);
}
