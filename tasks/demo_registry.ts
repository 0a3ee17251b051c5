/**
 * `deno task demo:registry [--once]`: `examples/service-registry.ts` as five processes on Deno, Bun and Node. They publish keys, one falls
 * silent and comes back, one is killed and restarts, one leaves; each of the others' watchers has to tell exactly that. `--once` ends
 * after the story and exits 0 only if every step was observed; without it the cluster runs on until Ctrl-C.
 *
 * @module
 */
import { delay } from "@std/async";
import { RegistryStory } from "../examples/registry/registry_story.ts";
import { freePorts } from "./free_ports.ts";
import { packages, rootFolder, runtime } from "./runtimes.ts";
import { help } from "./usage.ts";

help(import.meta.url);
const once = Deno.args.includes("--once");

await packages();
const program = `${rootFolder}examples/service-registry.ts`;
const deno = { runtime: "deno", command: [Deno.execPath(), "run", "-A", program] };
const bun = { runtime: "bun", command: [await runtime("bun"), program] };
const node = { runtime: "node", command: [await runtime("node"), program] };
const kinds = [deno, bun, node, node, deno];

const from = performance.now();
const story = new RegistryStory(kinds, freePorts(kinds.length), (step) => {
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  console.log(`${seconds.padStart(5)} s  ${step}`);
});

const interrupted = new AbortController();
Deno.addSignalListener("SIGINT", () => interrupted.abort());

let failure: unknown;
try {
  await story.play();
  console.log((await story.table()).join("\n"));
  while (!once) await delay(60_000, { signal: interrupted.signal });
} catch (error) {
  if (!interrupted.signal.aborted) failure = error;
}
try {
  if (failure === undefined) await story.leave();
} finally {
  await story.close();
}
if (failure !== undefined) console.error(String(failure));
const failed = failure === undefined ? 0 : 1;
console.log(`\ndemo:registry: ${story.seen.length} passed, ${failed} failed`);
Deno.exit(failed);
