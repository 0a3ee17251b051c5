/**
 * Configurations and snapshot metadata as bytes.
 *
 * @module
 */
import { ConfigDecodeError, decodeConfig, encodeConfig } from "../config.ts";
import type { SnapshotMeta } from "../entry.ts";
import type { ByteReader } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";

const SNAPSHOT_ID = /^[0-9a-z-]{1,255}$/;

/** Writes what a snapshot stands for. */
export function writeSnapshotMeta(writer: ByteWriter, meta: SnapshotMeta): void {
  writer.u64(meta.index);
  writer.u64(meta.term);
  writer.u64(meta.configIndex);
  writer.string(meta.id);
  const config = encodeConfig(meta.config);
  writer.u32(config.length);
  writer.raw(config);
}

/** Reads what a snapshot stands for. @throws {DecodeError} When it is malformed. */
export function readSnapshotMeta(reader: ByteReader): SnapshotMeta {
  const index = reader.u64();
  const term = reader.u64();
  const configIndex = reader.u64();
  const id = reader.string(255);
  if (!SNAPSHOT_ID.test(id)) reader.fail("a snapshot's id holds other than a-z, 0-9 and -");
  if (configIndex > index) reader.fail("a snapshot's configuration is newer than the snapshot");
  const bytes = reader.raw(reader.u32());
  try {
    return Object.freeze({ index, term, config: decodeConfig(bytes), configIndex, id });
  } catch (error) {
    if (error instanceof ConfigDecodeError) return reader.fail(error.message);
    throw error;
  }
}
