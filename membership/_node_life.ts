import type { NodeParts } from "./_node_parts.ts";
import type { PeerState } from "../shard/peer.ts";
import type { CallOptions } from "./calls.ts";
import { OperationError } from "./driver.ts";
import { StateTransitionError, StoppedError } from "./errors.ts";
import type { ResolvedNodeOptions } from "./options.ts";

/** Begins to gossip. @throws {Error} When the transport cannot serve; nothing changed. */
export function begin(
  { driver, reports, admission }: NodeParts,
  options: ResolvedNodeOptions,
): void {
  const { advertiseAddr, clusterName, minClusterSize } = options;
  driver.run();
  reports.log("info", "the node started", { advertiseAddr, clusterName });
  admission.begin();
  if (!admission.admitted) {
    reports.log("info", "the node waits for the cluster's size", { minClusterSize });
  }
}

/** Declares a state; resolves when its news left. @throws {StateTransitionError} When the rules forbid it; nothing changed. */
export async function declare(
  { core, driver, metrics }: NodeParts,
  state: PeerState,
): Promise<void> {
  driver.run();
  const from = core.state;
  const propagated = metrics.stateChangeStarted();
  try {
    await driver.changeState(state);
    propagated();
  } catch (error) {
    if (error instanceof OperationError && error.reason === "illegalState") {
      throw new StateTransitionError(from, state);
    }
    throw error;
  }
}

/** Says goodbye, and looks for nobody any more; whatever else runs, runs on. @throws {LeaveError} When nobody could be told. */
export async function leave(
  { driver, joining, calls, goodbye, keyValues }: NodeParts,
  options: CallOptions,
): Promise<void> {
  driver.run();
  const rejoined = joining.close();
  try {
    await calls.run("leave", options, () => goodbye.say());
  } finally {
    keyValues.changed();
  }
  await rejoined;
}

/** Ends everything, with or without a goodbye. Never rejects. */
export async function end(parts: NodeParts, sayGoodbye: boolean): Promise<void> {
  const { view, keyValues, admission, calls, joining, driver, metrics, reports } = parts;
  view.end();
  keyValues.end();
  admission.close();
  calls.stop();
  const rejoined = joining.close();
  if (driver.running && sayGoodbye) await parts.goodbye.sayBeforeStop();
  try {
    await driver.close(new StoppedError("finish the operation"));
  } catch (error) {
    reports.error("warn", "the transport did not close well", error);
  }
  await rejoined;
  metrics.close();
}
