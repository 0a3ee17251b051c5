/**
 * Where a member's log lives: in files, or in memory.
 *
 * @module
 */
export { FileLogStore } from "./file_log_store.ts";
export type { FileLogStoreOptions } from "./file_log_store.ts";
export { MemoryLogStore } from "./memory_log_store.ts";
export type { LockOwner, ProcessTable } from "./directory_lock.ts";
export type { FileSystem, OpenFile, OpenMode } from "./file_system.ts";
export type {
  FoundSnapshots,
  KnownStorage,
  LogStore,
  LogStoreStats,
  OpenedLog,
  Persist,
  RecoveredLog,
} from "../log_store.ts";
export {
  DirectoryLockedError,
  ForeignStorageError,
  StoragePoisonedError,
  StorageUnusableError,
  WalCorruptError,
} from "../storage_error.ts";
export type { LogDamage } from "../storage_error.ts";
