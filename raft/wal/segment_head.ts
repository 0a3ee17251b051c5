import type { HardState, Index } from "../entry.ts";
import { BatchBuffer, RESTATED, saltOf } from "./batch.ts";
import type { SnapshotMark } from "./log_image.ts";
import { encodeSegmentHeader, segmentName, WAL_VERSION } from "./segment.ts";
import type { WalSegment } from "./segment_list.ts";
import type { WalOptions } from "./wal_contract.ts";

/** What a segment begins with. */
export interface SegmentBirth {
  readonly seq: number;
  readonly firstIndex: Index;
  readonly batchSeq: number;
  readonly durableSeq: number;
  readonly chain: number;
  readonly recycled: boolean;
  readonly hardState: HardState;
  readonly marks: readonly SnapshotMark[];
}

/** The first bytes of a segment: its header, and a batch that restates what must not be lost with the segments before it. */
export function segmentHead(
  { seq, firstIndex, batchSeq, durableSeq, chain, recycled, hardState, marks }: SegmentBirth,
  { storageId, segmentBytes, checksum }: WalOptions,
): { readonly segment: WalSegment; readonly head: Uint8Array; readonly chain: number } {
  const header = encodeSegmentHeader({
    version: WAL_VERSION,
    seq,
    firstIndex,
    storageId,
    batchSeq,
    chain,
    capacity: segmentBytes,
    recycled,
  }, checksum);
  const restated = new BatchBuffer(checksum, saltOf(storageId, checksum), 256);
  const place = { flags: RESTATED, seq: batchSeq + 1, durableSeq, chain };
  const records = marks.map((mark) => ({ type: "mark" as const, mark }));
  const crc = restated.append(place, [{ type: "hardState", hardState }, ...records], [], []);
  const head = new Uint8Array(header.length + restated.length);
  head.set(header);
  head.set(restated.bytes.subarray(0, restated.length), header.length);
  const segment = {
    name: segmentName(seq, firstIndex),
    seq,
    capacity: segmentBytes,
    start: head.length,
    maxIndex: 0,
    entries: 0,
  };
  return { segment, head, chain: crc };
}
