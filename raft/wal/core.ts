/**
 * The log on disk as a state machine: batches in, writes out, one at a time.
 *
 * What is appended while a write is under way is staged, in one buffer, and becomes the next write with one sync: group commit without
 * any timer. A segment that is full is sealed; the next one is on disk, under its name, before the seal is, so a seal without a successor
 * is a lost file.
 *
 * @module
 */
import type { HardState, Index } from "../entry.ts";
import type { Persist } from "../log_store.ts";
import {
  BATCH_HEADER_BYTES,
  BatchBuffer,
  persistBytes,
  recordsAround,
  saltOf,
  SEAL_BYTES,
} from "./batch.ts";
import { nextIndexAfter, type SnapshotMark, withMark } from "./log_image.ts";
import { deadSegments, SPARE_FILE, SPARE_TEMPORARY_FILE, type WalSegment } from "./segment_list.ts";
import { segmentHead } from "./segment_head.ts";
import type { DiskStep } from "./step.ts";
import type { WalEffect, WalInput, WalOptions, WalState } from "./wal_contract.ts";

/** A stretch of the staging buffer, and where it goes. */
interface Part {
  readonly file: string;
  readonly offset: number;
  readonly start: number;
  end: number;
}

/** What is to be written at once. */
interface Staged {
  readonly buffer: BatchBuffer;
  readonly parts: Part[];
  /** Segments that begin in it. */
  readonly births: WalSegment[];
  /** Their first bytes. */
  readonly heads: Uint8Array[];
  /** Whether anything asks for durability. */
  sync: boolean;
  /** The last token to answer; `undefined` when nobody waits. */
  token: number | undefined;
}

/** The log's state machine. Steps are synchronous and depend on nothing but the inputs. */
export class WalCore {
  readonly #options: WalOptions;
  readonly #salt: number;
  readonly #segments: Writable<WalSegment>[];
  #tail: number;
  #batchSeq: number;
  #chain: number;
  #nextIndex: Index;
  #hardState: HardState;
  #marks: readonly SnapshotMark[];
  #staged: Staged;
  #writing:
    | (Staged & { operation: number; lastSeq: number; mark: Index; syncs: boolean })
    | undefined;
  #resting: BatchBuffer | undefined;
  #background: { operation: number; ended: () => void } | undefined;
  #operation = 0;
  #durableSeq: number;
  /** Whether a batch on disk says that all before it is durable. */
  #claimed = false;
  #durableMark: Index;
  #compactThrough: Index = 0;
  #spare: boolean;
  #spareFailed = false;
  #closing: "" | "wanted" | "sealed" | "closed" = "";
  #poison: { error: unknown } | undefined;

  /**
   * @param state What recovery found, durable as it is.
   * @param options The same as recovery's.
   */
  constructor(state: WalState, options: WalOptions) {
    this.#options = options;
    this.#salt = saltOf(options.storageId, options.checksum);
    this.#segments = state.segments.map((segment) => ({ ...segment }));
    this.#tail = state.tail;
    this.#batchSeq = state.batchSeq;
    this.#durableSeq = state.batchSeq;
    this.#chain = state.chain;
    this.#nextIndex = state.nextIndex;
    this.#hardState = state.hardState;
    this.#marks = state.marks;
    this.#durableMark = state.marks.at(-1)?.index ?? 0;
    this.#spare = state.spare;
    this.#staged = this.#fresh();
  }

  /** Where the next entry goes. */
  get nextIndex(): Index {
    return this.#nextIndex;
  }

  /** Oldest first. */
  get segments(): readonly WalSegment[] {
    return this.#segments;
  }

  /** Bytes that are staged and not yet handed to the disk. */
  get stagedBytes(): number {
    return this.#staged.buffer.length;
  }

  /** Whether a write is under way. */
  get writing(): boolean {
    return this.#writing !== undefined;
  }

  /**
   * Takes one input.
   *
   * @throws {RangeError} An appended effect leaves a hole or is too large. Nothing changed.
   * @throws {TypeError} Something is appended after `close`, or after the disk failed. Nothing changed.
   */
  step(input: WalInput): readonly WalEffect[] {
    const effects: WalEffect[] = [];
    switch (input.type) {
      case "append":
        this.#append(input.effect);
        break;
      case "flush":
        this.#flush(effects);
        break;
      case "done":
        this.#done(input.operation, effects);
        break;
      case "failed":
        this.#failed(input.operation, input.error, effects);
        break;
      case "compact":
        this.#compactThrough = Math.max(this.#compactThrough, input.through);
        this.#tidy(effects);
        break;
      case "idle":
        this.#idle(effects);
        break;
      case "close":
        this.#close(effects);
        break;
      default:
        input satisfies never;
    }
    return effects;
  }

