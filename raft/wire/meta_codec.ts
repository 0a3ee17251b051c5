/**
 * Configurations and snapshot metadata as bytes.
 *
 * @module
 */
import type { ClusterConfig, NodeId, SnapshotMeta } from "../entry.ts";
import type { ByteReader } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";

/** Most members in one list. */
const MAX_MEMBERS = 4096;
const SNAPSHOT_ID = /^[0-9a-z-]{1,255}$/;

/** Writes a configuration. */
export function writeConfig(writer: ByteWriter, config: ClusterConfig): void {
  for (
    const list of [config.voters, config.votersOutgoing, config.learners, config.learnersNext]
  ) {
    writer.u32(list.length);
    for (const id of list) writer.string(id);
  }
  writer.u8(config.autoLeave ? 1 : 0);
  writer.u32(config.addresses.length);
  for (const [id, address] of config.addresses) {
    writer.string(id);
    writer.string(address);
  }
}

/** Reads a configuration. @throws {DecodeError} When it is malformed, or a list is not sorted. */
export function readConfig(reader: ByteReader): ClusterConfig {
  const voters = readIds(reader);
  const votersOutgoing = readIds(reader);
  const learners = readIds(reader);
  const learnersNext = readIds(reader);
  const autoLeave = reader.u8();
  if (autoLeave > 1) reader.fail("a truth value is neither 0 nor 1");
  const addresses = readList(reader, (): readonly [NodeId, string] => [
    reader.nodeId(),
    reader.string(1024),
  ], ([id]) => id);
  return Object.freeze({
    voters,
    votersOutgoing,
    learners,
    learnersNext,
    autoLeave: autoLeave === 1,
    addresses,
  });
}

/** Writes what a snapshot stands for. */
export function writeSnapshotMeta(writer: ByteWriter, meta: SnapshotMeta): void {
  writer.u64(meta.index);
  writer.u64(meta.term);
  writer.u64(meta.configIndex);
  writer.string(meta.id);
  writeConfig(writer, meta.config);
}

/** Reads what a snapshot stands for. @throws {DecodeError} When it is malformed. */
export function readSnapshotMeta(reader: ByteReader): SnapshotMeta {
  const index = reader.u64();
  const term = reader.u64();
  const configIndex = reader.u64();
  const id = reader.string(255);
  if (!SNAPSHOT_ID.test(id)) reader.fail("a snapshot's id holds other than a-z, 0-9 and -");
  if (configIndex > index) reader.fail("a snapshot's configuration is newer than the snapshot");
  return Object.freeze({ index, term, config: readConfig(reader), configIndex, id });
}

function readIds(reader: ByteReader): readonly NodeId[] {
  return readList(reader, () => reader.nodeId(), (id) => id);
}

function readList<T>(reader: ByteReader, read: () => T, key: (item: T) => string): readonly T[] {
  const count = reader.u32();
  if (count > MAX_MEMBERS) {
    reader.fail(
      `a list must have at most ${MAX_MEMBERS} members: current value is ${count}`,
      "limit",
    );
  }
  const items: T[] = [];
  let before: string | undefined;
  for (let i = 0; i < count; i++) {
    const item = read();
    const name = key(item);
    if (before !== undefined && name <= before) reader.fail("a list is not sorted");
    before = name;
    items.push(item);
  }
  return Object.freeze(items);
}
