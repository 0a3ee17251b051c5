import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { SimDisk } from "../../sim/disk.ts";
import { Streams } from "../../sim/prng.ts";
import { needs } from "../../tests/_needs.ts";
import {
  DirectoryLockedError,
  ForeignStorageError,
  StoragePoisonedError,
  StorageUnusableError,
  WalCorruptError,
} from "../storage_error.ts";
import { entriesFrom, logStoreConformance, persistOf } from "./_conformance.ts";
import { filesOn } from "./_harness_files.ts";
import type { LockOwner, ProcessTable } from "./directory_lock.ts";
import { FileLogStore, type FileLogStoreOptions } from "./file_log_store.ts";

const real = needs("read", "write", "run", "sys", "env");
const own = { cluster: "c", nodeId: "a", segmentBytes: 4096, reserveBytes: 0 };

/** Processes of one machine, as a test wants them. */
class Machine implements ProcessTable {
  readonly alive = new Set<number>();
  pid = 1;
  boot = "boot 1";
  #nonce = 0;

  self(): Promise<LockOwner> {
    this.alive.add(this.pid);
    return Promise.resolve({
      pid: this.pid,
      began: "",
      boot: this.boot,
      nonce: `${++this.#nonce}`,
    });
  }

  runs({ pid, boot }: LockOwner): Promise<boolean> {
    return Promise.resolve(boot === this.boot && this.alive.has(pid));
  }
}

const newDisk = () => new SimDisk(new Streams(1).named("disk"));

function onDisk(
  disk: SimDisk,
  options: Partial<FileLogStoreOptions> = {},
  processes: ProcessTable = new Machine(),
): FileLogStore {
  return new FileLogStore({ ...own, directory: "d", files: filesOn(disk), processes, ...options });
}

logStoreConformance("FileLogStore on a simulated disk", () => {
  const disk = newDisk();
  return Promise.resolve({ store: () => onDisk(disk), clean: () => Promise.resolve() });
});

logStoreConformance("FileLogStore on real files", async () => {
  const directory = await mkdtemp(`${tmpdir()}/wal-`);
  return {
    store: () => new FileLogStore({ ...own, directory }),
    clean: () => rm(directory, { recursive: true }),
  };
}, { ...real, runs: 8 });

