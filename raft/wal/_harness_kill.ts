/** Kills a process that writes a log, and looks at what it left. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import type { Prng } from "../../gossip/strategy.ts";
import { between } from "../../sim/draw.ts";
import type { SnapshotMeta } from "../entry.ts";
import { entryAt, plain, snapshotAt } from "./_conformance.ts";
import { FileLogStore } from "./file_log_store.ts";

/** A snapshot is marked at every so many indexes. */
export const SNAPSHOT_EVERY = 300;

/** All that may have been marked. */
export function snapshotsUpTo(last: number): SnapshotMeta[] {
  return Array.from(
    { length: Math.floor(last / SNAPSHOT_EVERY) },
    (_, i) => snapshotAt((i + 1) * SNAPSHOT_EVERY, 1),
  );
}

const isDeno = "Deno" in globalThis;

/** Runs the writer until it has acknowledged `acknowledgements` batches, and kills it. @returns The last acknowledged index. */
async function killedAfter(
  acknowledgements: number,
  directory: string,
  most: number,
): Promise<number> {
  const main = fileURLToPath(new URL("./testdata/kill_main.ts", import.meta.url));
  const args = [...(isDeno ? ["run", "-A", "--no-check", main] : [main]), directory, `${most}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const killer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let output = "";
  let lines = 0;
  child.stdout.on("data", (chunk: Uint8Array) => {
    const text = new TextDecoder().decode(chunk);
    output += text;
    for (const char of text) if (char === "\n") lines++;
    if (lines > acknowledgements) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(killer);
  assert(lines > acknowledgements, `the writer ended by itself: ${output.slice(-200)}`);
  const whole = output.slice(0, output.lastIndexOf("\n")).split("\n").slice(1).map(Number);
  return Math.max(0, ...whole);
}

/**
 * Kills the writer again and again, on one directory, and checks each time that what was acknowledged is there, whole and in order.
 *
 * @returns The last index.
 */
export async function killRepeatedly(
  times: number,
  random: Prng,
  each: (last: number) => void = () => {},
): Promise<number> {
  const directory = await mkdtemp(`${tmpdir()}/wal-kill-`);
  let last = 0;
  try {
    for (let time = 0; time < times; time++) {
      const most = last + 100_000;
      const acknowledged = Math.max(
        last,
        await killedAfter(between(random, 0, 400), directory, most),
      );
      const store = new FileLogStore({
        directory,
        cluster: "kill",
        nodeId: "a",
        segmentBytes: 65_536,
      });
      const { entries, snapshot } = await store.open(snapshotsUpTo(most));
      const held = entries.at(-1)?.index ?? 0;
      assert(held >= acknowledged, `acknowledged ${acknowledged}, found ${held}`);
      assert((entries[0]?.index ?? 1) <= (snapshot?.index ?? 0) + 1);
      entries.forEach((entry, i) => {
        assertEquals(plain(entry), entryAt(entries[0]!.index + i, 1, 100));
      });
      await store.close();
      last = held;
      each(last);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
  return last;
}
