/**
 * Appends to the log of a directory until it is killed, sixteen batches under way at a time, and prints the index of each that was
 * acknowledged. Takes snapshots' marks and compacts, so that files come and go.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import type { Persist } from "../../log_store.ts";
import { entriesFrom, hard, persistOf, snapshotAt } from "../_conformance.ts";
import { FileLogStore } from "../file_log_store.ts";
import { SNAPSHOT_EVERY, snapshotsUpTo } from "../_harness_kill.ts";

const [directory, most] = process.argv.slice(2);
const store = new FileLogStore({
  directory: directory!,
  cluster: "kill",
  nodeId: "a",
  segmentBytes: 65_536,
  idleMs: 20,
});
const { entries } = await store.open(snapshotsUpTo(Number(most)));
let next = (entries.at(-1)?.index ?? 0) + 1;

async function append(): Promise<void> {
  for (;;) {
    const count = 1 + next % 5;
    const last = next + count - 1;
    let effect: Persist = persistOf({ entries: entriesFrom(next, count, 1, 100) });
    if (last % SNAPSHOT_EVERY < count) {
      const snapshot = snapshotAt(last - last % SNAPSHOT_EVERY, 1);
      if (snapshot.index > 0) effect = { ...effect, snapshot, hardState: hard(1, snapshot.index) };
    }
    next += count;
    await store.persist(effect);
    writeSync(1, `${last}\n`);
    if (effect.snapshot !== undefined) await store.compact(effect.snapshot.index - 20);
  }
}

writeSync(1, "open\n");
await Promise.all(Array.from({ length: 16 }, append));