describe("FileLogStore", () => {
  it("commits many that wait with few syncs", async () => {
    const syncs: number[] = [];
    const store = onDisk(newDisk(), {
      segmentBytes: 2 ** 20,
      onSync: (_ms, batches) => syncs.push(batches),
    });
    await store.open();
    const waiting: Promise<void>[] = [];
    for (let i = 1; i <= 1000; i++) {
      waiting.push(store.persist(persistOf({ entries: entriesFrom(i, 1, 1) })));
    }
    assertEquals(store.stats.pendingBatches, 1000);
    assert(store.stats.pendingBytes >= 1000 * 72);
    await Promise.all(waiting);
    assertEquals(store.stats.syncs, 1);
    assertEquals(syncs, [1000]);
    await store.close();
  });

  it("refuses a second start, and takes over from a process that is gone", async () => {
    const disk = newDisk();
    const machine = new Machine();
    const first = onDisk(disk, {}, machine);
    await first.open();
    machine.pid = 2;
    const error = await assertRejects(() => onDisk(disk, {}, machine).open(), DirectoryLockedError);
    assertEquals(error.pid, 1);
    machine.alive.delete(1);
    const second = onDisk(disk, {}, machine);
    await second.open();
    machine.pid = 3;
    await assertRejects(() => onDisk(disk, {}, machine).open(), DirectoryLockedError);
    machine.boot = "boot 2";
    const third = onDisk(disk, {}, machine);
    await third.open();
    await third.close();
    assert(!disk.names.some((name) => name.startsWith("d/lock")));
  });

  it("takes over a lock whose owner died while writing it", async () => {
    const disk = newDisk();
    disk.plant("d/lock", new Uint8Array([0x7b]));
    const store = onDisk(disk);
    await store.open();
    await store.close();
  });

  it("leaves the lock of another alone when it closes", async () => {
    const disk = newDisk();
    const store = onDisk(disk);
    await store.open();
    const other = new TextEncoder().encode('{"pid":9,"began":"","boot":"boot 1","nonce":"x"}');
    disk.plant("d/lock", other);
    await store.close();
    assertEquals(disk.read("d/lock"), other);
  });

  it("refuses a directory of another member, cluster or version", async () => {
    const disk = newDisk();
    const store = onDisk(disk);
    await store.open();
    await store.close();
    for (
      const [options, field] of [[{ nodeId: "b" }, "nodeId"], [
        { cluster: "d" },
        "cluster",
      ]] as const
    ) {
      const error = await assertRejects(() => onDisk(disk, options).open(), ForeignStorageError);
      assertEquals(error.field, field);
    }
    const identity = JSON.parse(new TextDecoder().decode(disk.read("d/identity.json")));
    const later = JSON.stringify({ ...identity, version: 2 });
    disk.plant("d/identity.json", new TextEncoder().encode(later));
    const error = await assertRejects(() => onDisk(disk).open(), ForeignStorageError);
    assertEquals([error.field, error.found], ["version", "2"]);
    assert(!disk.names.includes("d/lock"));
  });

  it("refuses to begin anew where there was a log", async () => {
    const disk = newDisk();
    const store = onDisk(disk);
    await store.open();
    await store.persist(persistOf({ entries: entriesFrom(1, 1, 1) }));
    await store.close();
    const identity = disk.read("d/identity.json")!.slice();
    disk.lose("d/identity.json");
    await assertRejects(() => onDisk(disk).open(), WalCorruptError, "identity.json");
    disk.plant("d/identity.json", new Uint8Array(9));
    await assertRejects(() => onDisk(disk).open(), WalCorruptError, "cannot be read");
    disk.plant("d/identity.json", identity);
    disk.names.filter((name) => name.startsWith("d/wal-")).forEach((name) => disk.lose(name));
    await assertRejects(() => onDisk(disk).open(), WalCorruptError, "missing");
  });

  it("begins after a stop at any step of its first start", async () => {
    for (let stop = 1;; stop++) {
      const disk = newDisk();
      let steps = 0;
      disk.fault = () => ++steps >= stop ? "EIO" : undefined;
      const begun = await onDisk(disk).open().then(() => true, () => false);
      disk.fault = () => undefined;
      disk.crash({
        sector: (_file, _offset, versions) => ({ version: versions }),
        name: () => true,
      });
      const after = onDisk(disk, {}, Object.assign(new Machine(), { boot: "boot 2" }));
      assertEquals((await after.open()).entries, [], `step ${stop}`);
      await after.close();
      if (begun) break;
    }
  });

  it("is poisoned by any failure, for what waits and what comes", async () => {
    const disk = newDisk();
    const store = onDisk(disk);
    await store.open();
    await store.persist(persistOf({ entries: entriesFrom(1, 1, 1) }));
    disk.fault = (step) => step.type === "sync" ? "EIO" : undefined;
    const waiting = [2, 3].map((index) =>
      store.persist(persistOf({ entries: entriesFrom(index, 1, 1) }))
    );
    for (const one of waiting) await assertRejects(() => one, StoragePoisonedError, "EIO");
    disk.fault = () => undefined;
    const error = await assertRejects(() => store.persist(persistOf({})), StoragePoisonedError);
    assertEquals(error.full, false);
    await assertRejects(() => store.compact(1), StoragePoisonedError);
    await store.close();
    const after = onDisk(disk);
    assert((await after.open()).entries.length >= 1);
    await after.close();
  });

  it("frees its reserve when the disk is full", async () => {
    const disk = newDisk();
    const store = onDisk(disk, { reserveBytes: 3000 });
    await store.open();
    assertEquals(disk.read("d/reserve")!.length, 3000);
    disk.capacityBytes = 0;
    const big = persistOf({ entries: entriesFrom(1, 1, 1, 9000) });
    const error = await assertRejects(() => store.persist(big), StoragePoisonedError);
    assertEquals(error.full, true);
    await store.close();
    assertEquals(disk.read("d/reserve"), undefined);
  });

  it("refuses options out of range", () => {
    assertThrows(() => onDisk(newDisk(), { segmentBytes: 100 }), RangeError, "segmentBytes");
  });
});

describe("FileLogStore on real files", real, () => {
  async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
    const directory = await mkdtemp(`${tmpdir()}/wal-`);
    try {
      await work(directory);
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  it("holds the lock within one process, and gives it back", () =>
    inDirectory(async (directory) => {
      const first = new FileLogStore({ ...own, directory });
      await first.open();
      const error = await assertRejects(
        () => new FileLogStore({ ...own, directory }).open(),
        DirectoryLockedError,
      );
      assertEquals(error.pid, process.pid);
      await first.close();
      assertEquals((await readdir(directory)).includes("lock"), false);
    }));

  it("takes over from a process with the same number that began at another time", () =>
    inDirectory(async (directory) => {
      const first = new FileLogStore({ ...own, directory });
      await first.open();
      const lock = JSON.parse(await readFile(`${directory}/lock`, "utf8"));
      if (lock.began !== "") {
        await writeFile(`${directory}/lock`, JSON.stringify({ ...lock, began: "1" }));
        const second = new FileLogStore({ ...own, directory });
        await second.open();
        await second.close();
      }
      await first.close();
    }));

  it("says that a directory cannot be used", () =>
    inDirectory(async (directory) => {
      await writeFile(`${directory}/file`, "");
      const under = new FileLogStore({ ...own, directory: `${directory}/file/log` });
      const error = await assertRejects(() => under.open(), StorageUnusableError);
      assertEquals(error.code, "ENOTDIR");
      if (process.getuid?.() === 0) return; // Whoever may do anything is not refused.
      await chmod(directory, 0o500);
      const readOnly = new FileLogStore({ ...own, directory });
      assertEquals(
        (await assertRejects(() => readOnly.open(), StorageUnusableError)).code,
        "EACCES",
      );
      await chmod(directory, 0o700);
    }));
});
