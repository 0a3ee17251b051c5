import type { NodeParts } from "./_node_parts.ts";
import { StoppedError } from "./errors.ts";
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
