import type { Address } from "../strategy.ts";

/** The port that memberlist substitutes where a message carries none. */
export const DEFAULT_PORT = 7946;

/** An address as the wire carries it. */
export interface Endpoint {
  /** 4 bytes (IPv4) or 16 (IPv6). */
  readonly addr: Uint8Array;
  readonly port: number;
}

/**
 * Reads `10.0.0.1:8080` or `[2001:db8::1]:8080`. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) becomes 4 bytes, since on the
 * wire the two forms are different addresses.
 *
 * @returns `undefined` for anything else: names, zones, ports outside 1…65535.
 */
export function parseAddress(text: Address): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > 65535) return undefined;
  const addr = match[1] !== undefined ? ipv6(match[1]) : ipv4(match[2]!);
  return addr && { addr, port };
}

/** An endpoint as text; IPv6 as RFC 5952 has it. `undefined` when `addr` is neither 4 nor 16 bytes long. */
export function formatAddress(endpoint: Endpoint): Address | undefined {
  const host = formatHost(endpoint.addr);
  if (host === undefined) return undefined;
  return endpoint.addr.length === 4 ? `${host}:${endpoint.port}` : `[${host}]:${endpoint.port}`;
}

/** An IP address as text, without brackets. */
export function formatHost(addr: Uint8Array): string | undefined {
  if (addr.length === 4) return `${addr[0]}.${addr[1]}.${addr[2]}.${addr[3]}`;
  if (addr.length !== 16) return undefined;
  if (isMapped(addr)) return `::ffff:${addr.subarray(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, i) => (addr[i * 2]! << 8) | addr[i * 2 + 1]!);
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    i = Math.max(i, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/** Whether two byte strings are equal; absent and empty are. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  const length = a?.length ?? 0;
  if (length !== (b?.length ?? 0)) return false;
  for (let i = 0; i < length; i++) if (a![i] !== b![i]) return false;
  return true;
}

function isMapped(addr: Uint8Array): boolean {
  return addr[10] === 0xff && addr[11] === 0xff && addr.subarray(0, 10).every((byte) => byte === 0);
}

function ipv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!;
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

function ipv6(text: string): Uint8Array | undefined {
  let groups = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const tail = ipv4(dotted[2]!);
    if (tail === undefined) return undefined;
    const high = ((tail[0]! << 8) | tail[1]!).toString(16);
    groups = `${dotted[1]}${high}:${((tail[2]! << 8) | tail[3]!).toString(16)}`;
  }
  const halves = groups.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => half === "" ? [] : half.split(":"));
  const count = head!.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== 8 : count > 7) return undefined;
  const all = [...head!, ...Array<string>(8 - count).fill("0"), ...(tail ?? [])];
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 8; i++) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(all[i]!)) return undefined;
    const value = parseInt(all[i]!, 16);
    bytes[i * 2] = value >> 8;
    bytes[i * 2 + 1] = value & 0xff;
  }
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}
