/** What every log store must do; each implementation runs it. */
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { ClusterConfig, Entry, HardState, Index, SnapshotMeta, Term } from "../entry.ts";
import type { LogStore, Persist } from "../log_store.ts";
import { WalCorruptError } from "../storage_error.ts";
import { LogImage } from "./log_image.ts";

/** A place where stores come and go, as processes do on one disk. */
export interface LogPlace {
  /** A store over what the last one, closed, has left. */
  store(): LogStore;
  /** Cleans up. */
  clean(): Promise<void>;
}

let token = 0;

/** An entry with some bytes that depend on where it stands. */
export function entryAt(index: Index, term: Term, bytes = 8): Entry {
  return { index, term, kind: "command", data: new Uint8Array(bytes).fill(index * 7 + term) };
}

/** Some entries in a row. */
export function entriesFrom(first: Index, count: number, term: Term, bytes = 8): Entry[] {
  return Array.from({ length: count }, (_, i) => entryAt(first + i, term, bytes));
}

/** An effect with defaults. */
export function persistOf(parts: Partial<Persist>): Persist {
  return { type: "persist", token: ++token, entries: [], sync: true, ...parts };
}

/** A hard state. */
export function hard(term: Term, commit: Index, votedFor?: string): HardState {
  return { term, votedFor, commit };
}

const config: ClusterConfig = {
  voters: ["a", "b", "c"],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  addresses: [],
};

/** A snapshot's meta. */
export function snapshotAt(index: Index, term: Term): SnapshotMeta {
  return { index, term, config, configIndex: 0, id: `s-${index}-${term}` };
}

