import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import { SimDisk } from "../sim/disk.ts";
import { Streams } from "../sim/prng.ts";
import { needs } from "../tests/_needs.ts";
import { memoryNetwork } from "../transport/memory.ts";
import { founders, Group, Journal, line, type MemberOptions } from "./_harness_nodes.ts";
import { ProposalError } from "./errors.ts";
import { RaftNode } from "./raft_node.ts";
import { FileSnapshotStore } from "./snapshot/file_snapshot_store.ts";
import {
  DirectoryLockedError,
  StoragePoisonedError,
  StorageUnusableError,
} from "./storage_error.ts";
import { filesOn } from "./wal/_harness_files.ts";
import { FileLogStore } from "./wal/file_log_store.ts";

/** What node `a` keeps on a disk. */
function on(disk: SimDisk): MemberOptions {
  const files = filesOn(disk);
  const owner = { pid: 1, began: "", boot: "boot", nonce: "1" };
  return {
    bootstrap: founders(["a"]),
    snapshotEntries: 10,
    trailingEntries: 2,
    log: new FileLogStore({
      directory: "d",
      cluster: "test",
      nodeId: "a",
      segmentBytes: 4096,
      reserveBytes: 2048,
      files,
      processes: { self: () => Promise.resolve(owner), runs: () => Promise.resolve(false) },
    }),
    snapshots: new FileSnapshotStore({ directory: "d/snap", files, chunkBytes: 1024 }),
  };
}

/** Proposes until the node takes no more. */
async function fill(group: Group, acknowledged: string[], most: number): Promise<unknown> {
  const node = await group.leader();
  for (let i = 0; i < most; i++) {
    const text = `${i}`.padEnd(100, ".");
    const { error } = await group.time.settled(node.propose(line(text)));
    if (error !== undefined) return error;
    acknowledged.push(text);
  }
  return undefined;
}

/** Starts the node again, on a disk that works, and looks for what was acknowledged. */
async function reopened(disk: SimDisk, acknowledged: readonly string[], where: string) {
  const group = new Group();
  const node = await group.start("a", on(disk));
  await group.leader();
  await group.time.value(node.readIndex());
  const { lines } = group.members.get("a")!.journal;
  assertEquals(lines.slice(0, acknowledged.length), acknowledged, where);
  assert(lines.length <= acknowledged.length + 1, where);
  await group.time.value(node.propose(line("goes on")));
  await group.close();
}

describe("RaftNode on a disk", () => {
  it("that is full, wherever it gets full: refuses to start, or ends, and what was acknowledged is there", async () => {
    const seen = new Set<string>();
    for (let room = 0; room <= 40_000; room += 1_000) {
      const disk = new SimDisk(new Streams(room).named("disk"), { capacityBytes: room });
      const group = new Group();
      const acknowledged: string[] = [];
      const where = `${room} bytes`;
      const opened = await group.start("a", on(disk)).catch((error: unknown) => error);
      if (opened instanceof RaftNode) {
        let halted: Error | undefined;
        opened.events.addEventListener("halted", ({ detail }) => halted = detail);
        const error = await fill(group, acknowledged, 60);
        if (error !== undefined) {
          assert(error instanceof ProposalError, where);
          seen.add(`${error.outcome} ${error.reason}`);
          assert(opened.failure instanceof StoragePoisonedError && opened.failure.full, where);
          assertEquals([halted, opened.status.role], [opened.failure, "halted"], where);
        } else seen.add(`kept ${opened.stats.snapshots.failed > 0 ? "without snapshots" : "all"}`);
      } else {
        assert(opened instanceof StorageUnusableError || opened instanceof StoragePoisonedError);
        assert(opened.message.includes("ENOSPC"), where);
        seen.add(opened.name);
      }
      await group.close();
      disk.capacityBytes = Infinity;
      await reopened(disk, acknowledged, where);
    }
    for (const wanted of ["StorageUnusableError", "unknown halted", "kept all"]) {
      assert(seen.has(wanted), `${wanted}: ${[...seen]}`);
    }
  });

  it("that is read-only: refuses to start and changes nothing, or ends when it becomes so", async () => {
    const disk = new SimDisk(new Streams(1).named("disk"));
    const readOnly = () => disk.fault = ({ type }) => type === "sync" ? undefined : "EROFS";
    readOnly();
    const group = new Group();
    const fresh = await assertRejects(() => group.start("a", on(disk)), StorageUnusableError);
    assertEquals([fresh.code, fresh.directory], ["EROFS", "d"]);
    assertEquals(disk.names, []);

    disk.fault = () => undefined;
    const node = await group.start("a", on(disk));
    const acknowledged: string[] = [];
    assertEquals(await fill(group, acknowledged, 25), undefined);
    readOnly();
    const error = await fill(group, [], 1);
    assert(error instanceof ProposalError);
    assertEquals([error.outcome, error.reason], ["unknown", "halted"]);
    assert(node.failure instanceof StoragePoisonedError && node.failure.message.includes("EROFS"));
    await group.stop("a").catch(() => {}); // the lock stays, too

    const before = disk.files();
    await assertRejects(() => group.start("a", on(disk)), StorageUnusableError);
    assertEquals(disk.files(), before);
    disk.fault = () => undefined;
    await reopened(disk, acknowledged, "after EROFS");
  });
});

describe("a second process on one directory", needs("read", "write", "run", "sys", "env"), () => {
  /** Names and sizes below a directory, and what the first process does not write by itself: contents and times. */
  async function everything(directory: string): Promise<unknown> {
    const names = (await readdir(directory, { recursive: true })).sort();
    return await Promise.all(names.map(async (name) => {
      const path = `${directory}/${name}`;
      const { mtimeMs, size } = await stat(path);
      if (name.startsWith("wal-")) return [name, size];
      return [name, size, mtimeMs, name.includes(".") ? await readFile(path, "latin1") : ""];
    }));
  }

  it("is refused before it touches anything, unfinished snapshots included", async () => {
    const directory = await mkdtemp(`${tmpdir()}/raft-`);
    const network = memoryNetwork();
    const open = (journal: Journal, address: string) =>
      RaftNode.open<number>({
        id: "a",
        clusterName: "test",
        address,
        transport: network.transport(address),
        log: new FileLogStore({
          directory,
          cluster: "test",
          nodeId: "a",
          segmentBytes: 4096,
          idleMs: 60_000,
        }),
        snapshots: new FileSnapshotStore({ directory: `${directory}/snap` }),
        stateMachine: journal,
        bootstrap: founders(["a"]),
        heartbeatIntervalMs: 5,
        electionTimeoutMs: 20,
      });
    try {
      const first = await open(new Journal(), "a:1");
      for await (const { role } of first.watch()) if (role === "leader") break;
      await first.propose(line("x"));
      await first.snapshot();
      await first.barrier();
      // One that the first process is about to write.
      await writeFile(`${directory}/snap/00000000000009-1.snap.tmp`, "half of it");
      const before = await everything(directory);
      await assertRejects(() => open(new Journal(), "a:2"), DirectoryLockedError);
      assertEquals(await everything(directory), before);
      await first.propose(line("y"));
      await first.close();
      const journal = new Journal();
      const second = await open(journal, "a:3");
      for await (const { role } of second.watch()) if (role === "leader") break;
      await second.readIndex();
      assertEquals(journal.lines, ["x", "y"]);
      assertEquals(
        (await readdir(`${directory}/snap`)).filter((name) => name.endsWith(".tmp")),
        [],
      );
      await second.close();
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
