/**
 * Checks of the addresses that a caller wants to join.
 *
 * @module
 */
import { hostPort, splitHostPort } from "../advertise/ip.ts";
import { shown } from "./words.ts";

/**
 * Checks addresses to join, `host:port` each.
 *
 * @throws {TypeError} When one is none; the message names it.
 */
export function checkJoinAddresses(addresses: readonly string[]): readonly string[] {
  if (!Array.isArray(addresses)) {
    throw new TypeError(
      `Cannot start the node as 'addresses' must be an array: current value is ${shown(addresses)}`,
    );
  }
  for (const address of addresses) {
    const split = typeof address === "string" ? splitHostPort(address.trim()) : undefined;
    if (split?.port === undefined) {
      throw new TypeError(
        `Cannot start the node as 'addresses' must be host:port with a port from 1 to 65535: current value is ${
          shown(address)
        }`,
      );
    }
  }
  return [...new Set(addresses.map((address) => address.trim()))];
}

/**
 * Checks addresses to join of which some may lack a port, and gives those the port of the own address.
 *
 * @throws {TypeError} When one is none; the message names it.
 */
export function joinAddresses(addresses: readonly string[], own: string): readonly string[] {
  const port = splitHostPort(own)!.port!;
  const refuse = (rule: string, value: unknown): never => {
    throw new TypeError(
      `Cannot join as 'addresses' must be ${rule}: current value is ${shown(value)}`,
    );
  };
  if (!Array.isArray(addresses)) return refuse("an array", addresses);
  const whole = addresses.map((address) => {
    const split = typeof address === "string" ? splitHostPort(address.trim()) : undefined;
    if (split === undefined) {
      return refuse("hosts, each with or without a port from 1 to 65535", address);
    }
    return hostPort(split.host, split.port ?? port);
  });
  return [...new Set(whole)];
}
