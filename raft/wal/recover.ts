/**
 * What a log's files say, and what to do about an unfinished write.
 *
 * A crash tears only what was never acknowledged; anything else that does not verify was damaged, and the node must not start. How the two
 * are told apart:
 *
 * 1. A batch that fails before the last segment in use was made durable before that segment's first batch: damaged.
 * 2. A later header calls the failed batch durable: damaged.
 * 3. Later headers exist and none does: they were under way together with it, and none was acknowledged: torn.
 * 4. Nothing verifies after it: torn.
 * 5. The rest contradicts itself (a file is missing or short, the commit index or a snapshot lies beyond the log): damaged.
 *
 * What this cannot see: damage to the very last batch, when nothing was written after it. The `idle` batch and the clean seal make that
 * window small.
 *
 * @module
 */
import type { Index, SnapshotMeta } from "../entry.ts";
import type { RecoveredLog } from "../log_store.ts";
import { type BatchReader, firstEntryIndex, RESTATED } from "./batch.ts";
import type { Checksum } from "./checksum.ts";
import { initialHardState, LogImage } from "./log_image.ts";
import type { WalRecord } from "./record.ts";
import { damaged, type OpenSegment, openSegment } from "./open_segment.ts";
import { parseSegmentName, SEGMENT_HEADER_BYTES } from "./segment.ts";
import { segmentHead } from "./segment_head.ts";
import { SPARE_TEMPORARY_FILE, type WalSegment } from "./segment_list.ts";
import type { DiskStep } from "./step.ts";
import type { WalOptions, WalState } from "./wal_contract.ts";

/** What recovery looks at. */
export interface WalFiles {
  /** Files of the directory, by name. Only those of the log are looked at. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Length of the spare segment's file; 0 when there is none. */
  readonly spareBytes: number;
  /** Whether there must be a log: the store was opened before. */
  readonly expected: boolean;
  /** What the snapshot store verified. */
  readonly snapshots: readonly SnapshotMeta[];
}

/** What recovery found. */
export interface WalRecovery {
  /** For the core of Raft. */
  readonly opened: RecoveredLog;
  /** For the log's core. */
  readonly state: WalState;
  /** To be performed, all of it, before anything else: nothing of `opened` is durable before. */
  readonly repair: readonly DiskStep[];
  /** Set when the log does not name the recovered snapshot yet: append its mark before anything else. */
  readonly unmarked: SnapshotMeta | undefined;
}

/** Copies of torn tails that are kept, at most. */
const TORN_COPIES = 4;

/**
 * Reads a log.
 *
 * The data of the recovered entries are views of the files' bytes.
 *
 * @throws {WalCorruptError} Something acknowledged is damaged or lost.
 * @throws {ForeignStorageError} Another store's file is among them, or one of a later version.
 */
export function recoverWal(
  input: WalFiles,
  options: WalOptions,
  checksums: readonly Checksum[],
): WalRecovery {
  const names = [...input.files.keys()].filter((name) => parseSegmentName(name) !== undefined)
    .sort();
  if (names.length === 0) {
    if (input.expected) damaged("", 0, [1, 0], "the log is missing");
    return firstSegment(input, options);
  }
  return new Replay(input, options, checksums, names).recovery();
}

/** A log that begins. */
function firstSegment({ spareBytes }: WalFiles, options: WalOptions): WalRecovery {
  const birth = {
    seq: 1,
    firstIndex: 1,
    batchSeq: 0,
    durableSeq: 0,
    chain: 0,
    recycled: false,
    hardState: initialHardState,
    marks: [],
  };
  const { segment, head, chain } = segmentHead(birth, options);
  const file = SPARE_TEMPORARY_FILE;
  const state = {
    segments: [segment],
    tail: segment.start,
    batchSeq: 1,
    chain,
    nextIndex: 1,
    hardState: initialHardState,
    marks: [],
    spare: spareBytes >= options.segmentBytes,
  };
  return {
    opened: { hardState: initialHardState, snapshot: undefined, entries: [], tornBytes: 0 },
    state,
    repair: [
      { type: "create", file, sizeBytes: segment.capacity },
      { type: "write", file, offset: 0, bytes: head },
      { type: "sync", file },
      { type: "rename", from: file, to: segment.name },
      { type: "syncDirectory" },
    ],
    unmarked: undefined,
  };
}

/** Goes through the batches of all segments, in order. */
class Replay {
  readonly #input: WalFiles;
  readonly #segmentBytes: number;
  readonly #segments: readonly OpenSegment[];
  readonly #held: WalSegment[] = [];
  readonly #image: LogImage;
  #seq: number;
  #chain: number;
  #repair: DiskStep[] = [];
  #tornBytes = 0;
  /** Batches that no later one calls durable: where the first begins in each segment. */
  #unclaimed: { readonly seq: number; readonly which: number; readonly at: number }[] = [];

