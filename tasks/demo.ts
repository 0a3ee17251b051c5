/**
 * `deno task demo [--once]`: the README's three examples as three processes, one on Deno, one on Bun, one on Node 24. They form a cluster
 * over HTTP/2, agree on the owner of every key, lose a member, and heal. `--once` runs the story to its end and exits 0 only if every step was
 * observed; without it the cluster runs on until Ctrl-C.
 *
 * @module
 */
import { delay } from "@std/async";
import { Story } from "../examples/demo/story.ts";
import { draw, lines } from "../examples/demo/table.ts";
import { freePorts } from "./free_ports.ts";
import { packages, rootFolder, runtime } from "./runtimes.ts";
import { help } from "./usage.ts";

help(import.meta.url);
const unknown = Deno.args.find((arg) => arg !== "--once");
if (unknown !== undefined) {
  console.error(
    `Cannot play the demo as there is no option but --once: current value is ${unknown}`,
  );
  Deno.exit(2);
}
const once = Deno.args.includes("--once");
const live = Deno.stdout.isTerminal() && !once;

await packages();
const kinds = [
  { runtime: "deno", command: [Deno.execPath(), "run", "-A", `${rootFolder}examples/deno.ts`] },
  { runtime: "bun", command: [await runtime("bun"), `${rootFolder}examples/bun.ts`] },
  { runtime: "node", command: [await runtime("node"), `${rootFolder}examples/node.ts`] },
];

let printed = 0;
const story = new Story(kinds, freePorts(3), () => {
  if (live) return draw(story.board);
  const { seen } = story.board;
  for (; printed < seen.length; printed++) {
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    console.log(`${seconds.padStart(5)} s  ${seen[printed]}`);
  }
});
const from = performance.now();

const interrupted = new AbortController();
Deno.addSignalListener("SIGINT", () => interrupted.abort());
if (live) console.log("\x1b[2J");

async function play(): Promise<void> {
  const pause = (ms: number) =>
    once ? Promise.resolve() : delay(ms, { signal: interrupted.signal });
  await story.form();
  await story.refresh();
  await pause(5000);
  await story.lose();
  await story.refresh();
  await pause(5000);
  await story.heal();
  await story.refresh();
  if (!live) console.log(lines(story.board).slice(1, -story.board.seen.length - 1).join("\n"));
  while (!once) {
    await pause(1000);
    await story.refresh();
  }
}

let failure: unknown;
try {
  await play();
} catch (error) {
  if (!interrupted.signal.aborted) failure = error;
}
try {
  if (interrupted.signal.aborted) await story.leaveAtOnce();
  else if (failure === undefined) await story.leave();
} catch (error) {
  failure = error;
} finally {
  await story.close();
}
const { seen } = story.board;
if (failure !== undefined) console.error(String(failure));
if (once) console.log(`\ndemo: ${seen.length} passed, ${failure === undefined ? 0 : 1} failed`);
Deno.exit(failure === undefined ? 0 : 1);
