import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { DiskFault, drawnCrash, keepAll, loseAll, SECTOR_BYTES, SimDisk } from "./disk.ts";
import { Streams } from "./prng.ts";

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);

function diskWithFile(): SimDisk {
  const disk = new SimDisk(new Streams(1).named("disk"));
  disk.perform({ type: "create", file: "a", sizeBytes: 4 * SECTOR_BYTES });
  disk.perform({ type: "sync", file: "a" });
  disk.perform({ type: "syncDirectory" });
  return disk;
}

describe("SimDisk", () => {
  it("loses what was not synced", () => {
    const disk = diskWithFile();
    disk.perform({ type: "write", file: "a", offset: 0, bytes: bytes(10, 1) });
    disk.perform({ type: "sync", file: "a" });
    disk.perform({ type: "write", file: "a", offset: 10, bytes: bytes(10, 2) });
    assertEquals(disk.read("a")![10], 2);
    disk.crash(loseAll);
    assertEquals([...disk.read("a")!.subarray(9, 11)], [1, 0]);
  });

  it("loses names that the directory's sync has not promised, and keeps the content they had", () => {
    const disk = diskWithFile();
    disk.perform({ type: "rename", from: "a", to: "b" });
    disk.perform({ type: "create", file: "c", sizeBytes: 1 });
    const other = disk.fork();
    disk.crash(loseAll);
    assertEquals(disk.names, ["a"]);
    other.crash(keepAll);
    assertEquals(other.names, ["b", "c"]);
  });

  it("writes only what is dirty: what a failed sync lost stays lost", () => {
    const disk = diskWithFile();
    for (let sector = 0; sector < 4; sector++) {
      disk.perform({ type: "write", file: "a", offset: sector * SECTOR_BYTES, bytes: bytes(8, 9) });
    }
    disk.fault = () => "EIO";
    assertThrows(() => disk.perform({ type: "sync", file: "a" }), DiskFault, "EIO");
    disk.fault = () => undefined;
    disk.perform({ type: "sync", file: "a" });
    assertEquals(disk.read("a")![0], 9);
    disk.crash(keepAll);
    const kept = [0, 1, 2, 3].map((sector) => disk.read("a")![sector * SECTOR_BYTES]);
    assertEquals(kept.every((value) => value === 9), false);
  });

  it("never harms what was synced, whatever is drawn", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const disk = diskWithFile();
      disk.perform({ type: "write", file: "a", offset: 0, bytes: bytes(700, 5) });
      disk.perform({ type: "sync", file: "a" });
      disk.perform({ type: "write", file: "a", offset: 700, bytes: bytes(900, 6) });
      disk.perform({ type: "write", file: "a", offset: 1600, bytes: bytes(900, 7) });
      disk.crash(drawnCrash(new Streams(seed).named("crash")));
      assertEquals(disk.read("a")!.subarray(0, 700), bytes(700, 5), `seed ${seed}`);
    }
  });

  it("is full when it is full, after a short write", () => {
    const disk = diskWithFile();
    disk.capacityBytes = 4 * SECTOR_BYTES + 3;
    const write = () =>
      disk.perform({ type: "write", file: "a", offset: 4 * SECTOR_BYTES, bytes: bytes(9, 1) });
    assertThrows(write, DiskFault, "ENOSPC");
    assertEquals(disk.read("a")!.length, 4 * SECTOR_BYTES + 3);
  });
});
