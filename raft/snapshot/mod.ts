/**
 * Where a member's snapshots live: in files, or in memory.
 *
 * @module
 */
export { FileSnapshotStore } from "./file_snapshot_store.ts";
export type { FileSnapshotStoreOptions } from "./file_snapshot_store.ts";
export { MemorySnapshotStore } from "./memory_snapshot_store.ts";
export type { FileSystem, OpenFile, OpenMode } from "../wal/file_system.ts";
export type {
  SnapshotDigest,
  SnapshotOrigin,
  SnapshotSink,
  SnapshotSource,
  SnapshotStore,
} from "../log_store.ts";
export { SnapshotCorruptError, StorageUnusableError } from "../storage_error.ts";