/** Describes the suite for one implementation. */
export function logStoreConformance(
  name: string,
  place: () => Promise<LogPlace>,
  options: { readonly skip?: string | false; readonly runs?: number } = {},
): void {
  const { skip = false, runs = 20 } = options;

  async function at(work: (place: LogPlace) => Promise<void>): Promise<void> {
    const here = await place();
    try {
      await work(here);
    } finally {
      await here.clean();
    }
  }

  describe(`${name} as a log store`, { skip }, () => {
    it("begins empty", () =>
      at(async (here) => {
        const store = here.store();
        const { storageId, ...opened } = await store.open();
        assertEquals(opened, {
          hardState: { term: 0, votedFor: undefined, commit: 0 },
          snapshot: undefined,
          entries: [],
          tornBytes: 0,
          knownStorages: [],
        });
        assert(storageId.length > 0 && storageId.length <= 64);
        await store.close();
      }));

    it("keeps its own id and the storages of the others", () =>
      at(async (here) => {
        const before = here.store();
        const { storageId } = await before.open();
        const b = { id: "b", storageId: "0b", since: 1 };
        await before.remember([{ id: "__proto__", storageId: "0a", since: 1 }]);
        await before.remember([b, { id: "cé", storageId: "0c", since: 7 }]);
        await before.persist(persistOf({ entries: entriesFrom(1, 1, 1) }));
        await before.close();
        await assertRejects(() => before.remember([b]), TypeError);
        const after = here.store();
        const opened = await after.open();
        assertEquals(opened.storageId, storageId);
        assertEquals(opened.knownStorages, [b, { id: "cé", storageId: "0c", since: 7 }]);
        await after.close();
      }));

    it("asks for the snapshots while it opens", () =>
      at(async (here) => {
        const store = here.store();
        const refused = new Error("the snapshots cannot be read");
        await assertRejects(
          () => store.open(() => Promise.reject(refused)),
          Error,
          "the snapshots",
        );
        await store.close();
        const again = here.store();
        let asked = 0;
        await again.open(() => {
          asked++;
          return Promise.resolve([]);
        });
        assertEquals(asked, 1);
        await again.close();
      }));

    it("gives back what was persisted, data and kinds included", () =>
      at(async (here) => {
        const entries: Entry[] = [
          { index: 1, term: 1, kind: "config", data: new Uint8Array([1, 2, 3]) },
          { index: 2, term: 2, kind: "noop", data: new Uint8Array() },
          { index: 3, term: 2, kind: "command", data: new Uint8Array(1000).fill(9) },
        ];
        const before = here.store();
        await before.open();
        await before.persist(persistOf({ entries, hardState: hard(2, 1, "näme") }));
        await before.close();
        const after = here.store();
        const opened = await after.open();
        assertEquals(opened.hardState, hard(2, 1, "näme"));
        assertEquals(opened.entries.map(plain), entries);
        await after.close();
      }));

    it("answers in the order of the calls, barriers and unsynced ones included", () =>
      at(async (here) => {
        const store = here.store();
        await store.open();
        const order: number[] = [];
        const effects = [
          persistOf({ entries: entriesFrom(1, 2, 1) }),
          persistOf({}),
          persistOf({ hardState: hard(1, 1), sync: false }),
          persistOf({ entries: entriesFrom(3, 1, 1) }),
          persistOf({ sync: false }),
        ];
        await Promise.all(
          effects.map((effect, i) => store.persist(effect).then(() => order.push(i))),
        );
        assertEquals(order, [0, 1, 2, 3, 4]);
        assertEquals(store.stats.batches, 5);
        assertEquals(store.stats.pendingBatches, 0);
        assertEquals(store.stats.lastIndex, 3);
        await store.close();
      }));

    it("lets the last writer of an index win", () =>
      at(async (here) => {
        const store = here.store();
        await store.open();
        await store.persist(persistOf({ entries: entriesFrom(1, 5, 1) }));
        await store.persist(persistOf({ truncateFrom: 3, entries: entriesFrom(3, 1, 2) }));
        await store.persist(persistOf({ truncateFrom: 2 }));
        await store.persist(persistOf({ entries: entriesFrom(2, 1, 3) }));
        await store.close();
        const after = here.store();
        const { entries } = await after.open();
        assertEquals(entries.map(({ index, term }) => [index, term]), [[1, 1], [2, 3]]);
        await after.close();
      }));

    it("refuses a hole before anything changes", () =>
      at(async (here) => {
        const store = here.store();
        await store.open();
        await store.persist(persistOf({ entries: entriesFrom(1, 2, 1) }));
        await assertRejects(
          () => store.persist(persistOf({ entries: entriesFrom(4, 1, 1) })),
          RangeError,
        );
        await assertRejects(
          () => store.persist(persistOf({ entries: [entryAt(3, 1), entryAt(5, 1)] })),
          RangeError,
        );
        await assertRejects(() => store.persist(persistOf({ resetLog: true })), RangeError);
        await store.persist(persistOf({ entries: entriesFrom(3, 1, 1) }));
        await store.close();
        const after = here.store();
        assertEquals((await after.open()).entries.length, 3);
        await after.close();
      }));

    it("finds the snapshot that it marked, and keeps entries before it", () =>
      at(async (here) => {
        const store = here.store();
        await store.open();
        await store.persist(persistOf({ entries: entriesFrom(1, 10, 1), hardState: hard(1, 8) }));
        await store.persist(persistOf({ snapshot: snapshotAt(8, 1) }));
        await store.close();
        const after = here.store();
        const opened = await after.open([snapshotAt(5, 1), snapshotAt(8, 1), snapshotAt(20, 1)]);
        assertEquals(opened.snapshot, snapshotAt(8, 1));
        assertEquals(opened.entries.length, 10);
        await after.close();
      }));

    it("goes on from a snapshot that it holds the entry of, without a mark", () =>
      at(async (here) => {
        const store = here.store();
        await store.open();
        await store.persist(persistOf({ entries: entriesFrom(1, 10, 1), hardState: hard(1, 2) }));
        await store.close();
        const after = here.store();
        const opened = await after.open([snapshotAt(5, 1), snapshotAt(7, 2)]);
        assertEquals(opened.snapshot, snapshotAt(5, 1));
        assertEquals(opened.hardState.commit, 5);
        await after.close();
      }));

    it("begins anew after a received snapshot", () =>
      at(async (here) => {
        const store = here.store();
        await store.open();
        await store.persist(persistOf({ entries: entriesFrom(1, 10, 1), hardState: hard(1, 3) }));
        await store.persist(persistOf({
          snapshot: snapshotAt(6, 3),
          resetLog: true,
          hardState: hard(3, 6),
        }));
        await store.persist(persistOf({ entries: entriesFrom(7, 2, 3) }));
        await store.close();
        const after = here.store();
        const opened = await after.open([snapshotAt(6, 3), snapshotAt(2, 1)]);
        assertEquals(opened.snapshot, snapshotAt(6, 3));
        assertEquals(opened.entries.map(({ index, term }) => [index, term]), [[7, 3], [8, 3]]);
        await after.close();
        const lost = here.store();
        await assertRejects(() => lost.open([snapshotAt(2, 1)]), WalCorruptError);
      }));

    it("refuses use before open and after close", () =>
      at(async (here) => {
        const store = here.store();
        await assertRejects(() => store.persist(persistOf({})), TypeError);
        await store.open();
        await assertRejects(() => store.open(), TypeError);
        await store.close();
        await store.close();
        await assertRejects(() => store.persist(persistOf({})), TypeError);
      }));

    it("equals a model through appends, cuts, snapshots, compaction and restarts", () =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.nat(9), fc.nat(1000)), { maxLength: 60 }), (acts) =>
          at(async (here) => {
            const model = new LogImage();
            let snapshots: SnapshotMeta[] = [];
            let store = here.store();
            await store.open();
            let term = 1;
            const persist = async (parts: Partial<Persist>) => {
              const effect = persistOf(parts);
              model.persist(effect);
              await store.persist(effect);
            };
            for (const [act, size] of acts) {
              const last = model.nextIndex - 1;
              if (act <= 4) {
                await persist({ entries: entriesFrom(last + 1, 1 + act, term, size) });
              } else if (act === 5 && last > model.hardState.commit) {
                const from = Math.max(
                  model.hardState.commit + 1,
                  last - size % 3,
                  model.firstIndex,
                );
                term++;
                await persist({ truncateFrom: from, entries: entriesFrom(from, 1, term) });
              } else if (act === 6) {
                await persist({ hardState: hard(term, last), sync: false });
              } else if (act === 7 && last >= model.firstIndex) {
                const snapshot = snapshotAt(last, model.termAt(last)!);
                snapshots = [
                  ...snapshots.filter(({ id }) =>
                    id !== snapshot.id
                  ),
                  snapshot,
                ].slice(-3);
                await persist({ snapshot, hardState: hard(term, last) });
                await store.compact(last - size % 5);
              } else if (act === 8 && size % 4 === 0) {
                const snapshot = snapshotAt(last + 1 + size, ++term);
                snapshots = [snapshot];
                await persist({ snapshot, resetLog: true, hardState: hard(term, snapshot.index) });
              } else if (act === 9) {
                await store.close();
                store = here.store();
                const opened = await store.open(snapshots);
                const wanted = model.snapshotAmong(snapshots);
                assert(wanted !== "lost");
                assertEquals(opened.snapshot?.index, wanted?.index);
                assertEquals(opened.hardState.term, model.hardState.term);
                // Compaction frees whole files: what was compacted may still be there.
                const from = Math.max(model.firstIndex, (wanted?.index ?? 0) + 1);
                assert((opened.entries[0]?.index ?? from) <= from);
                assertEquals(
                  opened.entries.filter(({ index }) => index >= from).map(plain),
                  model.entries.filter(({ index }) => index >= from).map(plain),
                );
              }
            }
            await store.close();
          })),
        { numRuns: runs },
      ));
  });
}

/** An entry whose bytes are its own, for comparison. */
export function plain({ index, term, kind, data }: Entry): Entry {
  return { index, term, kind, data: new Uint8Array(data) };
}
