/**
 * From a node's options to its core.
 *
 * @module
 */
import { bootstrapState } from "../bootstrap.ts";
import { RaftCore } from "../core.ts";
import type { Entry } from "../entry.ts";
import { AlreadyBootstrappedError } from "../errors.ts";
import type { OpenedLog } from "../log_store.ts";
import type { Founder, ResolvedRaftNodeOptions } from "../node_options.ts";

/** Bytes that a command's session may add to it. */
export const COMMAND_OVERHEAD_BYTES = 512;

/** Creates the core of a node. @throws {RecoveredStateError} When what was recovered contradicts itself. */
export function createCore<Result>(
  options: ResolvedRaftNodeOptions<Result>,
  recovered: OpenedLog,
): RaftCore {
  return new RaftCore({
    id: options.id,
    recovered,
    random: options.random,
    now: options.clock.now(),
    heartbeatMs: options.heartbeatIntervalMs,
    electionTimeoutMs: options.electionTimeoutMs,
    leaseReads: options.leaseReads,
    maxClockDrift: options.maxClockDrift,
    maxEntryBytes: options.maxCommandBytes + COMMAND_OVERHEAD_BYTES,
    maxAppendBytes: options.maxBatchBytes,
    maxAppendEntries: options.maxBatchCommands,
    // The node's own bound holds proposals back before the core has to refuse them.
    maxUncommittedBytes: options.maxUnappliedBytes * 2,
    maxPendingReads: options.maxPendingReads,
    trailingEntries: options.trailingEntries,
  });
}

/**
 * Founds the group in an empty store; looks whether a store that is not empty was founded alike.
 *
 * @throws {AlreadyBootstrappedError} When it was not.
 */
export async function foundation(
  { log, bootstrap }: Pick<ResolvedRaftNodeOptions<never>, "log" | "bootstrap">,
  opened: OpenedLog,
): Promise<OpenedLog> {
  if (bootstrap === undefined) return opened;
  const { hardState, entries } = bootstrapState(bootstrap);
  if (isEmpty(opened)) {
    await log.persist({ type: "persist", token: 0, entries, hardState, sync: true });
    return { ...opened, hardState, entries };
  }
  const first = opened.entries[0];
  if (first === undefined && opened.snapshot === undefined) {
    throw new AlreadyBootstrappedError(
      `Cannot found a group of ${
        names(bootstrap)
      } as the log has taken part in another group's elections: it waits to be added there`,
    );
  }
  // Once the first entry is cut off there is nothing to compare with.
  if (first?.index === 1 && !isSame(first, entries[0]!)) {
    throw new AlreadyBootstrappedError(
      `Cannot found a group of ${
        names(bootstrap)
      } as the log was founded with other members, or joined another group`,
    );
  }
  return opened;
}

function isEmpty({ hardState, entries, snapshot }: OpenedLog): boolean {
  return entries.length === 0 && snapshot === undefined && hardState.term === 0;
}

function isSame(a: Entry, b: Entry): boolean {
  return a.term === b.term && a.kind === b.kind && a.data.length === b.data.length &&
    a.data.every((byte, i) => byte === b.data[i]);
}

function names(founders: readonly Founder[]): string {
  return founders.map(({ id }) => id).join(", ");
}
