import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { needs } from "../../tests/_needs.ts";
import { logStoreConformance } from "./_conformance.ts";
import { FileLogStore } from "./file_log_store.ts";

logStoreConformance("FileLogStore on real files", async () => {
  const directory = await mkdtemp(`${tmpdir()}/wal-`);
  const options = { directory, cluster: "c", nodeId: "a", segmentBytes: 4096, reserveBytes: 0 };
  return {
    store: () => new FileLogStore(options),
    clean: () => rm(directory, { recursive: true }),
  };
}, { ...needs("read", "write", "run", "sys", "env"), runs: 10 });
