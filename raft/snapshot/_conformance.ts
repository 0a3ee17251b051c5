/** What every snapshot store must do; each implementation runs it. */
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import type { SnapshotMeta } from "../entry.ts";
import type { SnapshotStore } from "../log_store.ts";
import { SnapshotCorruptError } from "../storage_error.ts";
import { snapshotAt } from "../wal/_conformance.ts";

/** A place where stores come and go, as processes do on one disk. */
export interface SnapshotPlace {
  /** A store over what the last one, closed or not, has left. */
  store(): SnapshotStore;
  /** Cleans up. */
  clean(): Promise<void>;
}

/** Bytes that differ by position. */
export function stateOf(bytes: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 0xff);
}

/** All that a source gives. */
export async function collected(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const bytes: number[] = [];
  for await (const chunk of source) bytes.push(...chunk);
  return Uint8Array.from(bytes);
}

/** Writes a whole one. */
export async function store(
  to: SnapshotStore,
  meta: SnapshotMeta,
  state: Uint8Array,
): Promise<void> {
  const sink = await to.create(meta);
  for (let at = 0; at < state.length; at += 700) await sink.write(state.subarray(at, at + 700));
  await sink.commit();
}

/** Describes the suite for one implementation. */
export function snapshotStoreConformance(
  name: string,
  place: () => Promise<SnapshotPlace>,
  options: { readonly skip?: string | false } = {},
): void {
  async function at(work: (place: SnapshotPlace) => Promise<void>): Promise<void> {
    const here = await place();
    try {
      await work(here);
    } finally {
      await here.clean();
    }
  }

  describe(`${name} as a snapshot store`, { skip: options.skip ?? false }, () => {
    it("gives back what was stored, after a restart too", () =>
      at(async (here) => {
        const before = here.store();
        assertEquals(await before.open(), []);
        assertEquals(before.latest(), undefined);
        for (const [i, bytes] of [0, 1, 1023, 1024, 1025, 5000].entries()) {
          await store(before, snapshotAt(i + 1, 2), stateOf(bytes));
        }
        assertEquals(before.latest()?.index, 6);
        await before.close();
        const after = here.store();
        assertEquals((await after.open()).map(({ index }) => index), [6, 5, 4, 3, 2, 1]);
        assertEquals(after.latest(6), snapshotAt(6, 2));
        assertEquals(after.latest(7), undefined);
        const source = await after.read(snapshotAt(6, 2).id);
        assertEquals(source.meta, snapshotAt(6, 2));
        assertEquals(source.digest, { sizeBytes: 5000, sha256: sha256(stateOf(5000)) });
        assertEquals(await collected(source), stateOf(5000));
        assertEquals(await collected(await after.read(snapshotAt(1, 2).id)), new Uint8Array());
        await after.close();
      }));

    it("reads from any byte on", () =>
      at(async (here) => {
        const one = here.store();
        await one.open();
        await store(one, snapshotAt(1, 1), stateOf(3000));
        for (const offset of [0, 1, 1023, 1024, 1025, 2048, 2999, 3000]) {
          const source = await one.read(snapshotAt(1, 1).id, { offset });
          assertEquals(await collected(source), stateOf(3000).subarray(offset), `${offset}`);
        }
        await assertRejects(() => one.read(snapshotAt(1, 1).id, { offset: 3001 }), RangeError);
        await assertRejects(() => one.read("none"), RangeError);
        await one.close();
      }));

    it("shows nothing before commit, and nothing after abort", () =>
      at(async (here) => {
        const one = here.store();
        await one.open();
        const dropped = await one.create(snapshotAt(1, 1));
        await dropped.write(stateOf(2000));
        assertEquals(one.latest(), undefined);
        await dropped.abort();
        await dropped.abort();
        await assertRejects(() => dropped.write(stateOf(1)), TypeError);
        const unfinished = await one.create(snapshotAt(2, 1));
        await unfinished.write(stateOf(2000));
        const after = here.store();
        assertEquals(await after.open(), []);
        await after.close();
        await one.close();
      }));

    it("refuses an id that could not name a file", () =>
      at(async (here) => {
        const one = here.store();
        await one.open();
        for (const id of ["", "../x", "A", "a".repeat(65)]) {
          await assertRejects(() => one.create({ ...snapshotAt(1, 1), id }), RangeError);
        }
        await one.close();
      }));

    it("resumes what it received from the same leader, term and id, and only that", () =>
      at(async (here) => {
        const one = here.store();
        await one.open();
        const meta = snapshotAt(9, 3);
        const state = stateOf(5000);
        const origin = { leader: "a", term: 3 };
        const first = await one.receive(meta, origin);
        await first.write(state.subarray(0, 1500));
        await first.suspend();
        const second = await one.receive(meta, origin);
        assertEquals(second.offset, 1500);
        await second.write(state.subarray(1500));
        await second.commit({ sizeBytes: 5000, sha256: sha256(state) });
        assertEquals(await collected(await one.read(meta.id)), state);
        const other = await one.receive(snapshotAt(10, 3), origin);
        await other.write(state);
        await other.suspend();
        const anew = await one.receive(snapshotAt(10, 3), { leader: "a", term: 4 });
        assertEquals(anew.offset, 0);
        await anew.abort();
        await one.close();
      }));

    it("refuses a received one that is not what the sender said", () =>
      at(async (here) => {
        const one = here.store();
        await one.open();
        const sink = await one.receive(snapshotAt(9, 3), { leader: "a", term: 3 });
        await sink.write(stateOf(100));
        const digest = { sizeBytes: 100, sha256: sha256(stateOf(100, 2)) };
        await assertRejects(() => sink.commit(digest), SnapshotCorruptError);
        assertEquals(one.latest(), undefined);
        const again = await one.receive(snapshotAt(9, 3), { leader: "a", term: 3 });
        assertEquals(again.offset, 0);
        await one.close();
      }));

    it("retains the newest at or before the mark, and all after it", () =>
      at(async (here) => {
        const one = here.store();
        await one.open();
        for (const index of [1, 2, 3, 4, 5]) await store(one, snapshotAt(index, 1), stateOf(10));
        await one.retain(2, 4);
        assertEquals(await indexes(one, 5), [3, 4, 5]);
        await one.retain(0, 5);
        assertEquals(await indexes(one, 5), [5]);
        await one.remove(snapshotAt(5, 1).id);
        await one.remove("none");
        assertEquals(one.latest(), undefined);
        await one.close();
      }));
  });
}

async function indexes(from: SnapshotStore, most: number): Promise<number[]> {
  const found: number[] = [];
  for (let index = 1; index <= most; index++) {
    try {
      const source = await from.read(snapshotAt(index, 1).id);
      await source.close();
      found.push(index);
    } catch (error) {
      assert(error instanceof RangeError);
    }
  }
  return found;
}
