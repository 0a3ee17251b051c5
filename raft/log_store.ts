/**
 * Where a node's log, term, vote and snapshots live: the contract between the driver and what keeps them.
 *
 * ```txt
 * start     log.open(() => snapshots.open()) ──► locked ──► metas ──► Recovered ──► the core
 * running   persist effect ──► log.persist(effect) ──► resolves ──► `persisted` input
 * snapshot  snapshots.create(meta), write…, commit() ──► `snapshotTaken` ──► persist effect with the mark ──► compact effect
 *           ──► log.compact(through), snapshots.retain(count, mark)
 * ```
 *
 * The order of the last line is the safety of snapshots (S8): the file is durable before the log names it, and the log is cut only after
 * that. A crash between any two steps leaves the old state or the new one.
 *
 * @module
 */
import type { RaftEffect, Recovered } from "./contract.ts";
import type { Index, NodeId, SnapshotMeta, Term } from "./entry.ts";

/** The effect that a log store performs. */
export type Persist = Extract<RaftEffect, { readonly type: "persist" }>;

/** What a log was found to hold. */
export interface RecoveredLog extends Recovered {
  /** Bytes of an unfinished last write that were cut off. They were never acknowledged. */
  readonly tornBytes: number;
}

/** What a log store found at start. */
export interface OpenedLog extends RecoveredLog {
  /** Drawn at random when the store began, at most 64 bytes: a store that was emptied is another one, and has forgotten its votes. */
  readonly storageId: string;
  /** What {@link LogStore.remember} was last given. */
  readonly knownStorages: readonly KnownStorage[];
}

/** Whose storage was seen. */
export interface KnownStorage {
  /** The member. */
  readonly id: NodeId;
  /** The {@link OpenedLog.storageId} that it has. */
  readonly storageId: string;
  /** Index of the configuration in which it was seen. */
  readonly since: Index;
}

/** Snapshots that a store verified, or what finds them: called when nobody else can change them any more. */
export type FoundSnapshots =
  | readonly SnapshotMeta[]
  | (() => Promise<readonly SnapshotMeta[]>);

/** Counts since {@link LogStore.open}, and sizes now. */
export interface LogStoreStats {
  /** Calls of `persist` that were answered. */
  readonly batches: number;
  /** Entries written. */
  readonly entries: number;
  /** Bytes written to the log, with framing. */
  readonly bytesWritten: number;
  /** Times that the disk was made durable for batches. `entries / syncs` is the gain of group commit. */
  readonly syncs: number;
  /** Those of them that were done in line, on the event loop. */
  readonly inlineSyncs: number;
  /** How long the last of them took, in milliseconds. */
  readonly lastSyncMs: number;
  /** Calls of `persist` that wait. */
  readonly pendingBatches: number;
  /** Bytes that wait. */
  readonly pendingBytes: number;
  /** Files of the log. */
  readonly segments: number;
  /** First index held; `lastIndex + 1` when there is none. */
  readonly firstIndex: Index;
  /** Last index held, durable or not. */
  readonly lastIndex: Index;
}

/**
 * Keeps entries and hard state through crashes.
 *
 * Any error of the medium is final: it rejects what waits with {@link StoragePoisonedError} and everything after. A write is never tried
 * again: Linux reports a failed `fsync` once, and a second one "succeeds" without the data.
 */
export interface LogStore {
  /**
   * Recovers what was acknowledged. Once only.
   *
   * @param snapshots What the snapshot store verified, in any order; a function is called once the store is this process's alone. The
   * recovered snapshot is the newest of them that the log knows: marked in it, or taken at an entry that it holds.
   * @throws {WalCorruptError} Something acknowledged is lost or damaged: refuse to start.
   */
  open(snapshots?: FoundSnapshots): Promise<OpenedLog>;
  /**
   * Writes one effect as one atom. Call in the order of the effects, without waiting: what waits together becomes durable together.
   * Resolves in the order of the calls, once it and all before it are durable; with `sync: false`, and without anything to write, once
   * all before it are.
   *
   * @throws {StoragePoisonedError} It may or may not be on disk; nothing will ever be written again.
   */
  persist(effect: Persist): Promise<void>;
  /**
   * Frees what holds only entries up to and including `through`. A snapshot at or after `through` must be marked. Entries before it may
   * stay for long.
   */
  compact(through: Index): Promise<void>;
  /**
   * Keeps which storages the other members have, in place of what it kept before. Resolves once that is durable. One call at a time.
   *
   * @throws {Error} When it cannot be kept. The log is as before.
   */
  remember(storages: readonly KnownStorage[]): Promise<void>;
  /** Waits for what was handed over, marks a clean end and lets go. Safe to call twice. */
  close(): Promise<void>;
  /** The same as {@link LogStore.close}. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Counts and sizes. */
  readonly stats: LogStoreStats;
}

