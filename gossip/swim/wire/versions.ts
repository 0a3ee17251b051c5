import type { MsgpackReader } from "./msgpack_reader.ts";
import { NO_BYTES } from "./msgpack_reader.ts";

/** What memberlist 0.5.3 under ckit says of itself: protocol 1…5, speaks 2, no delegate versions. */
export const VERSIONS: Uint8Array = Uint8Array.of(1, 5, 2, 0, 0, 0);

/** Reads a node's versions. Nearly all nodes say the same: one array stands for all of those. */
export function readVersions(reader: MsgpackReader): Uint8Array {
  const found = reader.view() ?? NO_BYTES;
  if (found.length !== VERSIONS.length) return found.slice();
  for (let i = 0; i < VERSIONS.length; i++) {
    if (found[i] !== VERSIONS[i]) return found.slice();
  }
  return VERSIONS;
}
