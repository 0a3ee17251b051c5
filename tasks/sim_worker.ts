/**
 * A thread of `sim_pool.ts`: does one job after the other.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import type { Job } from "./sim_jobs.ts";
import { performTimed, type Timed } from "./sim_pool.ts";

/** What a thread says: a line of its job, how that ended, or why it did not. */
export type Told =
  | { readonly line: string }
  | { readonly result: Timed }
  | { readonly error: string };

const port = parentPort!;
const tell = (told: Told): void => port.postMessage(told);

port.on("message", async (job: Job) => {
  try {
    tell({ result: await performTimed(job, (line) => tell({ line })) });
  } catch (error) {
    tell({ error: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
});