/** A snapshot that is being written. Exactly one of `commit` and `abort` ends it. */
export interface SnapshotSink {
  /** What it will be. */
  readonly meta: SnapshotMeta;
  /** Bytes of state written. When receiving, those of an earlier try included: go on from here. */
  readonly offset: number;
  /** Appends bytes of the state. One at a time: wait for the last. The bytes may be reused once it resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes it durable and visible, atomically.
   *
   * @param expected What the sender says of the whole; a mismatch aborts.
   * @throws {SnapshotCorruptError} It is not what was expected. The store is as before.
   */
  commit(expected?: SnapshotDigest): Promise<void>;
  /** Drops it. After `commit`, nothing. */
  abort(): Promise<void>;
  /** Received only: stops and keeps the bytes, for {@link SnapshotStore.receive} to go on. One that is not received is dropped. */
  suspend(): Promise<void>;
}

/** What a whole state is checked against. */
export interface SnapshotDigest {
  /** Bytes of state. */
  readonly sizeBytes: number;
  /** SHA-256 of the state, 32 bytes. */
  readonly sha256: Uint8Array;
}

/** A snapshot that is being read. */
export interface SnapshotSource extends AsyncIterable<Uint8Array> {
  /** What it is. */
  readonly meta: SnapshotMeta;
  /** What the whole state is checked against. */
  readonly digest: SnapshotDigest;
  /** Lets go of it; ending the iteration does so too. It can be read to its end although its store has dropped it. */
  close(): Promise<void>;
}

/** From whom a snapshot is being received. */
export interface SnapshotOrigin {
  /** The sender. */
  readonly leader: NodeId;
  /** The sender's term. */
  readonly term: Term;
}

/** Keeps whole states of the state machine. */
export interface SnapshotStore {
  /** Drops what was unfinished, verifies the rest. Newest first. Once only. */
  open(): Promise<readonly SnapshotMeta[]>;
  /** The newest one at or after `atLeast`. @param atLeast @default {0} */
  latest(atLeast?: Index): SnapshotMeta | undefined;
  /** Begins one of the own state machine. */
  create(meta: SnapshotMeta): Promise<SnapshotSink>;
  /**
   * Begins or resumes one from a leader. Bytes are kept by leader, term and id together; anything else begins anew and drops what an
   * earlier leader left.
   */
  receive(meta: SnapshotMeta, origin: SnapshotOrigin): Promise<SnapshotSink>;
  /**
   * Reads one.
   *
   * @param options.offset First byte of the state to give. @default {0}
   * @throws {SnapshotCorruptError} While reading: a chunk does not verify.
   * @throws {RangeError} There is none of that id, or the offset is beyond its end.
   */
  read(id: string, options?: { readonly offset?: number }): Promise<SnapshotSource>;
  /**
   * Drops all but the newest `count` at or before `marked`. What is newer than `marked` stays: the log may not know it yet.
   *
   * @param count At least 1; 2 or more leaves one to fall back on.
   * @param marked Index of the newest snapshot that the log durably names.
   */
  retain(count: number, marked: Index): Promise<void>;
  /** Drops one; nothing if there is none. */
  remove(id: string): Promise<void>;
  /** Lets go. Unfinished sinks are dropped. */
  close(): Promise<void>;
  /** The same as {@link SnapshotStore.close}. */
  [Symbol.asyncDispose](): Promise<void>;
}
