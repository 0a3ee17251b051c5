import { ForeignStorageError } from "../storage_error.ts";

/** Whose log a directory holds. Written once, never changed. */
export interface StorageIdentity {
  /** The format of the directory. */
  readonly version: number;
  /** The cluster's name. */
  readonly cluster: string;
  /** The member. A log never serves another: its votes are its member's. */
  readonly nodeId: string;
  /** 32 hexadecimal digits that salt every checksum. */
  readonly storageId: string;
}

/** The file. */
export const IDENTITY_FILE = "identity.json";

/** The version written. */
export const IDENTITY_VERSION = 1;

/** As a file. */
export function encodeIdentity(identity: StorageIdentity): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(identity, undefined, 2)}\n`);
}

/** Reads a file. @returns `undefined` when it is damaged. */
export function decodeIdentity(bytes: Uint8Array): StorageIdentity | undefined {
  try {
    const { version, cluster, nodeId, storageId } = JSON.parse(new TextDecoder().decode(bytes));
    const sound = Number.isSafeInteger(version) && typeof cluster === "string" &&
      typeof nodeId === "string" && /^[0-9a-f]{32}$/.test(storageId);
    return sound ? { version, cluster, nodeId, storageId } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Refuses a directory that is not one's own.
 *
 * @throws {ForeignStorageError} The version is later, or cluster or node differ.
 */
export function checkIdentity(
  directory: string,
  found: StorageIdentity,
  wanted: { readonly cluster: string; readonly nodeId: string },
): void {
  if (found.version !== IDENTITY_VERSION) {
    throw new ForeignStorageError(directory, "version", {
      found: `${found.version}`,
      wanted: `${IDENTITY_VERSION}`,
    });
  }
  for (const field of ["cluster", "nodeId"] as const) {
    if (found[field] !== wanted[field]) {
      throw new ForeignStorageError(directory, field, {
        found: found[field],
        wanted: wanted[field],
      });
    }
  }
}

/** The 16 bytes of 32 hexadecimal digits. */
export function storageIdBytes(storageId: string): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => parseInt(storageId.slice(2 * i, 2 * i + 2), 16));
}

/** The digits of 16 bytes. */
export function storageIdText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
