/**
 * Which address of the machine's network interfaces to tell peers.
 *
 * @module
 */
import { isLinkLocal, isLoopback, parseIp } from "./ip.ts";
import type { Ip } from "./ip.ts";
import { NoAddressError } from "./no_address_error.ts";
import type { PassedOver } from "./no_address_error.ts";
import { systemInterfaces } from "./system_interfaces.ts";

/** One network interface, as {@link firstAddress} looks at it. */
export interface NetworkInterface {
  /** Its name, as the system spells it: `eth0`, `en0`, `Ethernet 2`. */
  readonly name: string;
  /** Its addresses in the system's order: IP, or IP with a prefix length (`10.0.0.7/24`). */
  readonly addresses: readonly string[];
}

/** Options of {@link firstAddress}. */
export interface FirstAddressOptions {
  /**
   * Look only at these interfaces, in this order; a name that does not exist is passed over.
   *
   * @default {[]} all interfaces, in the system's order
   */
  readonly names?: readonly string[];
  /**
   * Look only at interfaces whose name this accepts; applied after `names`.
   *
   * @default {() => true}
   */
  readonly accepts?: (name: string) => boolean;
  /**
   * Look only at addresses of this family.
   *
   * @default {undefined} both; IPv4 is preferred
   */
  readonly family?: 4 | 6;
}

/** Lower is better: IPv4, IPv6, link-local IPv4, link-local IPv6. */
function rank(ip: Ip): number {
  return (isLinkLocal(ip) ? 2 : 0) + (ip.family === 4 ? 0 : 1);
}

function bestOf(
  { name, addresses }: NetworkInterface,
  family: 4 | 6 | undefined,
  passedOver: PassedOver[],
): Ip | undefined {
  let best: Ip | undefined;
  for (const address of addresses) {
    const pass = (reason: string) =>
      passedOver.push({ source: `interface ${name}`, address, reason });
    const ip = parseIp(address.split("/")[0] ?? "");
    if (ip === undefined) pass("not an IP address");
    else if (isLoopback(ip)) pass("loopback");
    else if (family !== undefined && ip.family !== family) pass(`not IPv${family}`);
    else if (best === undefined || rank(ip) < rank(best)) best = ip;
  }
  return best;
}

/**
 * The best address of the given interfaces, by the rules of ckit's `advertise.FirstAddress`:
 *
 * 1. an IPv4 address that is not link-local: the first one found ends the search;
 * 2. an IPv6 address that is not link-local;
 * 3. a link-local IPv4 address (`169.254.0.0/16`);
 * 4. a link-local IPv6 address (`fe80::/10`, without its zone).
 *
 * Loopback addresses are never selected. Among equals of one interface the first wins; among equals of several interfaces the last,
 * as in ckit, but for rule 1. No interface name is preferred: name those you trust, in order, with `names`.
 *
 * @param interfaces What to choose from; the machine's own when absent (on Deno this needs `--allow-sys=networkInterfaces`).
 * @returns The IP address as text: IPv6 in its canonical spelling, without brackets.
 * @throws {NoAddressError} When no address is usable; it lists every one and why it was passed over.
 *
 * @example Usage
 * ```ts
 * import { firstAddress } from "@ck/cluster/advertise";
 * import { assertEquals } from "@std/assert";
 *
 * const interfaces = [
 *   { name: "lo", addresses: ["127.0.0.1/8", "::1/128"] },
 *   { name: "eth0", addresses: ["fe80::1/64", "2001:db8::7/64"] },
 *   { name: "eth1", addresses: ["10.0.0.7/24"] },
 * ];
 * assertEquals(firstAddress(interfaces), "10.0.0.7");
 * assertEquals(firstAddress(interfaces, { family: 6 }), "2001:db8::7");
 * ```
 */
export function firstAddress(
  interfaces: readonly NetworkInterface[] = systemInterfaces(),
  options: FirstAddressOptions = {},
): string {
  const { names = [], accepts = () => true, family } = options;
  const passedOver: PassedOver[] = [];
  const byName = new Map(interfaces.map((entry) => [entry.name, entry]));
  let best: Ip | undefined;
  for (const name of names.length > 0 ? names : byName.keys()) {
    const entry = byName.get(name);
    const source = `interface ${name}`;
    if (entry === undefined) {
      passedOver.push({ source, reason: "no such interface" });
      continue;
    }
    if (!accepts(name)) {
      passedOver.push({ source, reason: "excluded by its name" });
      continue;
    }
    if (entry.addresses.length === 0) passedOver.push({ source, reason: "has no address" });
    const candidate = bestOf(entry, family, passedOver);
    if (candidate === undefined) continue;
    if (rank(candidate) === 0) return candidate.text;
    if (best === undefined || rank(candidate) <= rank(best)) best = candidate;
  }
  if (best !== undefined) return best.text;
  if (byName.size === 0) passedOver.push({ source: "interfaces", reason: "there are none" });
  throw new NoAddressError(passedOver);
}
