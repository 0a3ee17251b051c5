/**
 * Peers that are known beforehand.
 *
 * @module
 */
import { checkOptions, misuse } from "./_options.ts";
import type { Discovery } from "./discovery.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { resolveAll } from "./resolve_all.ts";

/** Options of {@link staticPeers}. */
export interface StaticPeersOptions {
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
 * Peers at fixed addresses. Host names among them are resolved anew each time, to all their addresses.
 *
 * @param addresses `host` or `host:port` texts; none: there is nobody.
 *
 * @throws {TypeError} When `addresses` is no list, or an option is unknown or of the wrong kind.
 * @throws {RangeError} When `port` or `family` has no such value.
 *
 * @example Usage
 * ```ts
 * import { staticPeers } from "@ck/cluster/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const peers = staticPeers(["10.0.0.1", "10.0.0.2:9090"], { port: 8080 });
 * assertEquals(await peers.discover(), ["10.0.0.1:8080", "10.0.0.2:9090"]);
 * ```
 */
export function staticPeers(
  addresses: Iterable<string>,
  options: StaticPeersOptions = {},
): Discovery {
  checkOptions(options, ["port", "family", "resolver"]);
  // A text is iterable too: each of its characters would be a host.
  if (typeof addresses === "string" || typeof addresses?.[Symbol.iterator] !== "function") {
    throw misuse(TypeError, "'addresses' must be a list of addresses", addresses);
  }
  const { port, ...rest } = options;
  const texts = [...addresses];
  return Object.freeze<Discovery>({
    source: `static ${texts.join(",")}`,
    discover: (given = {}) =>
      resolveAll(texts, {
        ...rest,
        ...given,
        ...(port === undefined ? {} : { defaultPort: port }),
      }),
  });
}
