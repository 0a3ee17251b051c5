/**
 * A thread of `sim_pool.ts`: does one job after the other.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { type Job, type JobResult, perform } from "./sim_jobs.ts";
import { threadCpuMs } from "./sim_pool.ts";

/** What a thread says: a line of its job, how that ended, or why it did not. */
export type Told =
  | { readonly line: string }
  | { readonly result: JobResult; readonly elapsedMs: number; readonly cpuMs: number }
  | { readonly error: string };

const port = parentPort!;
const tell = (told: Told): void => port.postMessage(told);

port.on("message", async (job: Job) => {
  const [began, cpuBegan] = [performance.now(), threadCpuMs()];
  try {
    const result = await perform(job, (line) => tell({ line }));
    tell({ result, elapsedMs: performance.now() - began, cpuMs: threadCpuMs() - cpuBegan });
  } catch (error) {
    tell({ error: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
});
