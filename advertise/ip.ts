/**
 * IP addresses and `host:port` texts: parsing, one canonical spelling, and the ranges that matter when an address is chosen.
 *
 * @module
 */
import { isIP } from "node:net";

/** One IP address in canonical spelling (RFC 5952 for IPv6); an IPv4-mapped IPv6 address counts as IPv4. */
export interface Ip {
  readonly family: 4 | 6;
  readonly text: string;
  /** 4 or 16 bytes, in network order. */
  readonly bytes: readonly number[];
}

/** A text split at its port; `host` is without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number | undefined;
}

function ipv6Bytes(canonical: string): number[] {
  const [head = "", tail] = canonical.split("::");
  const words = (part: string) =>
    part === "" ? [] : part.split(":").map((word) => parseInt(word, 16));
  const front = words(head);
  const back = tail === undefined ? [] : words(tail);
  const gap = new Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...gap, ...back].flatMap((word) => [word >> 8, word & 0xff]);
}

/** Reads an IP address, with or without a zone (`fe80::1%eth0`, dropped) or brackets; `undefined` for anything else. */
export function parseIp(text: string): Ip | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const [address = ""] = bare.split("%");
  const family = isIP(address);
  if (family === 0) return undefined;
  if (family === 4) return { family, text: address, bytes: address.split(".").map(Number) };
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const bytes = ipv6Bytes(canonical);
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff &&
    bytes[11] === 0xff;
  if (!mapped) return { family: 6, text: canonical, bytes };
  return { family: 4, text: bytes.slice(12).join("."), bytes: bytes.slice(12) };
}

/** `127.0.0.0/8` and `::1`. */
export function isLoopback(ip: Ip): boolean {
  if (ip.family === 4) return ip.bytes[0] === 127;
  return ip.bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

/** `169.254.0.0/16` and `fe80::/10`: valid on one link only. */
export function isLinkLocal(ip: Ip): boolean {
  const [first = 0, second = 0] = ip.bytes;
  return ip.family === 4
    ? first === 169 && second === 254
    : first === 0xfe && (second & 0xc0) === 0x80;
}

/** `0.0.0.0` and `::`: a place to listen, never one to be reached at. */
export function isUnspecified(ip: Ip): boolean {
  return ip.bytes.every((byte) => byte === 0);
}

/** Whether both addresses agree in their first `bits` bits. */
export function samePrefix(left: Ip, right: Ip, bits: number): boolean {
  if (left.family !== right.family) return false;
  return left.bytes.every((byte, at) => {
    const rest = Math.min(8, Math.max(0, bits - at * 8));
    const mask = (0xff << (8 - rest)) & 0xff;
    return (byte & mask) === ((right.bytes[at] ?? 0) & mask);
  });
}

/** `host:port`, with brackets around an IPv6 host. */
export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether `port` is one that a peer can be dialled at. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

/**
 * Splits `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
 *
 * @returns `undefined` when the text is none of these.
 */
export function splitHostPort(text: string): HostPort | undefined {
  if (isIP(text.split("%")[0] ?? "") === 6) return { host: text, port: undefined };
  const parts = /^(?:\[([^\]]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, bracketed, plain = "", digits] = parts;
  if (bracketed !== undefined && isIP(bracketed.split("%")[0] ?? "") !== 6) return undefined;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && !isPort(port)) return undefined;
  return { host: bracketed ?? plain, port };
}
