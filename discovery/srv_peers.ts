/**
 * Peers behind DNS SRV records.
 *
 * @module
 */
import { hostPort, isPort } from "../advertise/ip.ts";
import { checkName, checkOptions } from "./_options.ts";
import { reported, untilAborted } from "./_outcome.ts";
import type { Discovery } from "./discovery.ts";
import { systemResolver } from "./dns_resolver.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { resolveAll } from "./resolve_all.ts";

/** Options of {@link srvPeers}. */
export interface SrvPeersOptions {
  /** The whole name: `_cluster._tcp.example.com`. */
  readonly name: string;
  /**
   * Take only addresses of this family.
   *
   * @default {undefined} both
   */
  readonly family?: 4 | 6;
  /** Answers; the system's when absent. */
  readonly resolver?: DnsResolver;
}

/**
 * Peers behind the SRV records of one name (RFC 2782): every address of every target is a peer, at the record's port, targets in the
 * order of their priority, then of their weight, largest first. A target that does not resolve hides no other.
 *
 * @throws {TypeError} When an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} When `name` is no DNS name, or `family` has no such value.
 *
 * @example Usage
 * ```ts
 * import { srvPeers } from "@ck/cluster/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const resolver = {
 *   resolve4: (name: string) => Promise.resolve([name === "a.test" ? "10.0.0.1" : "10.0.0.2"]),
 *   resolve6: () => Promise.reject(new Error("ENODATA")),
 *   resolveSrv: () =>
 *     Promise.resolve([
 *       { name: "b.test", port: 9090, priority: 2, weight: 0 },
 *       { name: "a.test", port: 8080, priority: 1, weight: 0 },
 *     ]),
 * };
 * const peers = srvPeers({ name: "_cluster._tcp.test", resolver });
 * assertEquals(await peers.discover(), ["10.0.0.1:8080", "10.0.0.2:9090"]);
 * ```
 */
export function srvPeers(options: SrvPeersOptions): Discovery {
  checkOptions(options, ["name", "family", "resolver"]);
  const { name, resolver = systemResolver(), ...rest } = options;
  checkName(name);
  const source = `dns SRV ${name}`;
  return Object.freeze<Discovery>({
    source,
    async discover(given = {}) {
      const { signal } = given;
      signal?.throwIfAborted();
      const records = await reported(
        source,
        given,
        () =>
          untilAborted(resolver.resolveSrv(name, signal === undefined ? {} : { signal }), signal),
      );
      const targets = [...records]
        .sort((left, right) => left.priority - right.priority || right.weight - left.weight)
        // RFC 2782: the target "." means that the service is decidedly not offered.
        .filter((record) => record.name !== "" && record.name !== "." && isPort(record.port))
        .map((record) => hostPort(record.name.replace(/\.$/, ""), record.port));
      return await resolveAll(targets, { ...rest, ...given, resolver });
    },
  });
}
