import { castagnoli, ieee } from "../../../raft/wal/checksum.ts";
import { openSegment } from "../../../raft/wal/open_segment.ts";
import { recoverWal, type WalRecovery } from "../../../raft/wal/recover.ts";
import { parseSegmentName } from "../../../raft/wal/segment.ts";
import type { WalOptions } from "../../../raft/wal/wal_contract.ts";
import { WalCorruptError } from "../../../raft/storage_error.ts";
import type { Prng } from "../../../gossip/strategy.ts";
import type { SimDisk } from "../../disk.ts";
import { between, oneOf } from "../../draw.ts";
import { ViolationError } from "../../violation.ts";
import type { Machine } from "./machine.ts";
import { walOptionsOf } from "./process_disk.ts";

const CHECKSUMS = [ieee, castagnoli];
/** Bits that are tried: most of a segment is empty, and what is turned there changes nothing. */
const TRIES = 40;

/**
 * Turns one bit of what a log has synced, on a machine that is down. One that no log can tell is left alone: damage to batches at the very
 * end, which no later one calls durable, looks like a write that was torn.
 *
 * @returns Whether the log will have to refuse to start; if not, nothing was changed.
 * @throws {ViolationError} The log would start all the same, with other content or with less.
 */
export function rot(machine: Machine, segmentBytes: number, random: Prng): boolean {
  const { disk, id } = machine;
  const options = walOptionsOf(machine, segmentBytes);
  const names = disk.names.filter((name) => parseSegmentName(name) !== undefined);
  if (names.length === 0) return false;
  const whole = recovered(disk, machine, options);
  if (whole === undefined) return false;
  const claimed = lastClaimed(disk, names, { options, through: whole.state.batchSeq });
  for (let tries = 0; tries < TRIES; tries++) {
    const name = oneOf(random, names);
    const before = disk.read(name)!.slice();
    const bytes = before.slice();
    const at = between(random, 0, bytes.length - 1);
    bytes[at] = bytes[at]! ^ (1 << between(random, 0, 7));
    disk.plant(name, bytes);
    const rotten = recovered(disk, machine, options);
    if (rotten === undefined) return true;
    const { batchSeq } = rotten.state;
    if (
      batchSeq >= whole.state.batchSeq ? contentOf(rotten) !== contentOf(whole) : batchSeq < claimed
    ) {
      throw new ViolationError(
        "rot-refused",
        `${id} starts with a changed bit at ${at} of ${name}: batch ${batchSeq} of ${whole.state.batchSeq}, durable ${claimed}`,
      );
    }
    disk.plant(name, before);
  }
  return false;
}

/** What a log recovers; `undefined`: it refuses to. */
function recovered(
  disk: SimDisk,
  { snapshots }: Machine,
  options: WalOptions,
): WalRecovery | undefined {
  const found = { expected: true, snapshots: snapshots.map(({ meta }) => meta) };
  try {
    return recoverWal({ ...found, files: disk.files(), spareBytes: 0 }, options, CHECKSUMS);
  } catch (error) {
    if (error instanceof WalCorruptError) return undefined;
    throw error;
  }
}

/** The last batch that a later one calls durable. */
function lastClaimed(
  disk: SimDisk,
  names: readonly string[],
  { options, through }: { readonly options: WalOptions; readonly through: number },
): number {
  let claimed = 0;
  for (const name of names) {
    const { reader } = openSegment(name, disk.files(), options, CHECKSUMS);
    for (const { header } of reader.headersFrom(0)) {
      if (header.seq <= through) claimed = Math.max(claimed, header.durableSeq);
    }
  }
  return claimed;
}

function contentOf({ opened: { hardState, entries } }: WalRecovery): string {
  const all = entries.map(({ index, term, kind, data }) => [index, term, kind, [...data]]);
  return JSON.stringify([hardState, all]);
}
