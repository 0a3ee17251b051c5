import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { SimDisk } from "../../sim/disk.ts";
import { LogOnDisk } from "../../sim/log_on_disk.ts";
import { Streams } from "../../sim/prng.ts";
import type { SnapshotMeta } from "../entry.ts";
import type { Persist } from "../log_store.ts";
import { entriesFrom, entryAt, hard, persistOf, snapshotAt } from "./_conformance.ts";
import { smallLog } from "./_harness_log.ts";
import { castagnoli } from "./checksum.ts";
import type { WalOptions } from "./wal_contract.ts";
import type { DiskStep } from "./step.ts";

/** A log on a disk that performs steps when told. */
class Bench {
  readonly disk = new SimDisk(new Streams(1).named("disk"));
  log: LogOnDisk;
  readonly options: WalOptions;

  constructor(options: WalOptions = smallLog) {
    this.options = options;
    this.log = new LogOnDisk(this.disk, options, { expected: false, snapshots: [] });
  }

  append(parts: Partial<Persist>): number {
    const effect = persistOf(parts);
    this.log.step({ type: "append", effect });
    return effect.token;
  }

  /** Runs until nothing waits. @returns The steps, and what was said. */
  run(): { steps: DiskStep["type"][]; said: unknown[] } {
    const steps: DiskStep["type"][] = [];
    const said: unknown[] = [...this.log.step({ type: "flush" })];
    while (this.log.lanes.length > 0) {
      for (const lane of this.log.lanes) {
        steps.push(this.log.pending(lane)!.type);
        said.push(...this.log.perform(lane));
      }
    }
    return { steps, said };
  }

  reopen(snapshots: readonly SnapshotMeta[] = []): LogOnDisk {
    return this.log = new LogOnDisk(this.disk, this.options, { expected: true, snapshots });
  }
}

