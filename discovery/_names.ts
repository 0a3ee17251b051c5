/**
 * From one host name to all its addresses.
 *
 * @module
 */
import { parseIp } from "../advertise/ip.ts";
import { allFailed, NoAddressError, untilAborted } from "./_outcome.ts";
import type { DnsResolver } from "./dns_resolver.ts";

/** How to find the addresses of a name. */
export interface AddressesOptions {
  readonly resolver: DnsResolver;
  readonly family: 4 | 6 | undefined;
  readonly signal: AbortSignal | undefined;
}

/** RFC 6761 section 6.3: these never go to a DNS server. */
function isLocalhost(name: string): boolean {
  return /(^|\.)localhost\.?$/i.test(name);
}

function canonical(texts: readonly string[], family: 4 | 6 | undefined): readonly string[] {
  const addresses = new Set<string>();
  for (const text of texts) {
    const ip = parseIp(text);
    if (ip !== undefined && (family === undefined || ip.family === family)) addresses.add(ip.text);
  }
  return [...addresses];
}

/** DNS knows the name, and no record of the type asked for. */
function hasNone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENODATA";
}

/**
 * All addresses of `host`: A records, then AAAA, each once, in canonical spelling. Either family may fail as long as the other has
 * records. `lookup` is asked when neither has any, and at once for `localhost`.
 */
export async function addressesOf(
  host: string,
  { resolver, family, signal }: AddressesOptions,
): Promise<readonly string[]> {
  const ip = parseIp(host);
  if (ip !== undefined) return family === undefined || ip.family === family ? [ip.text] : [];
  const options = signal === undefined ? {} : { signal };
  const errors: unknown[] = [];
  let found: readonly string[] = [];
  let answered = false; // with no address, or with none of the family
  let empty = false; // DNS has the name, without any address
  const collect = async (queries: readonly Promise<readonly string[]>[]) => {
    const answers = await untilAborted(Promise.allSettled(queries), signal);
    signal?.throwIfAborted();
    const texts: string[] = [];
    for (const answer of answers) {
      if (answer.status === "fulfilled") texts.push(...answer.value);
      else errors.push(answer.reason);
      answered ||= answer.status === "fulfilled";
    }
    empty ||= answers.every((answer) => answer.status === "fulfilled" || hasNone(answer.reason));
    found = canonical(texts, family);
  };
  if (!(isLocalhost(host) && resolver.lookup !== undefined)) {
    await collect([
      ...(family === 6 ? [] : [resolver.resolve4(host, options)]),
      ...(family === 4 ? [] : [resolver.resolve6(host, options)]),
    ]);
  }
  if (found.length === 0 && resolver.lookup !== undefined) {
    await collect([resolver.lookup(host, options)]);
  }
  if (found.length === 0) {
    if (answered) {
      errors.push(new Error(`there is no ${family === undefined ? "" : `IPv${family} `}address`));
    }
    const failed = allFailed(errors, `Cannot resolve ${host}`);
    throw empty ? new NoAddressError(failed) : failed;
  }
  return found;
}
