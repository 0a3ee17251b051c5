/**
 * `deno task wal:crash [--seeds N] [--from N]`: lives of the log on a simulated disk, each ended by a crash. A failure prints its seed.
 *
 * @module
 */
import { livesOf } from "../raft/wal/_harness_log.ts";
import { help } from "./usage.ts";

function argument(name: string, or: number): number {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? or : Number(Deno.args[at + 1]);
}

help(import.meta.url);
const from = argument("from", 1);
const seeds = argument("seeds", 20_000);
const all = { crashes: 0, torn: 0, poisoned: 0, segments: 0 };
for (let seed = from; seed < from + seeds; seed++) {
  const { crashes, torn, poisoned, segments } = livesOf(seed);
  all.crashes += crashes;
  all.torn += torn;
  all.poisoned += poisoned;
  all.segments = Math.max(all.segments, segments);
}
console.log(`${seeds} seeds from ${from}: ${JSON.stringify(all)}`);
