/**
 * Whether a history of clients of a key-value store is linearizable: by search where only the clients are known, by replay where the
 * order of the log is.
 *
 * @module
 */
export { checkLinearizable, describeViolation } from "./check.ts";
export type { CheckOptions, Verdict, Violation } from "./check.ts";
export { checkCommitOrder } from "./commit_order.ts";
export type { AppliedCommand, GroundTruth, OrderViolation } from "./commit_order.ts";
export { HistoryError, inOrder, operationsOf } from "./history.ts";
export type { HistoryEvent } from "./history.ts";
export { formatHistory, HistoryFormatError, parseHistory } from "./history_lines.ts";
export { describeOperation, operationKinds } from "./operation.ts";
export type { Argument, Operation, OperationKind, ReadKind, Result, Value } from "./operation.ts";
export { Recorder } from "./recorder.ts";
export type { Recording } from "./recorder.ts";
