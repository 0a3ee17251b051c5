/**
 * Which address to tell peers: {@link advertiseAddress} in the usual order (explicit, environment, route to a seed, interfaces), and
 * {@link firstAddress}, its last step, pure over a list of interfaces.
 *
 * @module
 */
export { advertiseAddress } from "./advertise_address.ts";
export type { AdvertiseAddressOptions } from "./advertise_address.ts";
export { firstAddress } from "./first_address.ts";
export type { FirstAddressOptions, NetworkInterface } from "./first_address.ts";
export { localAddressTo } from "./local_address.ts";
export type { LocalAddressOptions, RouteTarget } from "./local_address.ts";
export { NoAddressError } from "./no_address_error.ts";
export type { PassedOver } from "./no_address_error.ts";
export { systemInterfaces } from "./system_interfaces.ts";
export type { DnsResolver, ResolveOptions, SrvRecord } from "../discovery/dns_resolver.ts";
