import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Streams } from "../../sim/prng.ts";
import { ForeignStorageError, WalCorruptError } from "../storage_error.ts";
import { entriesFrom, hard, persistOf } from "./_conformance.ts";
import { LogModel, smallLog } from "./_harness_log.ts";
import { castagnoli, ieee } from "./checksum.ts";
import { LogOnDisk } from "../../sim/log_on_disk.ts";
import { SECTOR_BYTES, SimDisk } from "../../sim/disk.ts";
import { recoverWal, type WalRecovery } from "./recover.ts";
import { decodeSegmentHeader, encodeSegmentHeader } from "./segment.ts";

type Files = Map<string, Uint8Array>;

/** A log of some segments, all of it durable, one batch a write. */
function written(end: "sealed" | "idle" | "bare"): { files: Files; model: LogModel; tail: number } {
  const disk = new SimDisk(new Streams(1).named("disk"));
  const log = new LogOnDisk(disk, smallLog, { expected: false, snapshots: [] });
  const model = new LogModel();
  const run = () => {
    while (log.lanes.length > 0) log.lanes.forEach((lane) => log.perform(lane));
  };
  let index = 1;
  for (let term = 1; index < 60; term++) {
    const entries = entriesFrom(index, 1 + term % 3, term, 60);
    index += entries.length;
    const effect = persistOf({ entries, hardState: hard(term, index - 3, "b") });
    model.add(effect);
    log.step({ type: "append", effect });
    log.step({ type: "flush" });
    run();
  }
  if (end === "idle") log.step({ type: "idle" });
  if (end === "sealed") log.step({ type: "close" });
  run();
  const files = new Map(disk.files());
  const { state } = recoverWal(found(files), smallLog, [ieee]);
  return { files, model, tail: state.tail };
}

function found(files: Files) {
  return { files, spareBytes: 0, expected: true, snapshots: [] };
}

/** Recovers, or says how it refused. */
function verdict(files: Files): WalRecovery | "corrupt" | "foreign" {
  try {
    return recoverWal(found(files), smallLog, [ieee, castagnoli]);
  } catch (error) {
    if (error instanceof WalCorruptError) return "corrupt";
    if (error instanceof ForeignStorageError) return "foreign";
    throw error;
  }
}

function withBytes(files: Files, name: string, change: (bytes: Uint8Array) => void): Files {
  const bytes = files.get(name)!.slice();
  change(bytes);
  return new Map(files).set(name, bytes);
}

function segmentsOf(files: Files): string[] {
  return [...files.keys()].filter((name) => name.startsWith("wal-")).sort();
}

