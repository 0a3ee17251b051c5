/**
 * Where peers reach this node: told, or found out.
 *
 * @module
 */
import process from "node:process";
import { resolveAll } from "../discovery/resolve_all.ts";
import type { DnsResolver } from "../discovery/dns_resolver.ts";
import { hostPort, isLinkLocal, isLoopback, isPort, isUnspecified } from "./ip.ts";
import { parseIp, splitHostPort } from "./ip.ts";
import type { Ip } from "./ip.ts";
import { firstAddress } from "./first_address.ts";
import type { FirstAddressOptions, NetworkInterface } from "./first_address.ts";
import { localAddressTo } from "./local_address.ts";
import type { RouteTarget } from "./local_address.ts";
import { NoAddressError } from "./no_address_error.ts";
import type { PassedOver } from "./no_address_error.ts";

/** Options of {@link advertiseAddress}. */
export interface AdvertiseAddressOptions extends FirstAddressOptions {
  /** The port that peers dial, 1 to 65535, unless `explicit` has its own. */
  readonly port: number;
  /** The answer itself, when it is known: an IP address, or one with a port. */
  readonly explicit?: string;
  /**
   * Environment variables that may hold the address, in this order; a list with commas counts as several candidates (`POD_IPS`).
   *
   * @default {["POD_IP"]}
   */
  readonly envNames?: readonly string[];
  /**
   * The environment they are read from.
   *
   * @default {process.env} on Deno this needs `--allow-env=POD_IP`
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Nodes to join, `host` or `host:port`: the address from which the system reaches them is the one they can answer to.
   *
   * @default {[]}
   */
  readonly seeds?: readonly string[];
  /** Resolves host names among `seeds`; the system's when absent. */
  readonly resolver?: DnsResolver;
  /** Asks the routing table; {@link localAddressTo} when absent. */
  readonly route?: (
    target: RouteTarget,
    options: { readonly signal: AbortSignal; readonly interfaces?: readonly NetworkInterface[] },
  ) => Promise<string>;
  /**
   * How long the search for a route to the seeds may take in all, milliseconds, 1 to 60000.
   *
   * @default {2000}
   */
  readonly routeTimeoutMs?: number;
  /** What to choose from in the end; the machine's own interfaces when absent. */
  readonly interfaces?: readonly NetworkInterface[];
  /** Ends the search. */
  readonly signal?: AbortSignal;
}

function explicitAddress(explicit: string, port: number): string {
  const split = splitHostPort(explicit);
  const ip = split && parseIp(split.host);
  if (split === undefined || ip === undefined) {
    throw new TypeError(
      `Cannot advertise an address as it must be an IP address with or without a port: current value is ${explicit}`,
    );
  }
  if (isUnspecified(ip)) {
    throw new RangeError(
      `Cannot advertise an address as peers must be able to dial it: current value is ${explicit}`,
    );
  }
  return hostPort(ip.text, split.port ?? port);
}

