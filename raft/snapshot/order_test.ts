import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { type CrashPolicy, drawnCrash, keepAll, loseAll, SimDisk } from "../../sim/disk.ts";
import { Streams } from "../../sim/prng.ts";
import { entriesFrom, entryAt, hard, persistOf, plain, snapshotAt } from "../wal/_conformance.ts";
import { filesOn } from "../wal/_harness_files.ts";
import { FileLogStore } from "../wal/file_log_store.ts";
import { collected, stateOf, store } from "./_conformance.ts";
import { FileSnapshotStore } from "./file_snapshot_store.ts";

const BYTES = 700;

/** One boot of the machine: log and snapshots on one disk. */
function stores(disk: SimDisk, boot: number): { log: FileLogStore; snapshots: FileSnapshotStore } {
  const files = filesOn(disk);
  const self = { pid: 1, began: "", boot: `${boot}`, nonce: `${boot}` };
  const processes = {
    self: () => Promise.resolve(self),
    runs: (owner: typeof self) => Promise.resolve(owner.boot === self.boot),
  };
  const identity = { cluster: "c", nodeId: "a" };
  const sizes = { segmentBytes: 4096, reserveBytes: 0 };
  return {
    log: new FileLogStore({ ...identity, ...sizes, directory: "d", files, processes }),
    snapshots: new FileSnapshotStore({ directory: "d/snap", files, chunkBytes: 1024 }),
  };
}

/** What a member does: appends, takes two snapshots, receives a third. `said` collects what it was told is durable. */
async function live(disk: SimDisk, said: { last: number; mark: number }): Promise<void> {
  const { log, snapshots } = stores(disk, 1);
  await log.open(await snapshots.open());
  for (const until of [12, 24]) {
    for (let index = until - 11; index <= until; index++) {
      const state = { hardState: hard(1, index) };
      await log.persist(persistOf({ entries: [entryAt(index, 1, BYTES)], ...state }));
      said.last = index;
    }
    await store(snapshots, snapshotAt(until - 1, 1), stateOf(1500, until - 1));
    await log.persist(persistOf({ snapshot: snapshotAt(until - 1, 1) }));
    said.mark = until - 1;
    await log.compact(until - 3);
    await snapshots.retain(1, until - 1);
  }
  const received = snapshotAt(40, 2);
  const sink = await snapshots.receive(received, { leader: "b", term: 2 });
  await sink.write(stateOf(1500, 40));
  await sink.commit();
  await log.persist(persistOf({ snapshot: received, resetLog: true, hardState: hard(2, 40) }));
  said.last = said.mark = 40;
  await snapshots.retain(1, 40);
  await log.persist(persistOf({ entries: entriesFrom(41, 2, 2, BYTES) }));
  said.last = 42;
  await log.close();
}

describe("log and snapshots on one disk", () => {
  it("hold a state that goes on, after a stop at any step", async () => {
    const policies = (seed: number): CrashPolicy =>
      seed === 0 ? loseAll : seed === 1 ? keepAll : drawnCrash(new Streams(seed).named("crash"));
    for (let seed = 0; seed < 6; seed++) {
      for (let stop = 1;; stop++) {
        const disk = new SimDisk(new Streams(seed).named("disk"));
        const said = { last: 0, mark: 0 };
        let steps = 0;
        disk.fault = () => ++steps >= stop ? "EIO" : undefined;
        const ended = await live(disk, said).then(() => true, () => false);
        disk.fault = () => undefined;
        disk.crash(policies(seed));
        const { log, snapshots } = stores(disk, 2);
        const opened = await log.open(await snapshots.open());
        const where = `seed ${seed}, stop ${stop}: ${JSON.stringify(said)}`;
        const snapshot = opened.snapshot?.index ?? 0;
        assert(snapshot >= said.mark, where);
        assert(Math.max(snapshot, opened.entries.at(-1)?.index ?? 0) >= said.last, where);
        assert((opened.entries[0]?.index ?? snapshot + 1) <= snapshot + 1, where);
        for (const entry of opened.entries) {
          assertEquals(plain(entry), entryAt(entry.index, entry.index > 40 ? 2 : 1, BYTES));
        }
        if (opened.snapshot !== undefined) {
          const source = await snapshots.read(opened.snapshot.id);
          assertEquals(await collected(source), stateOf(1500, snapshot));
        }
        await log.close();
        if (ended) break;
      }
    }
  });
});