describe("a damaged log", () => {
  for (const end of ["sealed", "idle", "bare"] as const) {
    it(`is refused for a flipped bit in any byte in use (${end})`, () => {
      const { files, model, tail } = written(end);
      const names = segmentsOf(files);
      assert(names.length >= 3);
      let lost = 0;
      for (const name of names) {
        const last = name === names.at(-1);
        // All bytes once; the other two ends share them.
        for (let at = 0; at < files.get(name)!.length; at += end === "bare" ? 1 : 5) {
          const result = verdict(withBytes(files, name, (bytes) => bytes[at]! ^= 1 << (at % 8)));
          if (typeof result === "string") continue;
          const count = model.countOf(result.opened, 0);
          if (count === model.effects.length) continue;
          // What was written last, and nothing after it: it looks torn.
          assert(last && at < tail, `${name}:${at}`);
          assertEquals(count, model.effects.length - 1, `${name}:${at}`);
          lost++;
        }
      }
      // A batch that a later one vouches for is never taken for torn.
      assertEquals(lost > 0, end === "bare");
    });

    it(`is refused when a segment is short, by whatever length (${end})`, () => {
      const { files } = written(end);
      for (const name of segmentsOf(files)) {
        const whole = files.get(name)!;
        for (let length = 0; length < whole.length; length += end === "bare" ? 1 : 7) {
          const result = verdict(new Map(files).set(name, whole.subarray(0, length)));
          assertEquals(result, "corrupt", `${name} ${length}`);
        }
      }
    });

    it(`is refused when a sector reads as zeros, unless it holds the end (${end})`, () => {
      const { files, model, tail } = written(end);
      const names = segmentsOf(files);
      for (const name of names) {
        for (let at = 0; at < files.get(name)!.length; at += SECTOR_BYTES) {
          const result = verdict(
            withBytes(files, name, (bytes) => bytes.fill(0, at, at + SECTOR_BYTES)),
          );
          if (typeof result === "string") continue;
          assert(name === names.at(-1), `${name}:${at}`);
          const count = model.countOf(result.opened, 0);
          assert(count === model.effects.length || at + SECTOR_BYTES >= tail, `${name}:${at}`);
        }
      }
    });

    it(`is refused when any segment is gone (${end})`, () => {
      const { files } = written(end);
      for (const name of segmentsOf(files)) {
        const rest = new Map(files);
        rest.delete(name);
        assertEquals(verdict(rest), "corrupt", name);
      }
      assertEquals(verdict(new Map()), "corrupt");
    });
  }

  it("is refused when sectors or segments change places", () => {
    const { files, model } = written("sealed");
    const names = segmentsOf(files);
    for (const a of names) {
      for (const b of names.filter((name) => name > a)) {
        const swapped = new Map(files).set(a, files.get(b)!).set(b, files.get(a)!);
        assertEquals(verdict(swapped), "corrupt");
        assertEquals(verdict(new Map(files).set(a, files.get(b)!)), "corrupt");
      }
      for (let from = 0; from < files.get(a)!.length; from += SECTOR_BYTES) {
        for (let to = 0; to < files.get(a)!.length; to += SECTOR_BYTES) {
          const result = verdict(
            withBytes(files, a, (bytes) => bytes.copyWithin(to, from, from + SECTOR_BYTES)),
          );
          if (typeof result === "string") continue;
          const count = model.countOf(result.opened, 0);
          assert(count === model.effects.length || a === names.at(-1), `${a} ${from} to ${to}`);
        }
      }
    }
  });

  it("says which file, where, which indexes and what to do", () => {
    const { files } = written("sealed");
    const [name] = segmentsOf(files);
    const harmed = withBytes(files, name!, (bytes) => bytes[600]! ^= 1);
    const error = assertThrows(
      () => recoverWal(found(harmed), smallLog, [ieee]),
      WalCorruptError,
      "join again under a new node id",
    );
    assertEquals(error.file, name, error.message);
    assert(error.offset > 300 && error.offset <= 600, error.message);
    assert(error.firstIndex > 1 && error.lastIndex >= error.firstIndex, error.message);
    assert(error.lastIndex < 60);
  });

  it("ignores what an earlier life of a recycled file has left after the end", () => {
    const { files, model, tail } = written("idle");
    const [first] = segmentsOf(files);
    const last = segmentsOf(files).at(-1)!;
    // Batches of the first segment, on an 8-byte boundary, right after the last one.
    const stale = withBytes(files, last, (bytes) => {
      const old = files.get(first!)!.subarray(tail % SECTOR_BYTES);
      bytes.set(old.subarray(0, bytes.length - tail), tail);
    });
    const result = verdict(stale);
    assert(typeof result !== "string");
    assertEquals(model.countOf(result.opened, 0), model.effects.length);
  });

  it("does not take a batch of another history of the same store for the next one", () => {
    const history = (term: number): Files => {
      const disk = new SimDisk(new Streams(1).named("disk"));
      const log = new LogOnDisk(disk, smallLog, { expected: false, snapshots: [] });
      for (const entries of [entriesFrom(1, 1, term), entriesFrom(2, 1, 5)]) {
        log.step({ type: "append", effect: persistOf({ entries }) });
        log.step({ type: "flush" });
        while (log.lanes.length > 0) log.lanes.forEach((lane) => log.perform(lane));
      }
      return new Map(disk.files());
    };
    const [ours, theirs] = [history(1), history(2)];
    const [name] = segmentsOf(ours);
    const { state } = recoverWal(found(ours), smallLog, [ieee]);
    const last = state.tail - 72;
    const mixed = withBytes(ours, name!, (bytes) => {
      bytes.set(theirs.get(name!)!.subarray(last, state.tail), last);
    });
    const result = verdict(mixed);
    assert(typeof result !== "string");
    assertEquals(result.opened.entries.map(({ term }) => term), [1]);
  });

  it("refuses another store's segment, and one of a later version", () => {
    const { files } = written("sealed");
    const [name] = segmentsOf(files);
    const { header } = decodeSegmentHeader(files.get(name!)!, [ieee])!;
    const foreign = { ...header, storageId: new Uint8Array(16) };
    assertEquals(
      verdict(withBytes(files, name!, (bytes) => bytes.set(encodeSegmentHeader(foreign, ieee)))),
      "foreign",
    );
    const later = { ...header, version: 2 };
    const harmed = withBytes(files, name!, (bytes) => bytes.set(encodeSegmentHeader(later, ieee)));
    const error = assertThrows(
      () => recoverWal(found(harmed), smallLog, [ieee]),
      ForeignStorageError,
    );
    assertEquals([error.field, error.found], ["version", "2"]);
  });
});
