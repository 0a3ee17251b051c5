/** A simulated disk as a file system, for the stores that are driven with promises. */
import { DiskFault, type SimDisk } from "../../sim/disk.ts";
import type { FileSystem, OpenFile } from "./file_system.ts";

/** Paths are names on the disk, as they are. */
export function filesOn(disk: SimDisk): FileSystem {
  // Open files follow their file to its new name.
  const handles = new Set<{ name: string }>();
  // deno-lint-ignore require-await -- turns what it throws into a rejection
  const act = async (step: Parameters<SimDisk["perform"]>[0]): Promise<void> => disk.perform(step);
  return {
    makeDirectory: () => Promise.resolve(),
    list: (directory) =>
      Promise.resolve(
        disk.names.filter((name) => name.startsWith(`${directory}/`))
          .map((name) => name.slice(directory.length + 1))
          .filter((name) => !name.includes("/")),
      ),
    async open(path, mode): Promise<OpenFile> {
      const exists = disk.read(path) !== undefined;
      if (mode === "exclusive" && exists) throw new DiskFault("EEXIST", path);
      if ((mode === "read" || mode === "write") && !exists) throw new DiskFault("ENOENT", path);
      if (mode === "create" || mode === "exclusive") {
        await act({ type: "create", file: path, sizeBytes: 0 });
      }
      const handle = { name: path };
      handles.add(handle);
      return {
        sizeBytes: () => Promise.resolve(disk.read(handle.name)?.length ?? 0),
        read: (buffer, offset) => {
          const bytes = disk.read(handle.name)!.subarray(offset, offset + buffer.length);
          buffer.set(bytes);
          return Promise.resolve(bytes.length);
        },
        write: (bytes, offset) => act({ type: "write", file: handle.name, offset, bytes }),
        sync: () => act({ type: "sync", file: handle.name }),
        writeInline: (bytes, offset) =>
          disk.perform({ type: "write", file: handle.name, offset, bytes }),
        syncInline: () => disk.perform({ type: "sync", file: handle.name }),
        close: () => {
          handles.delete(handle);
          return Promise.resolve();
        },
      };
    },
    async rename(from, to) {
      await act({ type: "rename", from, to });
      for (const handle of handles) if (handle.name === from) handle.name = to;
    },
    remove: (path) => act({ type: "remove", file: path }),
    syncDirectory: () => act({ type: "syncDirectory" }),
  };
}
