/**
 * From `host:port` texts to addresses that can be dialled.
 *
 * @module
 */
import { hostPort, isPort, parseIp, splitHostPort } from "../advertise/ip.ts";
import { addressesOf } from "./_names.ts";
import { allFailed } from "./_outcome.ts";
import type { DiscoverOptions } from "./discovery.ts";
import { systemResolver } from "./dns_resolver.ts";
import type { DnsResolver } from "./dns_resolver.ts";

/** Options of {@link resolveAll}. */
export interface ResolveAllOptions extends DiscoverOptions {
  /**
   * The port of addresses without one, 1 to 65535.
   *
   * @default {undefined} an address without a port is a failure
   */
  readonly defaultPort?: number;
  /** Own addresses, `host:port` with IPs, to leave out. */
  readonly self?: string | readonly string[];
  /**
   * Take only addresses of this family.
   *
   * @default {undefined} both
   */
  readonly family?: 4 | 6;
  /** Answers for host names; {@link systemResolver} when absent. */
  readonly resolver?: DnsResolver;
}

async function resolveOne(text: string, options: ResolveAllOptions): Promise<readonly string[]> {
  const { defaultPort, resolver = systemResolver(), family, signal } = options;
  const split = typeof text === "string" ? splitHostPort(text.trim()) : undefined;
  const port = split?.port ?? defaultPort;
  if (split === undefined || port === undefined) {
    throw new TypeError(
      `Cannot resolve an address as it must be host:port with a port from 1 to 65535: current value is ${text}`,
    );
  }
  const addresses = await addressesOf(split.host, { resolver, family, signal });
  return addresses.map((address) => hostPort(address, port));
}

function canonicalAddress(address: string): string {
  const split = splitHostPort(address);
  const ip = split && parseIp(split.host);
  return split?.port === undefined || ip === undefined ? address : hostPort(ip.text, split.port);
}

/**
 * Resolves a list of `host:port` texts to IP addresses: all A and AAAA records of every name, each address once, own ones left out.
 * IP addresses pass through in canonical spelling. Nothing is cached: call it again for every attempt to join.
 *
 * Names are asked of DNS directly, so that slow answers do not queue behind each other; `localhost`, and names for which DNS has no
 * answer, go to `lookup`, which reads `/etc/hosts` and knows search domains.
 *
 * A name that fails hides no other: it is told to `onFailure`, and the rest is returned.
 *
 * @param addresses What to resolve, in order. An empty list resolves to an empty list.
 * @returns `ip:port` texts in the order of `addresses`; empty when all were own addresses.
 * @throws {AggregateError} When every one of the addresses failed; it holds every failure.
 * @throws {RangeError} When `defaultPort` is outside its range.
 *
 * @example Usage
 * ```ts
 * import { resolveAll } from "@ck/cluster/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const peers = await resolveAll(["10.0.0.1", "10.0.0.2:9090", "[2001:DB8::0:3]", "10.0.0.1:8080"], {
 *   defaultPort: 8080,
 *   self: "10.0.0.2:9090",
 * });
 * assertEquals(peers, ["10.0.0.1:8080", "[2001:db8::3]:8080"]);
 * ```
 */
export async function resolveAll(
  addresses: Iterable<string>,
  options: ResolveAllOptions = {},
): Promise<readonly string[]> {
  const { signal, onFailure, self = [], defaultPort } = options;
  signal?.throwIfAborted();
  if (defaultPort !== undefined && !isPort(defaultPort)) {
    throw new RangeError(
      `Cannot resolve addresses as defaultPort must be an integer from 1 to 65535: current value is ${defaultPort}`,
    );
  }
  const texts = [...new Set(addresses)];
  const answers = await Promise.allSettled(texts.map((text) => resolveOne(text, options)));
  signal?.throwIfAborted();
  const found = new Set<string>();
  const errors: unknown[] = [];
  for (const [at, answer] of answers.entries()) {
    if (answer.status === "fulfilled") {
      for (const address of answer.value) found.add(address);
    } else {
      errors.push(answer.reason);
      onFailure?.(Object.freeze({ source: texts[at] ?? "", error: answer.reason }));
    }
  }
  if (texts.length > 0 && errors.length === texts.length) {
    throw allFailed(errors, "Cannot resolve any address");
  }
  for (const own of typeof self === "string" ? [self] : self) found.delete(canonicalAddress(own));
  return Object.freeze([...found]);
}
