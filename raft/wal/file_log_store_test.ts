import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { loseAll, SimDisk } from "../../sim/disk.ts";
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
    for (const inlineSyncBelowMs of [-1, NaN]) {
      assertThrows(() => onDisk(newDisk(), { inlineSyncBelowMs }), RangeError, "inlineSync");
    }
  });
});

/** A disk whose syncs take as long as it is told, by a clock that only they move. */
function timedDisk(options: Partial<FileLogStoreOptions> = {}) {
  const disk = newDisk();
  let now = 0;
  const timed = { disk, syncMs: 0.2, wait: (ms: number) => void (now += ms) };
  disk.fault = ({ type }) => {
    if (type === "sync") now += timed.syncMs;
    return undefined;
  };
  const store = onDisk(disk, { segmentBytes: 2 ** 18, now: () => now, ...options });
  let index = 0;
  const write = async (bytes = 100): Promise<"inline" | "pool"> => {
    const before = store.stats;
    await store.persist(persistOf({ entries: entriesFrom(++index, 1, 1, bytes) }));
    const { syncs, inlineSyncs } = store.stats;
    assertEquals(syncs, before.syncs + 1);
    return inlineSyncs > before.inlineSyncs ? "inline" : "pool";
  };
  return Object.assign(timed, { store, write });
}

describe("FileLogStore, syncs in line", () => {
  it("begin once the disk was measured to be fast", async () => {
    const { store, write } = timedDisk();
    await store.open();
    assertEquals([await write(), await write(), await write()], ["pool", "inline", "inline"]);
    await store.close();
  });

  it("do not begin on a slow disk, or when they are turned off", async () => {
    const slow = timedDisk();
    slow.syncMs = 3;
    const off = timedDisk({ inlineSyncBelowMs: 0 });
    for (const { store, write } of [slow, off]) {
      await store.open();
      for (let i = 0; i < 20; i++) assertEquals(await write(), "pool");
      assertEquals(store.stats.inlineSyncs, 0);
      await store.close();
    }
  });

  it("end with one that stalls, and come back after a while of fast ones", async () => {
    const timed = timedDisk();
    const { store, write } = timed;
    await store.open();
    await write();
    timed.syncMs = 500;
    assertEquals(await write(), "inline"); // nobody could know
    for (let i = 0; i < 5; i++) assertEquals(await write(), "pool");
    timed.syncMs = 0.2;
    timed.wait(60_000);
    let pooled = 0;
    while (await write() === "pool") pooled++;
    assert(pooled > 10, `${pooled} writes through the pool`);
    assertEquals(await write(), "inline");
    await store.close();
  });

  it("are for small writes", async () => {
    const { store, write } = timedDisk();
    await store.open();
    await write();
    assertEquals([await write(40_000), await write(100)], ["pool", "inline"]);
    await store.close();
  });

  it("are for writes that found the disk at rest", async () => {
    const { store, write, disk } = timedDisk();
    await store.open();
    await write();
    const { fault } = disk;
    let late: Promise<void> | undefined;
    disk.fault = (step) => {
      // While a write of 40,000 bytes is under way, another comes.
      if (step.type === "write") {
        late ??= store.persist(persistOf({ entries: entriesFrom(3, 1, 1) }));
      }
      return fault(step);
    };
    await store.persist(persistOf({ entries: entriesFrom(2, 1, 1, 40_000) }));
    await late;
    assertEquals([store.stats.syncs, store.stats.inlineSyncs], [3, 0]);
    await store.close();
  });

  it("are done before anything is acknowledged", async () => {
    const { store, write, disk } = timedDisk();
    await store.open();
    await write();
    let synced = false;
    const { fault } = disk;
    disk.fault = (step) => {
      synced = step.type === "sync";
      return fault(step);
    };
    assertEquals(await write(), "inline");
    assert(synced);
    disk.crash(loseAll);
    const after = onDisk(disk);
    assertEquals((await after.open()).entries.map(({ index }) => index), [1, 2]);
    await after.close();
  });

  it("poison the store when they fail, and so do writes in line", async () => {
    for (const [failing, code] of [["sync", "EIO"], ["write", "ENOSPC"]] as const) {
      const { store, write, disk } = timedDisk();
      await store.open();
      await write();
      const steps: string[] = [];
      disk.fault = ({ type }) => {
        if (type !== "remove") steps.push(type); // of the reserve
        return type === failing ? code : undefined;
      };
      const waiting = [2, 3].map((index) =>
        store.persist(persistOf({ entries: entriesFrom(index, 1, 1) }))
      );
      for (const one of waiting) await assertRejects(() => one, StoragePoisonedError, code);
      assertEquals(steps, failing === "sync" ? ["write", "sync"] : ["write"]);
      disk.fault = () => undefined;
      const error = await assertRejects(() => store.persist(persistOf({})), StoragePoisonedError);
      assertEquals(error.full, code === "ENOSPC");
      assertEquals(store.stats.inlineSyncs, 0);
      await store.close();
    }
  });

  it("make room for a new segment through the pool", async () => {
    const { store, write } = timedDisk({ segmentBytes: 4096 });
    await store.open();
    const ways = new Set<string>();
    for (let i = 0; i < 40; i++) ways.add(await write(300));
    assertEquals(ways, new Set(["pool", "inline"]));
    assert(store.stats.segments > 2);
    assert(store.stats.inlineSyncs > 20, `${store.stats.inlineSyncs} in line`);
    await store.close();
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
