/**
 * Builds the protocol with a bug in it: a patched copy of its sources under `.runtimes/`, imported from there. What ships is not touched.
 *
 * @module
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { GossipStrategy } from "../../gossip/strategy.ts";
import type { AnyProtocol, Settings } from "../protocol.ts";
import { type Patch, patched, type PlantedBug } from "./patch.ts";

const ROOT = new URL("../../", import.meta.url);

/**
 * Plants a bug.
 *
 * @returns The protocol with it, for `play` and `campaign`.
 * @throws {RangeError} When a patch does not fit the source any more.
 */
export async function plant(protocol: AnyProtocol, bug: PlantedBug): Promise<AnyProtocol> {
  const { name } = protocol;
  const label = `${name}-${bug.name}`;
  if ("play" in protocol) {
    // The world comes along: it is what imports the core.
    const rooms = ["raft", "sim", "gossip", "shard", "membership"];
    const folder = await patchedSources(label, bug.patches, { rooms, patchedRoom: name });
    const module = await import(new URL(`sim/protocols/${name}.ts`, folder).href) as {
      readonly [name: string]: AnyProtocol;
    };
    return module[name]!;
  }
  const folder = await patchedSources(label, bug.patches);
  const module = await import(new URL(`gossip/${name}/${name}.ts`, folder).href) as {
    readonly [name: string]: (settings: Settings) => GossipStrategy;
  };
  const make = module[name]!;
  return { ...protocol, strategy: protocol.made?.(make) ?? make };
}

/** Which sources are copied, and in which of them the patches' files are. */
export interface PatchedRooms {
  readonly rooms: readonly string[];
  readonly patchedRoom: string;
}

/**
 * Writes a patched copy of the sources of the protocols.
 *
 * @returns Its folder.
 * @throws {RangeError} When a patch does not fit.
 */
export async function patchedSources(
  name: string,
  patches: readonly Patch[],
  { rooms, patchedRoom }: PatchedRooms = { rooms: ["gossip", "shard"], patchedRoom: "gossip" },
): Promise<URL> {
  const folder = new URL(`.runtimes/planted/${name}/`, ROOT);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const room of rooms) {
    await cp(new URL(`${room}/`, ROOT), new URL(`${room}/`, folder), {
      recursive: true,
      filter: (path) => !/_test\.ts$|_harness|testdata/.test(path),
    });
  }
  for (const patch of patches) {
    const file = new URL(`${patchedRoom}/${patch.file}`, folder);
    await writeFile(file, patched(await readFile(file, "utf8"), patch));
  }
  return folder;
}
