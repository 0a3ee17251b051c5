/**
 * `deno task wal:kill [--times N]`: kills a process that writes the log, again and again, and checks each time that all that it
 * acknowledged is there. Also runs on Bun and Node: `bun tasks/wal_kill.ts`, `node tasks/wal_kill.ts`.
 *
 * A killed process does not lose what is in the page cache: this tests the order of writes and answers. What a machine loses is tested on a
 * simulated disk (`deno task wal:crash`).
 *
 * @module
 */
import process from "node:process";
import { killRepeatedly } from "../raft/wal/_harness_kill.ts";
import { Streams } from "../sim/prng.ts";
import { help } from "./usage.ts";

help(import.meta.url);
const at = process.argv.indexOf("--times");
const times = at < 0 ? 500 : Number(process.argv[at + 1]);
let kills = 0;
const last = await killRepeatedly(times, new Streams(1).named("kill"), (index) => {
  if (++kills % 50 === 0) console.log(`${kills} kills, index ${index}`);
});
console.log(`${times} kills: nothing acknowledged was lost, last index ${last}`);
