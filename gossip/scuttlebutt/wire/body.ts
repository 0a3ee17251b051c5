import type { Block, DigestEntry, Prefix } from "../messages.ts";
import type { Entry } from "../model.ts";
import type { ByteReader } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { digestLength } from "./lengths.ts";

/** Digest entries in one frame. */
export const MAX_DIGEST_ENTRIES = 4096;
/** Entries in one frame. */
export const MAX_FRAME_ENTRIES = 65_536;
/** Bytes of a key. */
export const MAX_KEY_BYTES = 255;
/** Bytes of a value that a decoder takes. */
export const MAX_WIRE_VALUE_BYTES = 1 << 20;
/** Bytes of the shortest entry: a version, flags, and an empty key. */
const MIN_ENTRY_BYTES = 3;

const LEFT = 1;
const DOWN = 2;
const WANT_OR_MORE = 4;
const INTERNAL = 1;
const DELETED = 2;

/** Writes a prefix. */
export function writePrefix(writer: ByteWriter, prefix: Prefix): void {
  const { source, known, exchange } = prefix;
  writer.string(source.id);
  writer.varint(source.generation);
  writer.string(source.addr);
  writer.varint(known);
  writer.varint(exchange);
}

/** Reads a prefix. */
export function readPrefix(reader: ByteReader): Prefix {
  const source = { id: reader.name(), generation: readGeneration(reader), addr: reader.name() };
  return { source, known: reader.varint(), exchange: reader.varint() };
}

/** Writes digest entries with their length in bytes before them. */
export function writeDigestSection(writer: ByteWriter, digest: readonly DigestEntry[]): void {
  writer.varint(digestLength(digest));
  writeDigest(writer, digest);
}

/** Reads digest entries with their length in bytes before them. */
export function readDigestSection(reader: ByteReader): readonly DigestEntry[] {
  const length = reader.varint();
  return reader.section(length, () => readDigest(reader));
}

/** Writes digest entries. */
export function writeDigest(writer: ByteWriter, digest: readonly DigestEntry[]): void {
  for (const entry of digest) {
    writer.string(entry.id);
    writer.varint(entry.generation);
    writer.varint(entry.heartbeat);
    writer.varint(entry.version);
    writer.u8(
      (entry.left ? LEFT : 0) | (entry.down ? DOWN : 0) | (entry.want ? WANT_OR_MORE : 0),
    );
  }
}

/** Reads digest entries up to the end of the section. */
export function readDigest(reader: ByteReader): readonly DigestEntry[] {
  const digest: DigestEntry[] = [];
  const ids = new Set<string>();
  while (reader.left > 0) {
    if (digest.length === MAX_DIGEST_ENTRIES) reader.fail("its digest is too long", "limit");
    const begin = reader.at;
    const id = readUnique(reader, ids);
    const generation = readGeneration(reader);
    const heartbeat = reader.varint();
    const version = reader.varint();
    const flags = reader.flags(LEFT | DOWN | WANT_OR_MORE);
    const want = (flags & WANT_OR_MORE) !== 0;
    if (want && (heartbeat !== 0 || version !== 0)) {
      reader.fail("what is wanted cannot be held", "decode", begin);
    }
    const left = (flags & LEFT) !== 0;
    digest.push({ id, generation, heartbeat, version, left, down: (flags & DOWN) !== 0, want });
  }
  return digest;
}

/** Writes blocks. */
export function writeDelta(writer: ByteWriter, delta: readonly Block[]): void {
  for (const block of delta) {
    writer.string(block.id);
    writer.varint(block.generation);
    writer.string(block.addr);
    writer.u8(
      (block.left ? LEFT : 0) | (block.down ? DOWN : 0) | (block.more ? WANT_OR_MORE : 0),
    );
    writer.varint(block.heartbeat);
    writer.varint(block.from);
    writer.varint(block.entries.length);
    let version = block.from;
    for (const entry of block.entries) {
      writer.varint(entry.version - version);
      writer.u8((entry.internal ? INTERNAL : 0) | (entry.deleted ? DELETED : 0));
      writer.string(entry.key);
      if (!entry.deleted) writer.string(entry.value);
      version = entry.version;
    }
  }
}

/** Reads blocks up to the end of the frame. */
export function readDelta(reader: ByteReader): readonly Block[] {
  const delta: Block[] = [];
  const ids = new Set<string>();
  let entriesLeft = MAX_FRAME_ENTRIES;
  while (reader.left > 0) {
    const id = readUnique(reader, ids);
    const generation = readGeneration(reader);
    const addr = reader.name();
    const flags = reader.flags(LEFT | DOWN | WANT_OR_MORE);
    const heartbeat = reader.varint();
    const from = reader.varint();
    const begin = reader.at;
    const count = reader.varint();
    if (count > entriesLeft) reader.fail("it holds too many entries", "limit", begin);
    if (count * MIN_ENTRY_BYTES > reader.left) {
      reader.fail("it promises more entries than it holds", "decode", begin);
    }
    entriesLeft -= count;
    const entries: Entry[] = [];
    let version = from;
    for (let i = 0; i < count; i++) {
      const entry = readEntry(reader, version);
      entries.push(entry);
      version = entry.version;
    }
    delta.push({
      id,
      generation,
      addr,
      heartbeat,
      left: (flags & LEFT) !== 0,
      down: (flags & DOWN) !== 0,
      more: (flags & WANT_OR_MORE) !== 0,
      from,
      entries,
    });
  }
  return delta;
}

function readEntry(reader: ByteReader, previous: number): Entry {
  const begin = reader.at;
  const step = reader.varint();
  const version = previous + step;
  if (step === 0 || version > Number.MAX_SAFE_INTEGER) {
    reader.fail("versions must rise", "decode", begin);
  }
  const flags = reader.flags(INTERNAL | DELETED);
  const deleted = (flags & DELETED) !== 0;
  const key = reader.string(MAX_KEY_BYTES);
  const value = deleted ? "" : reader.string(MAX_WIRE_VALUE_BYTES);
  return Object.freeze({ key, value, version, internal: (flags & INTERNAL) !== 0, deleted });
}

function readUnique(reader: ByteReader, ids: Set<string>): string {
  const begin = reader.at;
  const id = reader.name();
  if (ids.has(id)) reader.fail("a node appears twice", "decode", begin);
  ids.add(id);
  return id;
}

function readGeneration(reader: ByteReader): number {
  const begin = reader.at;
  const generation = reader.varint();
  if (generation === 0) reader.fail("a generation must be at least 1", "decode", begin);
  return generation;
}