describe("the log's core", () => {
  it("writes what waits with one write and one sync, and answers with the last token", () => {
    const bench = new Bench();
    bench.append({ entries: entriesFrom(1, 2, 1) });
    bench.append({ entries: entriesFrom(3, 2, 1) });
    const last = bench.append({ hardState: hard(1, 1) });
    assertEquals(bench.run(), {
      steps: ["write", "sync"],
      said: [{ type: "durable", token: last }],
    });
  });

  it("stages what comes during a write, and writes it right after", () => {
    const bench = new Bench();
    bench.append({ entries: entriesFrom(1, 1, 1) });
    bench.log.step({ type: "flush" });
    bench.append({ entries: entriesFrom(2, 1, 1) });
    bench.append({ entries: entriesFrom(3, 1, 1) });
    assertEquals(bench.log.step({ type: "flush" }), []);
    assertEquals(bench.log.lanes, ["log"]);
    assertEquals(bench.run().steps, ["write", "sync", "write", "sync"]);
  });

  it("does not sync for a commit index alone", () => {
    const bench = new Bench();
    bench.append({ entries: entriesFrom(1, 1, 1) });
    bench.run();
    const token = bench.append({ hardState: hard(1, 1), sync: false });
    assertEquals(bench.run(), { steps: ["write"], said: [{ type: "durable", token }] });
  });

  it("answers a barrier without touching the disk, after what is before it", () => {
    const bench = new Bench();
    const alone = bench.append({});
    assertEquals(bench.run(), { steps: [], said: [{ type: "durable", token: alone }] });
    bench.append({ entries: entriesFrom(1, 1, 1) });
    const after = bench.append({});
    assertEquals(bench.run(), {
      steps: ["write", "sync"],
      said: [{ type: "durable", token: after }],
    });
  });

  it("has the next segment on disk before it seals one", () => {
    const bench = new Bench();
    bench.append({ entries: [entryAt(1, 1, 1200)] });
    bench.run();
    bench.append({ entries: [entryAt(2, 1, 1200)] });
    const { steps } = bench.run();
    assertEquals(steps.slice(0, 4), ["write", "sync", "rename", "syncDirectory"]);
    assertEquals(steps.slice(4, 8), ["write", "sync", "write", "sync"]);
    assertEquals(bench.log.core.segments.length, 2);
  });

  it("makes a segment larger for a batch that is larger than one", () => {
    const bench = new Bench();
    for (const [i, bytes] of [10, 9000, 10, 5000, 10].entries()) {
      bench.append({ entries: [entryAt(i + 1, 1, bytes)] });
      bench.run();
    }
    const { entries } = bench.reopen().recovery.opened;
    assertEquals(entries.map(({ data }) => data.length), [10, 9000, 10, 5000, 10]);
  });

  it("keeps term, vote, commit and marks when the segments that said so are dropped", () => {
    const bench = new Bench();
    const said = { hardState: hard(7, 1, "c"), snapshot: snapshotAt(1, 1) };
    bench.append({ entries: [entryAt(1, 1, 1000)], ...said });
    bench.run();
    for (let index = 2; index < 8; index++) {
      bench.append({ entries: [entryAt(index, 7, 1200)] });
      bench.run();
    }
    bench.log.step({ type: "compact", through: 1 });
    bench.run();
    assertEquals(bench.log.core.segments[0]!.seq, 2);
    const { opened, unmarked } = bench.reopen([snapshotAt(1, 1)]).recovery;
    assertEquals(opened.hardState, hard(7, 1, "c"));
    assertEquals(opened.snapshot, snapshotAt(1, 1));
    assertEquals(unmarked, undefined);
    assertEquals(opened.entries.map(({ index }) => index), [2, 3, 4, 5, 6, 7]);
  });

  it("drops nothing before a mark is durable, and keeps one file as a spare", () => {
    const bench = new Bench();
    for (let index = 1; index < 8; index++) {
      bench.append({ entries: [entryAt(index, 1, 1050)], hardState: hard(1, index) });
      bench.run();
    }
    bench.log.step({ type: "compact", through: 6 });
    assertEquals(bench.run().steps, []);
    assertEquals(bench.log.core.segments.length, 7);
    bench.append({ snapshot: snapshotAt(6, 1) });
    const { steps } = bench.run();
    assertEquals(steps.filter((type) => type === "remove").length, 6);
    assertEquals(bench.log.core.segments.map(({ seq }) => seq), [7]);
    assert(bench.disk.names.includes("spare.log"));
  });

  it("says once after a pause that all is durable", () => {
    const bench = new Bench();
    bench.append({ entries: entriesFrom(1, 1, 1) });
    bench.run();
    bench.log.step({ type: "idle" });
    assertEquals(bench.run().steps, ["write", "sync"]);
    bench.log.step({ type: "idle" });
    assertEquals(bench.run().steps, []);
  });

  it("answers nothing after the disk failed, whichever step did", () => {
    for (let failing = 1;; failing++) {
      const bench = new Bench();
      let steps = 0;
      bench.disk.fault = () => ++steps === failing ? "EIO" : undefined;
      bench.append({ entries: [entryAt(1, 1, 1200)] });
      const first = bench.run().said as { type: string }[];
      const poisoned = first.some(({ type }) => type === "poisoned");
      if (!poisoned) {
        bench.append({ entries: [entryAt(2, 1, 1200)] });
        const { said } = bench.run() as { said: { type: string }[] };
        if (steps < failing) break;
        assertEquals(said.at(-1)?.type, "poisoned", `step ${failing}`);
      }
      assertThrows(() => bench.append({ entries: entriesFrom(3, 1, 1) }), TypeError);
      assertEquals(bench.run().said, []);
      assertEquals(bench.log.step({ type: "close" }), [{ type: "closed" }]);
    }
  });

  it("does without a spare on a full disk, and fails when it needs the room", () => {
    const bench = new Bench();
    bench.append({ entries: [entryAt(1, 1, 600)] });
    bench.disk.capacityBytes = 2100;
    assertEquals(bench.run().said.length, 1);
    bench.append({ entries: [entryAt(2, 1, 600)] });
    assertEquals((bench.run().said as { type: string }[]).map(({ type }) => type), ["durable"]);
    bench.append({ entries: [entryAt(3, 1, 1000)] });
    assertEquals((bench.run().said as { type: string }[]).map(({ type }) => type), ["poisoned"]);
    bench.disk.capacityBytes = Infinity;
    assertEquals(bench.reopen().recovery.opened.entries.length, 2);
  });

  it("reads segments of either checksum, one after the other", () => {
    const bench = new Bench();
    bench.append({ entries: [entryAt(1, 1, 1200)] });
    bench.run();
    const other = { ...smallLog, checksum: castagnoli };
    const log = new LogOnDisk(bench.disk, other, { expected: true, snapshots: [] });
    assertEquals(log.recovery.opened.entries.length, 1);
  });
});