function environment(options: AdvertiseAddressOptions, passedOver: PassedOver[]): Ip | undefined {
  const { envNames = ["POD_IP"], env = process.env, family } = options;
  for (const name of envNames) {
    const source = `environment ${name}`;
    let value: string | undefined;
    try {
      value = env[name];
    } catch (error) {
      passedOver.push({ source, reason: `not readable: ${reasonOf(error)}` });
      continue;
    }
    if (value === undefined || value.trim() === "") {
      passedOver.push({ source, reason: "not set" });
      continue;
    }
    for (const address of value.split(",").map((part) => part.trim())) {
      const ip = parseIp(address);
      const pass = (reason: string) => passedOver.push({ source, address, reason });
      if (ip === undefined) pass("not an IP address");
      else if (isUnspecified(ip)) pass("not an address to dial");
      else if (family !== undefined && ip.family !== family) pass(`not IPv${family}`);
      else return ip;
    }
  }
  return undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A loopback answer is right when the whole cluster is on loopback, so it is kept in case nothing better comes. */
async function routeToSeeds(
  options: AdvertiseAddressOptions,
  passedOver: PassedOver[],
): Promise<Ip | undefined> {
  const { seeds = [], port, family, resolver, interfaces, route = localAddressTo } = options;
  if (seeds.length === 0) return undefined;
  const signals = [AbortSignal.timeout(options.routeTimeoutMs ?? 2000)];
  if (options.signal !== undefined) signals.push(options.signal);
  const signal = AbortSignal.any(signals);
  let fallback: { readonly ip: Ip; readonly source: string } | undefined;
  for (const seed of seeds) {
    let source = `route to ${seed}`;
    try {
      const targets = await resolveAll([seed], {
        defaultPort: port,
        signal,
        ...(family === undefined ? {} : { family }),
        ...(resolver === undefined ? {} : { resolver }),
      });
      for (const address of targets) {
        source = `route to ${address}`;
        const { host = "", port: seedPort = port } = splitHostPort(address) ?? {};
        const target = { host: parseIp(host)?.text ?? host, port: seedPort };
        const found = await route(target, {
          signal,
          ...(interfaces === undefined ? {} : { interfaces }),
        });
        const ip = parseIp(found);
        const pass = (reason: string) => passedOver.push({ source, address: found, reason });
        if (ip === undefined || isUnspecified(ip)) pass("not an address to dial");
        else if (family !== undefined && ip.family !== family) pass(`not IPv${family}`);
        else if (!isLoopback(ip) && !isLinkLocal(ip)) return ip;
        else if (fallback === undefined || isLoopback(fallback.ip)) fallback = { ip, source };
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      passedOver.push({ source, reason: reasonOf(error) });
    }
  }
  return fallback?.ip;
}

/**
 * The address to tell peers, `host:port` (IPv6 in brackets). In this order, the first that answers wins:
 *
 * 1. `explicit`;
 * 2. an environment variable (`POD_IP`);
 * 3. the local address of a socket towards a seed: what the routing table says, without sending anything (on Deno see
 *    {@link localAddressTo}); a loopback or link-local address is taken only if no seed is reached from a better one;
 * 4. the network interfaces, by the rules of {@link firstAddress}.
 *
 * Names of interfaces are never guessed. Behind a NAT or a port mapping only `explicit` can be right.
 *
 * @throws {RangeError} When a port or time is outside its range, or `explicit` is `0.0.0.0` or `::`.
 * @throws {TypeError} When `explicit` is not an IP address with or without a port.
 * @throws {NoAddressError} When nothing answers; it lists every candidate and why it was passed over.
 *
 * @example Usage
 * ```ts
 * import { advertiseAddress } from "@ck/cluster/advertise";
 * import { assertEquals } from "@std/assert";
 *
 * const interfaces = [{ name: "eth0", addresses: ["2001:db8::7/64"] }];
 * assertEquals(await advertiseAddress({ port: 8080, env: {}, interfaces }), "[2001:db8::7]:8080");
 * assertEquals(
 *   await advertiseAddress({ port: 8080, env: { POD_IP: "10.0.0.7" }, interfaces }),
 *   "10.0.0.7:8080",
 * );
 * ```
 */
export async function advertiseAddress(options: AdvertiseAddressOptions): Promise<string> {
  const { explicit, port, interfaces, signal, routeTimeoutMs = 2000 } = options;
  signal?.throwIfAborted();
  if (!isPort(port)) {
    throw new RangeError(
      `Cannot advertise a port as it must be an integer from 1 to 65535: current value is ${port}`,
    );
  }
  if (!(routeTimeoutMs >= 1 && routeTimeoutMs <= 60_000)) {
    throw new RangeError(
      `Cannot look for a route as routeTimeoutMs must be from 1 to 60000: current value is ${routeTimeoutMs}`,
    );
  }
  if (explicit !== undefined) return explicitAddress(explicit, port);
  const passedOver: PassedOver[] = [];
  const ip = environment(options, passedOver) ?? await routeToSeeds(options, passedOver);
  if (ip !== undefined) return hostPort(ip.text, port);
  try {
    return hostPort(firstAddress(interfaces, options), port);
  } catch (error) {
    const candidates = error instanceof NoAddressError
      ? error.candidates
      : [{ source: "interfaces", reason: `not readable: ${reasonOf(error)}` }];
    throw new NoAddressError([...passedOver, ...candidates], { cause: error });
  }
}