  constructor(
    input: WalFiles,
    options: WalOptions,
    checksums: readonly Checksum[],
    names: readonly string[],
  ) {
    this.#input = input;
    this.#segmentBytes = options.segmentBytes;
    this.#segments = names.map((name) => openSegment(name, input.files, options, checksums));
    this.#segments.forEach(({ name, header }, i) => {
      const before = this.#segments[i - 1]?.header;
      if (before !== undefined && header.seq !== before.seq + 1) {
        damaged(
          name,
          0,
          [before.firstIndex, header.firstIndex - 1],
          "the segment before it is missing",
        );
      }
    });
    const { header } = this.#segments[0]!;
    this.#image = new LogImage(header.firstIndex);
    this.#seq = header.batchSeq;
    this.#chain = header.chain;
  }

  recovery(): WalRecovery {
    let tail = 0;
    let last = 0;
    for (; last < this.#segments.length; last++) {
      const { end, sealed } = this.#replaySegment(last);
      tail = end;
      if (!sealed) break;
      if (last + 1 === this.#segments.length) {
        const { name } = this.#segments[last]!;
        damaged(name, end, [this.#image.nextIndex, 0], "the segment after it is missing");
      }
    }
    return this.#concluded(last, tail);
  }

  #concluded(last: number, tail: number): WalRecovery {
    const { name } = this.#segments[last]!;
    const { entries, hardState, firstIndex, nextIndex, marks } = this.#image;
    if (hardState.commit >= nextIndex) {
      damaged(name, tail, [nextIndex, hardState.commit], "the commit index lies beyond the log");
    }
    const snapshot = this.#image.snapshotAmong(this.#input.snapshots);
    if (snapshot === "lost") {
      damaged(
        name,
        0,
        [1, firstIndex - 1],
        `the log begins at ${firstIndex} and no snapshot reaches it`,
      );
    }
    const marked = snapshot === undefined || marks.some(({ id }) => id === snapshot.id);
    const commit = Math.max(hardState.commit, snapshot?.index ?? 0);
    const before = last > 0 ? [this.#segments[last - 1]!.name] : [];
    // A process that died has left what it wrote in memory: only a sync makes it durable.
    const syncs = [...before, name].map((file): DiskStep => ({ type: "sync", file }));
    const rewrites = this.#rewrites(last, tail);
    return {
      opened: {
        hardState: { ...hardState, commit },
        snapshot,
        entries: [...entries],
        tornBytes: this.#tornBytes,
      },
      state: {
        segments: this.#held,
        tail,
        batchSeq: this.#seq,
        chain: this.#chain,
        nextIndex,
        hardState,
        marks,
        // One that was made for smaller segments would make its segment look cut off.
        spare: this.#input.spareBytes >= this.#segmentBytes,
      },
      repair: [...this.#repair, ...rewrites, ...syncs, { type: "syncDirectory" }],
      unmarked: marked ? undefined : snapshot,
    };
  }

  /**
   * What may be in memory and not on disk. After a sync that failed, the pages count as clean: only writing them again makes the next sync
   * write them.
   */
  #rewrites(last: number, tail: number): DiskStep[] {
    const steps: DiskStep[] = [];
    const ends = new Map<number, number>([[last, tail]]);
    for (const { which, at } of [...this.#unclaimed].reverse()) {
      const { name, reader } = this.#segments[which]!;
      const end = ends.get(which) ?? at + reader.lengthAt(at);
      ends.set(which, end);
      if (this.#unclaimed.find((other) => other.which === which)!.at !== at) continue;
      steps.push({ type: "write", file: name, offset: at, bytes: reader.bytes.slice(at, end) });
    }
    return steps;
  }

  #replaySegment(which: number): { readonly end: number; readonly sealed: boolean } {
    const { name, header, reader } = this.#segments[which]!;
    if (header.batchSeq !== this.#seq || header.chain !== this.#chain) {
      damaged(name, 0, [header.firstIndex, 0], "it does not follow the segment before it");
    }
    let at = SEGMENT_HEADER_BYTES;
    let [start, maxIndex, entries] = [at, 0, 0];
    const held = () =>
      this.#held.push({
        name,
        seq: header.seq,
        capacity: reader.bytes.length,
        start,
        maxIndex,
        entries,
      });
    for (let batch = 0;; batch++) {
      const records = this.#nextBatch(reader, at, batch === 0);
      if (records === undefined) {
        if (batch === 0) {
          damaged(name, at, [header.firstIndex, 0], "its first batch does not verify");
        }
        this.#endAt(which, at);
        held();
        return { end: at, sealed: false };
      }
      this.#claim(reader.header(at)!.durableSeq, { seq: this.#seq, which, at });
      at += reader.lengthAt(at);
      if (batch === 0) start = at;
      for (const record of records) {
        if (record.type !== "entry") continue;
        entries++;
        maxIndex = Math.max(maxIndex, record.entry.index);
      }
      if (!this.#apply(records)) {
        damaged(name, at, [this.#image.nextIndex, 0], "an index is missing");
      }
      const [first] = records;
      if (first?.type === "seal" && first.kind === "segment") {
        held();
        return { end: at, sealed: true };
      }
    }
  }

  #claim(durableSeq: number, batch: { seq: number; which: number; at: number }): void {
    let claimed = 0;
    while ((this.#unclaimed[claimed]?.seq ?? Infinity) <= durableSeq) claimed++;
    if (claimed > 0) this.#unclaimed.splice(0, claimed);
    this.#unclaimed.push(batch);
  }

  /** The batch at `at`, if it is whole and the next one. */
  #nextBatch(reader: BatchReader, at: number, first: boolean): readonly WalRecord[] | undefined {
    const header = reader.header(at);
    if (header === undefined || header.seq !== this.#seq + 1 || header.chain !== this.#chain) {
      return undefined;
    }
    if (((header.flags & RESTATED) !== 0) !== first) return undefined;
    const records = reader.records(at, header);
    if (records === undefined) return undefined;
    this.#seq = header.seq;
    this.#chain = header.crc;
    return records;
  }

  #apply(records: readonly WalRecord[]): boolean {
    let reset = false;
    for (const record of records) {
      if (record.type === "truncate") {
        if (record.fromIndex === 0) reset = true;
        else this.#image.truncate(record.fromIndex);
      } else if (record.type === "entry") {
        if (!this.#image.append(record.entry)) return false;
      } else if (record.type === "hardState") this.#image.hardState = record.hardState;
      else if (record.type === "mark") {
        this.#image.mark(record.mark, reset);
        reset = false;
      }
    }
    return true;
  }

  /** Nothing verifies at `at`: the end, a torn write, or damage. */
  #endAt(which: number, at: number): void {
    const { name, header, reader } = this.#segments[which]!;
    const failed = this.#seq + 1;
    let tornEnd = header.recycled ? at : lastNonZero(reader.bytes, at);
    const indexes = () => this.#lost(which, at);
    for (const later of reader.headersFrom(at)) {
      if (later.header.seq < failed) continue;
      if (later.header.durableSeq >= failed) {
        damaged(name, at, indexes(), `batch ${failed} was durable and does not verify`);
      }
      const end = later.at + reader.lengthAt(later.at);
      tornEnd = Math.max(tornEnd, Math.min(end, reader.bytes.length));
    }
    for (const later of this.#segments.slice(which + 1)) this.#checkUnborn(later, name, at, which);
    if (tornEnd > at) this.#cut(name, reader.bytes.subarray(at, tornEnd), at);
  }

  /** A segment that was made, and that nothing was written to before the one before it was sealed. */
  #checkUnborn(later: OpenSegment, name: string, at: number, which: number): void {
    const failed = this.#seq + 1;
    let count = 0;
    for (const { header } of later.reader.headersFrom(SEGMENT_HEADER_BYTES)) {
      if (header.seq < failed) continue;
      count++;
      if (header.durableSeq >= failed || count > 1) {
        damaged(
          name,
          at,
          this.#lost(which, at),
          `batch ${failed} does not verify and ${later.name} follows it`,
        );
      }
    }
    this.#repair.push({ type: "remove", file: later.name }, { type: "syncDirectory" });
  }

  /** Which indexes a failure at `at` touches: up to the next entry that verifies. */
  #lost(which: number, at: number): readonly [Index, Index] {
    const first = this.#image.nextIndex;
    for (const [i, { reader }] of this.#segments.slice(which).entries()) {
      for (const later of reader.headersFrom(i === 0 ? at + 8 : SEGMENT_HEADER_BYTES)) {
        if (later.header.seq <= this.#seq) continue;
        const index = firstEntryIndex(reader.records(later.at, later.header) ?? []);
        if (index !== undefined) return [first, Math.max(first, index - 1)];
      }
    }
    return [first, 0];
  }

  /** Keeps a copy of a torn tail, then overwrites it: nothing of it may come back behind a new batch. */
  #cut(file: string, tail: Uint8Array, offset: number): void {
    this.#tornBytes = tail.length;
    const copies = Array.from({ length: TORN_COPIES }, (_, i) => `torn-${i}`);
    const copy = copies.find((name) => !this.#input.files.has(name)) ?? copies.at(-1)!;
    this.#repair.push(
      { type: "create", file: copy, sizeBytes: 0 },
      { type: "write", file: copy, offset: 0, bytes: tail },
      { type: "sync", file: copy },
      { type: "write", file, offset, bytes: new Uint8Array(tail.length) },
    );
  }
}

/** Where the bytes that are not zero end, at or after `from`. */
function lastNonZero(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}
