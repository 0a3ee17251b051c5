import type { KnownStorage } from "../log_store.ts";

/** The file. */
export const KNOWN_STORAGES_FILE = "members.json";

const VERSION = 1;

/** As a file. */
export function encodeKnownStorages(storages: readonly KnownStorage[]): Uint8Array {
  return new TextEncoder().encode(
    `${JSON.stringify({ version: VERSION, members: storages }, undefined, 2)}\n`,
  );
}

/** Reads a file. @returns `undefined` when it is damaged, or of another version. */
export function decodeKnownStorages(bytes: Uint8Array): readonly KnownStorage[] | undefined {
  try {
    const { version, members } = JSON.parse(new TextDecoder().decode(bytes));
    if (version !== VERSION || !Array.isArray(members)) return undefined;
    const sound = members.every(({ id, storageId, since }) =>
      typeof id === "string" && typeof storageId === "string" && Number.isSafeInteger(since)
    );
    return sound
      ? members.map(({ id, storageId, since }) => ({ id, storageId, since }))
      : undefined;
  } catch {
    return undefined;
  }
}
