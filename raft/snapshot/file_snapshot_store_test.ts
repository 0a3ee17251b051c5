import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { drawnCrash, loseAll, SimDisk } from "../../sim/disk.ts";
import { Streams } from "../../sim/prng.ts";
import { needs } from "../../tests/_needs.ts";
import { SnapshotCorruptError } from "../storage_error.ts";
import { snapshotAt } from "../wal/_conformance.ts";
import { filesOn } from "../wal/_harness_files.ts";
import { collected, snapshotStoreConformance, stateOf, store } from "./_conformance.ts";
import { FileSnapshotStore } from "./file_snapshot_store.ts";
import { snapshotFileName } from "./format.ts";

const random = () => new Streams(1).named("disk");
const onDisk = (disk: SimDisk, onCorrupt?: () => void) =>
  new FileSnapshotStore({
    directory: "snap",
    files: filesOn(disk),
    chunkBytes: 1024,
    ...(onCorrupt && { onCorrupt }),
  });

snapshotStoreConformance("FileSnapshotStore on a simulated disk", () => {
  const disk = new SimDisk(random());
  return Promise.resolve({ store: () => onDisk(disk), clean: () => Promise.resolve() });
});

snapshotStoreConformance("FileSnapshotStore on real files", async () => {
  const directory = await mkdtemp(`${tmpdir()}/snap-`);
  return {
    store: () => new FileSnapshotStore({ directory, chunkBytes: 1024 }),
    clean: () => rm(directory, { recursive: true }),
  };
}, needs("read", "write", "sys", "env"));

describe("FileSnapshotStore", () => {
  it("has the old or the new one after a stop at any step, and the new one once committed", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      for (let stop = 1;; stop++) {
        const disk = new SimDisk(random());
        const before = onDisk(disk);
        await before.open();
        await store(before, snapshotAt(1, 1), stateOf(1500));
        let steps = 0;
        disk.fault = () => ++steps >= stop ? "EIO" : undefined;
        const committed = await store(before, snapshotAt(2, 1), stateOf(2500))
          .then(() => before.retain(1, 2)).then(() => true, () => false);
        disk.fault = () => undefined;
        disk.crash(seed === 1 ? loseAll : drawnCrash(new Streams(seed).named(`crash ${stop}`)));
        const after = onDisk(disk);
        const metas = await after.open();
        const newest = metas[0]!.index;
        assert(newest === 2 || (newest === 1 && !committed), `seed ${seed}, stop ${stop}`);
        for (const meta of metas) {
          const bytes = meta.index === 1 ? 1500 : 2500;
          assertEquals(await collected(await after.read(meta.id)), stateOf(bytes));
        }
        assert(disk.names.every((name) => !name.endsWith(".tmp")));
        if (committed) break;
      }
    }
  });

  it("does not use a file with a flipped bit or a missing end, whichever byte it is", async () => {
    const disk = new SimDisk(random());
    const before = onDisk(disk);
    await before.open();
    await store(before, snapshotAt(1, 1), stateOf(1200));
    const path = `snap/${snapshotFileName(snapshotAt(1, 1))}`;
    const whole = disk.read(path)!.slice();
    for (let at = 0; at < whole.length; at++) {
      const bytes = whole.slice();
      bytes[at]! ^= 1 << (at % 8);
      disk.plant(path, bytes);
      let corrupt = 0;
      assertEquals(await onDisk(disk, () => corrupt++).open(), [], `byte ${at}`);
      assertEquals(corrupt, 1);
      disk.plant(path, whole.subarray(0, at));
      assertEquals(await onDisk(disk).open(), [], `length ${at}`);
    }
  });

  it("notices rot while it is being read", async () => {
    const disk = new SimDisk(random());
    const one = onDisk(disk);
    await one.open();
    await store(one, snapshotAt(1, 1), stateOf(3000));
    const path = `snap/${snapshotFileName(snapshotAt(1, 1))}`;
    const bytes = disk.read(path)!.slice();
    bytes[2000]! ^= 1;
    disk.plant(path, bytes);
    const source = await one.read(snapshotAt(1, 1).id);
    await assertRejects(() => collected(source), SnapshotCorruptError);
  });

  it("fails only the snapshot when the disk is full", async () => {
    const disk = new SimDisk(random());
    const one = onDisk(disk);
    await one.open();
    await store(one, snapshotAt(1, 1), stateOf(1000));
    disk.capacityBytes = 3000;
    await assertRejects(() => store(one, snapshotAt(2, 1), stateOf(5000)), Error, "ENOSPC");
    assertEquals(one.latest()?.index, 1);
    assertEquals(disk.names.length, 1);
    disk.capacityBytes = Infinity;
    await store(one, snapshotAt(3, 1), stateOf(5000));
    assertEquals(one.latest()?.index, 3);
  });

  it("gives the file of a broken transfer to one stream at a time", async () => {
    const one = onDisk(new SimDisk(random()));
    await one.open();
    const origin = { leader: "a", term: 3 };
    const first = await one.receive(snapshotAt(9, 3), origin);
    await first.write(stateOf(10));
    const second = await one.receive(snapshotAt(9, 3), origin);
    await assertRejects(() => first.write(stateOf(10)), TypeError);
    await first.abort();
    assertEquals(second.offset, 10);
    await second.commit();
    assertEquals(one.latest()?.index, 9);
  });
});
