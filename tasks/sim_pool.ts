/**
 * Shares the simulator's jobs out among threads. A run is a function of its plan, so who plays it changes nothing but the time it takes;
 * and what is said comes in the order of the jobs.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { type Job, type JobResult, perform } from "./sim_jobs.ts";
import type { Told } from "./sim_worker.ts";

/** Options of {@link doAll}. */
export interface DoAllOptions {
  /** Threads. @default {one a core} */
  readonly workers?: number;
  /** Hears what jobs say, in their order. @default {nobody} */
  readonly say?: (line: string) => void;
  /** Which jobs begin first: those of a greater weight. @default {in their order} */
  readonly weight?: (job: Job) => number;
  /** Hears what came of a job as soon as it ended. @default {nobody} */
  readonly done?: (job: Job, result: Timed) => void;
}

/** What came of a job, and the time it took. */
export type Timed = JobResult & {
  readonly elapsedMs: number;
  /** CPU time of the thread; of the process where the runtime does not tell them apart. */
  readonly cpuMs: number;
};

/** Does a job, and takes the time. */
export async function performTimed(job: Job, say: (line: string) => void): Promise<Timed> {
  const [began, cpuBegan] = [performance.now(), threadCpuMs()];
  const result = await perform(job, say);
  return { ...result, elapsedMs: performance.now() - began, cpuMs: threadCpuMs() - cpuBegan };
}

/** CPU time of this thread so far, milliseconds: see {@link Timed}. */
function threadCpuMs(): number {
  const { user, system } = (process as { threadCpuUsage?: typeof process.cpuUsage })
    .threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
}

/** Does all jobs. The results are in their order. */
export async function doAll(
  jobs: readonly Job[],
  options: DoAllOptions = {},
): Promise<readonly Timed[]> {
  const { workers = availableParallelism(), say = () => {}, weight = () => 0 } = options;
  const order = jobs.map((job, i) => ({ i, weight: weight(job) }))
    .sort((a, b) => b.weight - a.weight || a.i - b.i)
    .map(({ i }) => i);
  const results: (Timed | undefined)[] = jobs.map(() => undefined);
  const waiting: string[][] = jobs.map(() => []);
  let head = 0;
  const said = (i: number, line: string): void => {
    if (i === head) say(line);
    else waiting[i]!.push(line);
  };
  const ended = (i: number, result: Timed): void => {
    results[i] = result;
    options.done?.(jobs[i]!, result);
    while (head < jobs.length && results[head] !== undefined) {
      for (const line of waiting[++head] ?? []) say(line);
    }
  };
  const threads = Math.min(workers, jobs.length);
  if (threads <= 1) {
    for (const i of order) {
      ended(i, await performTimed(jobs[i]!, (line) => said(i, line)));
    }
  } else {
    let next = 0;
    const take = (): number | undefined => order[next++];
    await Promise.all(Array.from({ length: threads }, () => thread(jobs, { take, said, ended })));
  }
  return results as readonly Timed[];
}

interface Share {
  readonly take: () => number | undefined;
  readonly said: (i: number, line: string) => void;
  readonly ended: (i: number, result: Timed) => void;
}

/** One thread, until no job is left. */
function thread(jobs: readonly Job[], { take, said, ended }: Share): Promise<void> {
  const worker = new Worker(new URL("./sim_worker.ts", import.meta.url));
  return new Promise<void>((resolve, reject) => {
    let current: number | undefined;
    const go = (): void => {
      current = take();
      if (current === undefined) resolve();
      else worker.postMessage(jobs[current]);
    };
    worker.on("error", reject);
    worker.on("exit", (code) => reject(new Error(`A thread ended with ${code}`)));
    worker.on("message", (told: Told) => {
      if ("line" in told) said(current!, told.line);
      else if ("error" in told) {
        reject(new Error(`${JSON.stringify(jobs[current!])}: ${told.error}`));
      } else {
        ended(current!, told.result);
        go();
      }
    });
    go();
  }).finally(async () => void await worker.terminate());
}
