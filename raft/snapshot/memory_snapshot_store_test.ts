import { snapshotStoreConformance } from "./_conformance.ts";
import { MemorySnapshotStore } from "./memory_snapshot_store.ts";

snapshotStoreConformance("MemorySnapshotStore", () => {
  let last: MemorySnapshotStore | undefined;
  return Promise.resolve({
    store: () => last = new MemorySnapshotStore(last),
    clean: () => Promise.resolve(),
  });
});
