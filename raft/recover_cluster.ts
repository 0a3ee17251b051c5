/**
 * The last resort, when a majority of the disks is gone for good.
 *
 * @module
 */
import process from "node:process";
import { type LogFields, type Logger, logtape } from "../membership/logger.ts";
import { decodeConfig, encodeConfig } from "./config.ts";
import type { ClusterConfig, Entry, Index, NodeId, Term } from "./entry.ts";
import type { LogStore, SnapshotStore } from "./log_store.ts";

/** Options of {@link recoverCluster}. */
export interface RecoverClusterOptions {
  /** The survivor. */
  readonly id: NodeId;
  /** Where it will be reached. */
  readonly address: string;
  /** Its log; opened and closed here. */
  readonly log: LogStore;
  /** Its snapshots; opened and closed here. */
  readonly snapshots: SnapshotStore;
  /** Spells out what is given up. Nothing else is accepted. */
  readonly iAcceptThat: "acknowledged writes may be lost and the other members never come back";
  /** Where to warn. Default: LogTape, and a warning of the process, which shows without any configuration. */
  readonly logger?: Logger;
}

/** What {@link recoverCluster} did. */
export interface RecoveredCluster {
  /** The only voter now. */
  readonly voter: NodeId;
  /** Members that belong to the group no more. */
  readonly given: readonly NodeId[];
  /** Where the new configuration stands: all before it counts as committed. */
  readonly index: Index;
  /** Its term. */
  readonly term: Term;
}

/**
 * Makes one survivor the only voter of its group, offline, so that the group can go on without the majority that it lost.
 *
 * **It breaks the promise of Raft.** Whatever the survivor's log holds counts as committed from then on, even what was refused to its
 * proposer; whatever it lacks is lost, even what was acknowledged. Choose the survivor with the latest term in its log and, among those,
 * the longest log. Wipe every other member first, for good: one that comes back with its old disk would elect a leader of the old group.
 * Then start the survivor and add members under new ids.
 *
 * @throws {TypeError} When the sentence is another.
 * @throws {Error} When the survivor was never a member with a log, or its stores refuse. Nothing changed.
 */
export async function recoverCluster(options: RecoverClusterOptions): Promise<RecoveredCluster> {
  const { id, address, log, snapshots, logger } = options;
  if (
    options.iAcceptThat !==
      "acknowledged writes may be lost and the other members never come back"
  ) {
    throw new TypeError(
      "Cannot recover a cluster as 'iAcceptThat' must spell out what is given up",
    );
  }
  try {
    const { hardState, entries, snapshot } = await log.open(() => snapshots.open());
    let config: ClusterConfig | undefined = snapshot?.config;
    for (const entry of entries) if (entry.kind === "config") config = decodeConfig(entry.data);
    if (config === undefined) {
      throw new Error(
        `Cannot recover a cluster as ${id} holds no configuration: it never was a member`,
      );
    }
    const index = (entries.at(-1)?.index ?? snapshot?.index ?? 0) + 1;
    const term = Math.max(hardState.term, entries.at(-1)?.term ?? 0, snapshot?.term ?? 0) + 1;
    const given = [
      ...new Set([...config.voters, ...config.votersOutgoing, ...config.learners]),
    ].filter((member) => member !== id).sort();
    warn(
      logger,
      "RECOVERING A CLUSTER BY HAND: acknowledged writes that only the lost members held are gone; wipe every other member before this one starts",
      { id, index, term, given },
    );
    const entry: Entry = {
      index,
      term,
      kind: "config",
      data: encodeConfig({
        voters: [id],
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
        autoLeave: false,
        addresses: [[id, address]],
      }),
    };
    await log.persist({
      type: "persist",
      token: 1,
      entries: [entry],
      hardState: { term, votedFor: undefined, commit: index },
      sync: true,
    });
    return Object.freeze({ voter: id, given, index, term });
  } finally {
    await log.close();
    await snapshots.close();
  }
}

/** Logs; without a logger of the caller's also to standard error, as LogTape is silent until somebody configures it. */
function warn(logger: Logger | undefined, message: string, fields: LogFields): void {
  (logger ?? logtape()).warn(message, fields);
  if (logger === undefined) process.emitWarning(`${message}: ${JSON.stringify(fields)}`);
}
