/**
 * Builds the protocol with a bug in it: a patched copy of `gossip/` under `.runtimes/`, imported from there. What ships is not touched.
 *
 * @module
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Build } from "../play.ts";
import { type Patch, patched, type PlantedBug } from "./patch.ts";

const ROOT = new URL("../../", import.meta.url);

/**
 * Plants a bug.
 *
 * @returns The protocol with it, for `play` and `campaign`.
 * @throws {RangeError} When a patch does not fit the source any more.
 */
export async function plant(bug: PlantedBug): Promise<Build> {
  return await loadPatched(bug.name, bug.patches);
}

/**
 * Imports `swim` from a patched copy of the sources.
 *
 * @throws {RangeError} When a patch does not fit.
 */
export async function loadPatched(name: string, patches: readonly Patch[]): Promise<Build> {
  const folder = new URL(`.runtimes/planted/${name}/`, ROOT);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const room of ["gossip", "shard"]) {
    await cp(new URL(`${room}/`, ROOT), new URL(`${room}/`, folder), {
      recursive: true,
      filter: (path) => !/_test\.ts$|_harness|testdata/.test(path),
    });
  }
  for (const patch of patches) {
    const file = new URL(`gossip/${patch.file}`, folder);
    await writeFile(file, patched(await readFile(file, "utf8"), patch));
  }
  const { swim } = await import(new URL("gossip/swim/swim.ts", folder).href) as { swim: Build };
  return swim;
}
