/**
 * Peers listed in a file.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { checkOptions, misuse } from "./_options.ts";
import { reported } from "./_outcome.ts";
import type { Discovery } from "./discovery.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { resolveAll } from "./resolve_all.ts";

/** Options of {@link filePeers}. */
export interface FilePeersOptions {
  /** Where the file is. */
  readonly path: string | URL;
  /** The port of addresses without one, 1 to 65535. */
  readonly port?: number;
  /**
   * Take only addresses of this family.
   *
   * @default {undefined} both
   */
  readonly family?: 4 | 6;
  /** Answers for host names; the system's when absent. */
  readonly resolver?: DnsResolver;
}

/**
 * The addresses in the text of a file: one a line, `#` begins a comment; or a JSON array of strings.
 *
 * @throws {SyntaxError} When the text begins like a JSON array but is not one of strings.
 */
export function parsePeers(text: string): readonly string[] {
  const trimmed = text.replace(/^\ufeff/, "").trim();
  // A bracket also begins an IPv6 address; that of an array is followed by a string or its end.
  if (/^\[\s*["\]]/.test(trimmed)) {
    const list: unknown = JSON.parse(trimmed);
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === "string")) {
      throw new SyntaxError("Cannot read peers as the JSON must be an array of strings");
    }
    return list;
  }
  return trimmed.split(/\r?\n/)
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "");
}

/**
 * Peers listed in a file, which is read anew each time: one address a line (`#` begins a comment), or a JSON array of strings. Host
 * names are resolved to all their addresses. Replace the file by renaming, so that no half of it is read.
 *
 * @throws {TypeError} When an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} When `port` or `family` has no such value.
 *
 * @example Usage
 * ```ts
 * import { filePeers } from "@ck/cluster/discovery";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, rm, writeFile } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 *
 * const folder = await mkdtemp(join(tmpdir(), "peers-"));
 * const path = join(folder, "peers.txt");
 * await writeFile(path, "10.0.0.1        # rack 1\n10.0.0.2:9090\n");
 * assertEquals(await filePeers({ path, port: 8080 }).discover(), ["10.0.0.1:8080", "10.0.0.2:9090"]);
 * await rm(folder, { recursive: true });
 * ```
 */
export function filePeers(options: FilePeersOptions): Discovery {
  checkOptions(options, ["path", "port", "family", "resolver"]);
  const { path, port, ...rest } = options;
  if (!(path instanceof URL) && (typeof path !== "string" || path === "")) {
    throw misuse(TypeError, "'path' must be a path or a URL", path);
  }
  const source = `file ${path}`;
  return Object.freeze<Discovery>({
    source,
    async discover(given = {}) {
      const { signal } = given;
      signal?.throwIfAborted();
      const addresses = await reported(
        source,
        given,
        async () =>
          parsePeers(
            await readFile(path, { encoding: "utf8", ...(signal === undefined ? {} : { signal }) }),
          ),
      );
      return await resolveAll(addresses, {
        ...rest,
        ...given,
        ...(port === undefined ? {} : { defaultPort: port }),
      });
    },
  });
}
