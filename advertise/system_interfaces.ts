/**
 * The machine's network interfaces.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import type { NetworkInterface } from "./first_address.ts";

/**
 * The machine's network interfaces that have an address, in the system's order, addresses with their prefix length.
 *
 * On Deno this needs `--allow-sys=networkInterfaces`; the other runtimes need nothing.
 *
 * @throws {Error} What the runtime throws when the listing is not permitted (Deno: `NotCapable`).
 *
 * @example Usage
 * ```ts
 * import { systemInterfaces } from "@ck/cluster/advertise";
 * import { assert } from "@std/assert";
 *
 * assert(systemInterfaces().every(({ addresses }) => addresses.length > 0));
 * ```
 */
export function systemInterfaces(): readonly NetworkInterface[] {
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => ({
    name,
    addresses: addresses.map(({ address, cidr }) => cidr ?? address),
  }));
}
