/** A simulated disk as a file system, for the stores that are driven with promises. */
import { DiskFault, type SimDisk } from "../../sim/disk.ts";
import type { FileSystem, OpenFile } from "./file_system.ts";

/** Paths are names on the disk, as they are. */
export function filesOn(disk: SimDisk): FileSystem {
  // Where a file went that is open under its old name.
  const renamed = new Map<string, string>();
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
      let name = path;
      return {
        sizeBytes: () => Promise.resolve(disk.read(name)?.length ?? 0),
        read: (buffer, offset) => {
          const bytes = disk.read(name)!.subarray(offset, offset + buffer.length);
          buffer.set(bytes);
          return Promise.resolve(bytes.length);
        },
        write: (bytes, offset) => {
          name = renamed.get(name) ?? name;
          return act({ type: "write", file: name, offset, bytes });
        },
        sync: () => {
          name = renamed.get(name) ?? name;
          return act({ type: "sync", file: name });
        },
        close: () => Promise.resolve(),
      };
    },
    async rename(from, to) {
      await act({ type: "rename", from, to });
      renamed.set(from, to);
      renamed.delete(to);
    },
    remove: (path) => act({ type: "remove", file: path }),
    syncDirectory: () => act({ type: "syncDirectory" }),
  };
}
