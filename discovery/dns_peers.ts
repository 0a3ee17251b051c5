/**
 * Peers behind one DNS name.
 *
 * @module
 */
import { checkName, checkOptions, misuse } from "./_options.ts";
import type { Discovery } from "./discovery.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { resolveAll } from "./resolve_all.ts";

/** Options of {@link dnsPeers}. */
export interface DnsPeersOptions {
  /** The name, best fully qualified: search domains are only known to the fallback. */
  readonly name: string;
  /** The port of every peer, 1 to 65535. */
  readonly port: number;
  /**
   * Take only addresses of this family: 4 asks for A, 6 for AAAA records.
   *
   * @default {undefined} both
   */
  readonly family?: 4 | 6;
  /** Answers; the system's when absent. */
  readonly resolver?: DnsResolver;
}

/**
 * Peers behind one DNS name: every one of its A and AAAA records is a peer. In Kubernetes that is a headless service; set
 * `publishNotReadyAddresses: true` on it, and only on it, or no pod becomes ready before it has found another that is.
 *
 * A name without any record is a failure, not an empty answer: not every runtime tells a server's trouble from a name that does not
 * exist, and a misspelt name should be heard of.
 *
 * @throws {TypeError} When an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} When `name` is no DNS name, or `port` or `family` has no such value.
 *
 * @example Usage
 * ```ts
 * import { dnsPeers } from "@ck/cluster/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const resolver = {
 *   resolve4: () => Promise.resolve(["10.0.0.1", "10.0.0.2"]),
 *   resolve6: () => Promise.reject(new Error("ENODATA")),
 *   resolveSrv: () => Promise.reject(new Error("ENODATA")),
 * };
 * const peers = dnsPeers({ name: "peers.prod.svc.cluster.local", port: 8080, resolver });
 * assertEquals(await peers.discover(), ["10.0.0.1:8080", "10.0.0.2:8080"]);
 * ```
 */
export function dnsPeers(options: DnsPeersOptions): Discovery {
  checkOptions(options, ["name", "port", "family", "resolver"]);
  const { name, port, family, ...rest } = options;
  checkName(name);
  if (port === undefined) throw misuse(TypeError, "'port' must be given", port);
  const records = family === undefined ? "A/AAAA" : family === 4 ? "A" : "AAAA";
  return Object.freeze<Discovery>({
    source: `dns ${records} ${name}:${port}`,
    discover: (given = {}) =>
      resolveAll([name], {
        ...rest,
        ...given,
        defaultPort: port,
        ...(family === undefined ? {} : { family }),
      }),
  });
}
