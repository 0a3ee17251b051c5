import { logStoreConformance } from "./_conformance.ts";
import { MemoryLogStore } from "./memory_log_store.ts";

logStoreConformance("MemoryLogStore", () => {
  let last: MemoryLogStore | undefined;
  return Promise.resolve({
    store: () => last = new MemoryLogStore(last),
    clean: () => Promise.resolve(),
  });
});
