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
