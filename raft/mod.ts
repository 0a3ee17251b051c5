/**
 * Consensus on a log (Raft): the pure core, its settings, and the contract with its driver.
 *
 * @module
 */
export * from "./entry.ts";
export * from "./message.ts";
export * from "./contract.ts";
export { RaftCore, type RaftCoreInit } from "./core.ts";
export {
  defaultRaftSettings,
  hardMaxEntryBytes,
  type Prng,
  type RaftOptions,
  type RaftSettings,
  raftSettings,
} from "./options.ts";
export {
  blankState,
  bootstrapFromSnapshot,
  type BootstrapMember,
  bootstrapState,
} from "./bootstrap.ts";
export {
  ConfigDecodeError,
  decodeConfig,
  emptyConfig,
  encodeConfig,
  isJoint,
  isMember,
  isVoter,
  membersOf,
} from "./config.ts";
export { changedConfig, type ConfigResult } from "./config_change.ts";
export { RecoveredStateError } from "./recovery.ts";
export { type MemberProgress, type RaftStatus } from "./status.ts";
export { type ProgressState } from "./progress.ts";
export { RaftNode } from "./raft_node.ts";
export type { CallOptions, ChangeOptions, ProposeOptions } from "./raft_node.ts";
export type { Founder, RaftNodeOptions } from "./node_options.ts";
export type { RaftNodeStats, RaftNodeStatus } from "./node_status.ts";
export type {
  ConfigChanged,
  RaftNodeEventMap,
  RaftRefusal,
  RoleChange,
  SnapshotStored,
} from "./node_events.ts";
export type { CommandSession } from "./driver/command.ts";
export type { Committed } from "./driver/pending.ts";
export type { AppliedCommand, ResultCodec, StateMachine } from "./state_machine.ts";
export { AlreadyBootstrappedError, ProposalError, ReadError, TransferError } from "./errors.ts";
export type { LeaderHint, ProposalFailure, ProposalOutcome } from "./errors.ts";
export type { RaftDriverStats } from "./driver.ts";
export type { RaftTransportLimits, RaftTransportStats } from "./transport.ts";
export { recoverCluster } from "./recover_cluster.ts";
export type { RecoverClusterOptions, RecoveredCluster } from "./recover_cluster.ts";
export type {
  FoundSnapshots,
  KnownStorage,
  LogStore,
  LogStoreStats,
  OpenedLog,
  Persist,
  RecoveredLog,
  SnapshotDigest,
  SnapshotOrigin,
  SnapshotSink,
  SnapshotSource,
  SnapshotStore,
} from "./log_store.ts";
export {
  DirectoryLockedError,
  ForeignStorageError,
  SnapshotCorruptError,
  StoragePoisonedError,
  StorageUnusableError,
  WalCorruptError,
} from "./storage_error.ts";
export { MemoryLogStore } from "./wal/memory_log_store.ts";
export { FileLogStore, type FileLogStoreOptions } from "./wal/file_log_store.ts";
export { MemorySnapshotStore } from "./snapshot/memory_snapshot_store.ts";
export {
  FileSnapshotStore,
  type FileSnapshotStoreOptions,
} from "./snapshot/file_snapshot_store.ts";
export type { Clock } from "../membership/clock.ts";
export type { TypedEventTarget } from "../membership/events.ts";
export type { LogFields, Logger } from "../membership/logger.ts";
export type {
  Conn,
  DialOptions,
  SendOptions,
  Transport,
  TransportHandlers,
  TransportStats,
} from "../transport/transport.ts";
export type { LogDamage } from "./storage_error.ts";
export type { FileSystem, OpenFile, OpenMode } from "./wal/file_system.ts";
export type { LockOwner, ProcessTable } from "./wal/directory_lock.ts";