  #append(effect: Persist): void {
    if (this.#poison !== undefined || this.#closing !== "") {
      throw new TypeError("Cannot append as the log must be open and its disk sound");
    }
    const next = nextIndexAfter(effect, this.#nextIndex);
    const [before, after] = recordsAround(effect);
    const empty = before.length + after.length + effect.entries.length === 0;
    if (!empty) {
      this.#makeRoom(persistBytes(effect));
      this.#write(0, before, effect.entries, after);
      if (effect.hardState !== undefined) this.#hardState = effect.hardState;
      if (effect.snapshot !== undefined) this.#marks = withMark(this.#marks, effect.snapshot);
      this.#countEntries(effect, next);
      this.#claimed = false;
      if (effect.sync) this.#staged.sync = true;
    }
    this.#staged.token = effect.token;
  }

  #countEntries({ entries }: Persist, next: Index): void {
    this.#nextIndex = next;
    const last = entries.at(-1);
    if (last === undefined) return;
    const active = this.#segments.at(-1)!;
    active.maxIndex = Math.max(active.maxIndex, last.index);
    active.entries += entries.length;
  }

  /** Goes on to a new segment when this one has no room; room for its seal is always left. */
  #makeRoom(bytes: number): void {
    const active = this.#segments.at(-1)!;
    if (this.#tail + bytes + SEAL_BYTES <= active.capacity || this.#tail === active.start) return;
    const seal = { type: "seal", kind: "segment", entries: active.entries } as const;
    this.#write(0, [seal], [], []);
    this.#staged.sync = true;
    const seq = active.seq + 1;
    const { segment, head, chain } = segmentHead({
      seq,
      firstIndex: this.#nextIndex,
      batchSeq: this.#batchSeq,
      durableSeq: this.#durableSeq,
      chain: this.#chain,
      // Whether the spare is used, and so recycled, is decided when it is written; saying so always is safe.
      recycled: true,
      hardState: this.#hardState,
      marks: this.#marks,
    }, this.#options);
    this.#segments.push({ ...segment });
    this.#staged.births.push(segment);
    this.#staged.heads.push(head);
    this.#batchSeq += 1;
    this.#chain = chain;
    this.#tail = segment.start;
  }

  #write(flags: number, ...records: BatchRecords): void {
    const { buffer, parts } = this.#staged;
    const active = this.#segments.at(-1)!;
    const file = active.name;
    const start = buffer.length;
    this.#batchSeq += 1;
    const place = { flags, seq: this.#batchSeq, durableSeq: this.#durableSeq, chain: this.#chain };
    this.#chain = buffer.append(place, ...records);
    const part = parts.at(-1);
    if (part?.file === file) part.end = buffer.length;
    else parts.push({ file, offset: this.#tail, start, end: buffer.length });
    this.#tail += buffer.length - start;
    active.capacity = Math.max(active.capacity, this.#tail);
  }

  #flush(effects: WalEffect[]): void {
    const staged = this.#staged;
    if (this.#poison !== undefined || this.#writing !== undefined) return;
    if (staged.parts.length === 0) {
      if (staged.token !== undefined) effects.push({ type: "durable", token: staged.token });
      staged.token = undefined;
      return;
    }
    // A new segment wants the spare, which may be in the making.
    if (staged.births.length > 0 && this.#background !== undefined) return;
    const steps: DiskStep[] = [];
    staged.births.forEach((segment, i) => {
      const file = this.#spare ? SPARE_FILE : SPARE_TEMPORARY_FILE;
      if (!this.#spare) steps.push({ type: "create", file, sizeBytes: segment.capacity });
      this.#spare = false;
      this.#spareFailed = false;
      steps.push(
        { type: "write", file, offset: 0, bytes: staged.heads[i]! },
        { type: "sync", file },
        { type: "rename", from: file, to: segment.name },
        { type: "syncDirectory" },
      );
    });
    for (const { file, offset, start, end } of staged.parts) {
      steps.push({ type: "write", file, offset, bytes: staged.buffer.bytes.subarray(start, end) });
      if (staged.sync) steps.push({ type: "sync", file });
    }
    const operation = ++this.#operation;
    this.#writing = {
      ...staged,
      operation,
      lastSeq: this.#batchSeq,
      mark: this.#marks.at(-1)?.index ?? 0,
      syncs: staged.sync,
    };
    this.#staged = this.#fresh();
    effects.push({ type: "job", job: { operation, lane: "log", steps } });
  }

  #done(operation: number, effects: WalEffect[]): void {
    if (this.#poison !== undefined) return;
    if (this.#writing?.operation === operation) {
      const { buffer, lastSeq, mark, syncs, token } = this.#writing;
      this.#writing = undefined;
      buffer.clear();
      this.#resting = buffer;
      if (syncs) {
        this.#durableSeq = lastSeq;
        this.#durableMark = mark;
      }
      if (token !== undefined) effects.push({ type: "durable", token });
    } else if (this.#background?.operation === operation) {
      const { ended } = this.#background;
      this.#background = undefined;
      ended();
    } else return;
    this.#flush(effects);
    this.#tidy(effects);
    this.#finish(effects);
  }

  #failed(operation: number, error: unknown, effects: WalEffect[]): void {
    if (this.#poison !== undefined) return;
    const full = (error as { code?: unknown } | undefined)?.code === "ENOSPC";
    if (full && this.#background?.operation === operation) {
      // Only a spare needs space. The log tries again when it needs the segment, and fails then if it must.
      this.#background = undefined;
      this.#spareFailed = true;
      this.#flush(effects);
      this.#finish(effects);
      return;
    }
    this.#poison = { error };
    effects.push({ type: "poisoned", error });
    this.#finish(effects);
  }

  #idle(effects: WalEffect[]): void {
    if (this.#poison !== undefined || this.#closing !== "") return;
    if (this.#writing !== undefined || this.#staged.parts.length > 0 || this.#claimed) return;
    const { capacity } = this.#segments.at(-1)!;
    if (this.#tail + BATCH_HEADER_BYTES + SEAL_BYTES > capacity) return;
    // One sync for what was written without; then the empty batch may call it durable.
    this.#claimed = this.#durableSeq === this.#batchSeq;
    this.#write(0, [], [], []);
    this.#staged.sync = true;
    this.#flush(effects);
  }

  #close(effects: WalEffect[]): void {
    if (this.#closing !== "") return;
    this.#closing = "wanted";
    this.#finish(effects);
  }

  /** Seals once all else is written; says so once nothing is under way. */
  #finish(effects: WalEffect[]): void {
    if (this.#closing === "" || this.#closing === "closed") return;
    if (this.#poison === undefined) {
      if (this.#writing !== undefined || this.#background !== undefined) return;
      if (this.#closing === "wanted") {
        this.#flush(effects);
        if (this.#writing !== undefined) return;
        this.#closing = "sealed";
        const { entries } = this.#segments.at(-1)!;
        this.#write(0, [{ type: "seal", kind: "clean", entries }], [], []);
        this.#staged.sync = true;
        this.#flush(effects);
        return;
      }
    }
    this.#closing = "closed";
    effects.push({ type: "closed" });
  }

  /** Work that nobody waits for: drops one dead segment, or makes a spare. */
  #tidy(effects: WalEffect[]): void {
    if (this.#poison !== undefined || this.#background !== undefined || this.#closing !== "") {
      return;
    }
    // The spare's names belong to one job at a time; and a segment may go only once the next one, which restates what it said, is on disk.
    if (this.#staged.births.length > 0 || (this.#writing?.births.length ?? 0) > 0) return;
    const through = Math.min(this.#compactThrough, this.#durableMark);
    const [dead] = deadSegments(this.#segments, through);
    if (dead !== undefined) {
      const keep = !this.#spare && dead.capacity === this.#options.segmentBytes;
      const step: DiskStep = keep
        ? { type: "rename", from: dead.name, to: SPARE_FILE }
        : { type: "remove", file: dead.name };
      // Each removal is durable before the next: a crash must not leave a hole between segments.
      this.#beginBackground([step, { type: "syncDirectory" }], effects, () => {
        this.#segments.shift();
        if (keep) this.#spare = true;
      });
      return;
    }
    // A store that is hardly used needs no second file.
    if (this.#spare || this.#spareFailed || this.#tail * 4 < this.#options.segmentBytes) return;
    const sizeBytes = this.#options.segmentBytes;
    this.#beginBackground(
      [
        { type: "create", file: SPARE_TEMPORARY_FILE, sizeBytes },
        { type: "sync", file: SPARE_TEMPORARY_FILE },
        { type: "rename", from: SPARE_TEMPORARY_FILE, to: SPARE_FILE },
      ],
      effects,
      () => this.#spare = true,
    );
  }

  #beginBackground(steps: readonly DiskStep[], effects: WalEffect[], ended: () => void): void {
    const operation = ++this.#operation;
    this.#background = { operation, ended };
    effects.push({ type: "job", job: { operation, lane: "background", steps } });
  }

  #fresh(): Staged {
    const buffer = this.#resting ?? new BatchBuffer(this.#options.checksum, this.#salt);
    this.#resting = undefined;
    return { buffer, parts: [], births: [], heads: [], sync: false, token: undefined };
  }
}

type BatchRecords = Parameters<BatchBuffer["append"]> extends [unknown, ...infer Rest] ? Rest
  : never;
type Writable<T> = { -readonly [K in keyof T]: T[K] };
