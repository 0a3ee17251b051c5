import type { Index } from "../entry.ts";
import { ForeignStorageError, WalCorruptError } from "../storage_error.ts";
import { BatchReader, saltOf } from "./batch.ts";
import type { Checksum } from "./checksum.ts";
import { storageIdText } from "./identity.ts";
import {
  decodeSegmentHeader,
  parseSegmentName,
  type SegmentHeader,
  WAL_VERSION,
} from "./segment.ts";
import type { WalOptions } from "./wal_contract.ts";

/** One segment that is being read. */
export interface OpenSegment {
  /** Its file. */
  readonly name: string;
  /** How it begins. */
  readonly header: SegmentHeader;
  /** Its batches. */
  readonly reader: BatchReader;
}

/**
 * Checks how a segment begins.
 *
 * @throws {WalCorruptError} The header is damaged, or another's, or the file has lost its end.
 * @throws {ForeignStorageError} It is another store's, or of a later version.
 */
export function openSegment(
  name: string,
  files: ReadonlyMap<string, Uint8Array>,
  { storageId }: WalOptions,
  checksums: readonly Checksum[],
): OpenSegment {
  const bytes = files.get(name)!;
  const named = parseSegmentName(name)!;
  const decoded = decodeSegmentHeader(bytes, checksums);
  if (decoded === undefined) damaged(name, 0, [named.firstIndex, 0], "its header does not verify");
  const { header, checksum } = decoded;
  if (header.version !== WAL_VERSION) {
    throw new ForeignStorageError(name, "version", {
      found: `${header.version}`,
      wanted: `${WAL_VERSION}`,
    });
  }
  if (header.storageId.some((byte, i) => byte !== storageId[i])) {
    throw new ForeignStorageError(name, "storageId", {
      found: storageIdText(header.storageId),
      wanted: storageIdText(storageId),
    });
  }
  if (header.seq !== named.seq || header.firstIndex !== named.firstIndex) {
    damaged(name, 0, [named.firstIndex, 0], "its header is that of another segment");
  }
  if (bytes.length < header.capacity) {
    damaged(name, bytes.length, [header.firstIndex, 0], "it is shorter than it was made");
  }
  return {
    name,
    header,
    reader: new BatchReader(bytes, checksum, saltOf(storageId, checksum)),
  };
}

/** Refuses a log. */
export function damaged(
  file: string,
  offset: number,
  [firstIndex, lastIndex]: readonly [Index, Index],
  detail: string,
): never {
  throw new WalCorruptError({ file, offset, firstIndex, lastIndex, detail });
}
