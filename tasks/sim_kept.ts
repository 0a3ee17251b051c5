/**
 * Keeps what a long campaign has played in a file, so that one that was broken off goes on where it was. A file is of one state of the
 * sources: what another one played is played again.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { appendFile, readdir, readFile } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import type { Job } from "./sim_jobs.ts";
import { doAll, type DoAllOptions, type Timed } from "./sim_pool.ts";

/** What a run depends on. */
const SOURCES = ["gossip", "membership", "raft", "shard", "sim"] as const;

/** Options of {@link doRest}. */
export interface DoRestOptions extends DoAllOptions {
  /** Where results are kept. @default {nowhere: all jobs are done} */
  readonly file?: string | undefined;
}

/** Does all jobs but those whose results are in a file, and adds those of the rest to it, each as soon as it is there. */
export async function doRest(
  jobs: readonly Job[],
  { file, ...options }: DoRestOptions,
): Promise<readonly Timed[]> {
  if (file === undefined) return await doAll(jobs, options);
  const sources = await digestOf(SOURCES);
  const keyOf = (job: Job): string => `${sources} ${JSON.stringify(job)}`;
  const kept = new Map<string, Timed>();
  for (const line of (await readFile(file, "utf8").catch(() => "")).split("\n")) {
    const end = line.lastIndexOf(" ");
    // Of a line only a part may have been written.
    if (!line.endsWith(".")) continue;
    kept.set(line.slice(0, end), deserialize(Buffer.from(line.slice(end + 1, -1), "base64")));
  }
  const rest = jobs.filter((job) => !kept.has(keyOf(job)));
  if (rest.length < jobs.length) {
    options.say?.(`kept from before: ${jobs.length - rest.length} of ${jobs.length} jobs`);
  }
  let written = Promise.resolve();
  await doAll(rest, {
    ...options,
    done: (job, result) => {
      kept.set(keyOf(job), result);
      // The line break comes first: behind what may be left of a line that was broken off.
      const line = `\n${keyOf(job)} ${serialize(result).toString("base64")}.`;
      written = written.then(() => appendFile(file, line));
    },
  });
  await written;
  return jobs.map((job) => kept.get(keyOf(job))!);
}

async function digestOf(folders: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const root = new URL(`../${folder}/`, import.meta.url);
    const names = (await readdir(root, { recursive: true }))
      .map((name) => name.replaceAll("\\", "/"))
      .filter((name) => name.endsWith(".ts") && !/_test\.ts$|node_modules/.test(name)).sort();
    for (const name of names) hash.update(name).update(await readFile(new URL(name, root)));
  }
  return hash.digest("hex").slice(0, 16);
}
