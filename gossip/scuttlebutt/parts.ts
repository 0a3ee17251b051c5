import type { Address } from "../strategy.ts";
import type { DigestPager } from "./digest.ts";
import type { Lack } from "./delta.ts";
import type { Block, DigestEntry, Packet, Prefix, Source, StreamMessage } from "./messages.ts";
import type { ScuttlebuttSettings } from "./options.ts";
import type { Self } from "./self.ts";
import type { Counts } from "./stats.ts";
import type { NodeTable } from "./table.ts";
import type { Turn } from "./turn.ts";
import { encodeFrame } from "./wire/codec.ts";

/** What the parts of one core share. */
export interface Parts {
  readonly settings: ScuttlebuttSettings;
  readonly turn: Turn;
  readonly self: Self;
  readonly table: NodeTable;
  readonly pager: DigestPager;
  readonly counts: Counts;
  /** The cluster's name, and its tag. */
  readonly label: string;
  readonly tag: number;
}

/** What a whole digest, or a page of one, tells of the one who sent it. */
export interface Comparison {
  /** What the other side lacks. */
  readonly lacks: readonly Lack[];
  /** Nodes of which the other side has more: what to ask for. */
  readonly wants: readonly DigestEntry[];
  /** Whether the other side most likely knows more nodes that are unknown here than one page can list. */
  readonly more: boolean;
}

/** What a message of this node begins with. */
export function prefixOf({ self, pager }: Parts, exchange: number): Prefix {
  const { id, generation, addr } = self.record;
  return { source: { id, generation, addr }, known: pager.known, exchange };
}

/** Sends a packet. */
export function send(parts: Parts, to: Address, packet: Packet): void {
  const { turn, counts, tag } = parts;
  const bytes = encodeFrame(packet, tag);
  counts.packetsOutbound++;
  counts.packetBytesOutbound += bytes.length;
  countEntries(parts, packet, "Outbound");
  turn.emit({ type: "send", to, bytes });
}

/** Counts what a message carries. */
export function countEntries(
  { counts }: Parts,
  message: Packet | StreamMessage,
  direction: "Inbound" | "Outbound",
): void {
  if ("digest" in message) counts[`digestEntries${direction}`] += message.digest.length;
  if ("wants" in message) counts[`digestEntries${direction}`] += message.wants.length;
  if (!("delta" in message)) return;
  for (const { entries } of message.delta) counts[`deltaEntries${direction}`] += entries.length;
}

/**
 * Compares a digest with what is held here, and takes what it tells of heartbeats and leaving. `known`: see {@link Prefix}; `from`: whose
 * digest it is, so that one who lives on in the shadow of another of its name can be told.
 */
export function compare(
  { table, self, pager }: Parts,
  digest: readonly DigestEntry[],
  known: number,
  from: Source,
): Comparison {
  const lacks: Lack[] = [];
  const wants: DigestEntry[] = [];
  const listed = new Set<string>();
  let held = 0;
  let unknown = 0;
  for (const entry of digest) {
    listed.add(entry.id);
    if (entry.want) {
      if (entry.id === self.record.id) self.claimed(entry);
      serve(entry, true);
      continue;
    }
    held++;
    switch (table.observe(entry)) {
      case "unknown":
        unknown++;
        wants.push({
          ...entry,
          heartbeat: 0,
          version: 0,
          left: false,
          down: false,
          want: true,
        });
        break;
      case "behind": {
        const { version, heartbeat, left, down } = table.get(entry.id)!;
        wants.push({ ...entry, version, heartbeat, left, down });
        break;
      }
      case "older":
        serve(entry, true);
        break;
      case "ahead":
        serve(entry, false);
        break;
      case "same":
      case "ignored":
    }
    if (entry.id === from.id) object(entry);
  }
  // A whole digest tells by its silence, too.
  if (held === known) {
    for (const record of table.records) {
      if (!listed.has(record.id) && table.isTaught(record)) {
        lacks.push({ record, from: 0, unknown: true });
      }
    }
  }
  // Taken at its word, or by what the page is a sample of, whichever is less: one may lie, the other is mostly of what is new.
  const missing = Math.min(known - pager.known, unknown / held * known);
  return { lacks, wants, more: missing > held };

  /**
   * Nobody may list that other life any more, or it is removed: then nothing else tells its sender why nobody takes it in. A later one
   * is asked for as what is wanted, which only its owner can answer: by a generation above it. One of the same generation elsewhere
   * is shown with its address, which is answered so, too; else its address would be held for as long as the sender's heart beats.
   */
  function object(entry: DigestEntry): void {
    const generation = table.latestOf(entry.id);
    if (generation === undefined || generation < entry.generation) return;
    if (generation === entry.generation) {
      const record = table.get(entry.id);
      if (record === undefined || record.addr === from.addr) return;
      if (record === self.record || lacks.some((lack) => lack.record === record)) return;
      lacks.push({ record, from: record.version, unknown: true });
      return;
    }
    const none = { heartbeat: 0, version: 0, left: false, down: false };
    wants.push({ ...entry, ...none, generation, want: true });
  }

  function serve({ id, generation, version }: DigestEntry, unknown: boolean): void {
    const record = table.get(id);
    if (record === undefined || record.generation < generation) return;
    // The own record is taught even when left, to those who hold an older life of it.
    const taught = unknown ? table.isTaught(record) : table.isListed(record);
    if (!taught && record !== self.record) return;
    lacks.push({ record, from: unknown ? 0 : version, unknown });
  }
}

/** Takes the blocks of a delta; whether its sender has more than packets should carry. */
export function applyDelta({ table }: Parts, delta: readonly Block[]): boolean {
  let more = false;
  for (const block of delta) {
    table.apply(block);
    more ||= block.more;
  }
  return more;
}
