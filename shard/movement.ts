import { misuse, settle } from "./_options.ts";
import { Ring } from "./_ring.ts";
import { compareNames } from "./_roster.ts";
import { engine } from "./hash/_engine.ts";
import type { Placement } from "./placement.ts";

/** Keys that go from one node to another. */
export interface Flow {
  /** Who owned them; `undefined` if nobody did. */
  readonly from: string | undefined;
  /** Who owns them now; `undefined` if nobody does. */
  readonly to: string | undefined;
  /** Share of the whole key space, 0 … 1. */
  readonly share: number;
}

/** Which keys change their first owner. */
export interface Movement {
  /** Share of the key space that changes its first owner, 0 … 1. */
  readonly share: number;
  /** From whom to whom: by `from`, then `to`, bytewise, nobody first. Frozen. */
  readonly flows: readonly Flow[];
  /** Whether shares are exact (ring) or estimated from samples. */
  readonly exact: boolean;
  /** Standard error of `share`, √(share·(1 − share)/samples); 0 if exact. */
  readonly standardError: number;
  /** Keys that were looked up; 0 if exact. */
  readonly samples: number;
}

/** Settings of an estimate. */
export interface MovementOptions {
  /** Keys to look up where movement is not exact. The error falls with 1/√samples. 1 … 16,777,216. @default {16_384} */
  readonly samples?: number;
}

/**
 * Computes which share of the key space changes its first owner between two placements, and between whom.
 *
 * For two rings of one hash family it is exact: the sum of the arcs between tokens, added as integers of 64 bits. Otherwise it is
 * an estimate from a fixed sequence of keys, so that equal arguments give equal results.
 *
 * @example Usage
 * ```ts
 * import { movement, ring } from "@ck/cluster/shard";
 * import { assert } from "@std/assert";
 *
 * const before = ring().place(["a", "b", "c"]);
 * const { share, flows, exact } = movement(before, before.with("d"));
 *
 * assert(exact && Math.abs(share - 1 / 4) < 0.05);
 * assert(flows.every(({ to }) => to === "d")); // nobody but the new node takes keys
 * ```
 *
 * @param before The placement that was.
 * @param after The placement that is to be.
 * @param options Settings.
 * @returns The movement, frozen.
 * @throws {TypeError} If there is no option of a name that is given.
 * @throws {RangeError} If `samples` is out of range.
 */
export function movement(
  before: Placement,
  after: Placement,
  options: MovementOptions = {},
): Movement {
  const { samples } = settle("estimate movement", options, { samples: 16_384 });
  if (!Number.isInteger(samples) || samples < 1 || samples > 16_777_216) {
    throw new RangeError(
      misuse("estimate movement", "'samples' must be an integer from 1 to 16777216", samples),
    );
  }
  const exact = before instanceof Ring && after instanceof Ring && before.hash === after.hash;
  const flows = new Map<string | undefined, Map<string | undefined, number>>();
  const add = (from: string | undefined, to: string | undefined, share: number) => {
    if (from === to || share === 0) return;
    let row = flows.get(from);
    if (row === undefined) flows.set(from, row = new Map());
    row.set(to, (row.get(to) ?? 0) + share);
  };
  if (exact) compareRings(before, after, add);
  else sample(before, after, { samples, add });

  const list: Flow[] = [];
  for (const from of sortNames(flows.keys())) {
    const row = flows.get(from)!;
    for (const to of sortNames(row.keys())) {
      list.push(Object.freeze({ from, to, share: row.get(to)! }));
    }
  }
  const share = Math.min(1, list.reduce((sum, flow) => sum + flow.share, 0));
  return Object.freeze({
    share,
    flows: Object.freeze(list),
    exact,
    standardError: exact ? 0 : Math.sqrt(share * (1 - share) / samples),
    samples: exact ? 0 : samples,
  });
}

function sortNames(names: Iterable<string | undefined>): (string | undefined)[] {
  const list = [...names];
  const known = list.filter((name) => name !== undefined).sort(compareNames);
  return list.includes(undefined) ? [undefined, ...known] : known;
}

type Add = (from: string | undefined, to: string | undefined, share: number) => void;

/** Walks both rings at once; each stretch up to the next token of either has one owner before and one after. */
function compareRings(before: Ring, after: Ring, add: Add): void {
  const a = Ring.reveal(before);
  const b = Ring.reveal(after);
  const columns = b.names.length + 1;
  // Sums of high and of low words apart: up to 2^21 words of 32 bits stay exact in a double.
  const highs = new Map<number, number>();
  const lows = new Map<number, number>();
  let i = 0;
  let j = 0;
  let lastHigh = 0;
  let lastLow = -1; // the stretch up to token 0 holds one key: 0
  while (i <= a.table.size || j <= b.table.size) {
    const iHigh = i < a.table.size ? a.table.high[i]! : 0xffff_ffff;
    const iLow = i < a.table.size ? a.table.low[i]! : 0xffff_ffff;
    const jHigh = j < b.table.size ? b.table.high[j]! : 0xffff_ffff;
    const jLow = j < b.table.size ? b.table.low[j]! : 0xffff_ffff;
    const first = iHigh < jHigh || (iHigh === jHigh && iLow <= jLow);
    const high = first ? iHigh : jHigh;
    const low = first ? iLow : jLow;
    if (high !== lastHigh || low !== lastLow) {
      const from = slotAt(a.table.owner, i);
      const to = slotAt(b.table.owner, j);
      const fromName = from === undefined ? undefined : a.names[from];
      const toName = to === undefined ? undefined : b.names[to];
      if (fromName !== toName) {
        const flow = (from === undefined ? a.names.length : from) * columns +
          (to === undefined ? b.names.length : to);
        highs.set(flow, (highs.get(flow) ?? 0) + (high - lastHigh));
        lows.set(flow, (lows.get(flow) ?? 0) + (low - lastLow));
      }
      lastHigh = high;
      lastLow = low;
    }
    if (i <= a.table.size && iHigh === high && iLow === low) i++;
    if (j <= b.table.size && jHigh === high && jLow === low) j++;
  }
  for (const [flow, high] of highs) {
    const keys = (BigInt(high) << 32n) + BigInt(lows.get(flow)!);
    add(
      a.names[Math.floor(flow / columns)],
      b.names[flow % columns],
      Number(keys) / 2 ** 64,
    );
  }
}

/** Who owns the keys up to token `i`; past the last token that is the first token's node. */
function slotAt(owner: Uint16Array | Uint32Array, i: number): number | undefined {
  return owner[i < owner.length ? i : 0];
}

interface Sampling {
  readonly samples: number;
  readonly add: Add;
}

function sample(before: Placement, after: Placement, { samples, add }: Sampling): void {
  const words = engine();
  const texts = before.hash !== after.hash;
  const first = (placement: Placement, key: bigint | string): string | undefined =>
    placement.nodes.length === 0 ? undefined : placement.owners(key, 1)[0];
  for (let i = 0; i < samples; i++) {
    const high = words.run.derive(i + 1, 0x9e3779b9) >>> 0;
    const key = BigInt(high) << 32n | BigInt(words.words[0]!);
    const asked = texts || before.hash.bits === 32 ? key.toString(16) : key;
    add(first(before, asked), first(after, asked), 1 / samples);
  }
}
