/**
 * The local address of a socket towards somewhere: what the routing table answers.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import process from "node:process";
import { isUnspecified, parseIp, samePrefix } from "./ip.ts";
import type { NetworkInterface } from "./first_address.ts";
import { systemInterfaces } from "./system_interfaces.ts";

/** Where a route is asked for. */
export interface RouteTarget {
  /** The IP address, IPv6 without brackets. */
  readonly host: string;
  /** The port, 1 to 65535. */
  readonly port: number;
}

/** Options of {@link localAddressTo}. */
export interface LocalAddressOptions {
  /** Ends the wait for the TCP handshake of the last resort. */
  readonly signal?: AbortSignal;
  /** The interfaces whose subnets are compared where a UDP socket does not tell; the machine's own when absent. */
  readonly interfaces?: readonly NetworkInterface[];
}

/**
 * Connecting a UDP socket sends nothing: it only makes the kernel choose a route. Not for Deno, which answers with the address that was
 * bound, `0.0.0.0`, and ends the process where `--allow-net` is limited to some addresses.
 */
function udpAddress({ host, port }: RouteTarget): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const settle = (error: Error | undefined) => {
      try {
        if (error !== undefined) reject(error);
        else resolve(socket.address().address);
      } catch (cause) {
        reject(cause);
      } finally {
        socket.close();
      }
    };
    socket.once("error", settle);
    socket.connect(port, host, () => settle(undefined));
  });
}

/** Without the permission to list interfaces, the handshake still answers. */
function permittedInterfaces(): readonly NetworkInterface[] {
  try {
    return systemInterfaces();
  } catch {
    return [];
  }
}

function subnetAddress(
  { host }: RouteTarget,
  interfaces: readonly NetworkInterface[],
): string | undefined {
  const target = parseIp(host);
  let best: { readonly bits: number; readonly text: string } | undefined;
  for (const address of interfaces.flatMap((entry) => entry.addresses)) {
    const [text = "", digits] = address.split("/");
    const own = parseIp(text);
    if (target === undefined || own === undefined || digits === undefined) continue;
    const bits = Number(digits);
    if (samePrefix(own, target, bits) && bits > (best?.bits ?? -1)) best = { bits, text: own.text };
  }
  return best?.text;
}

function tcpAddress({ host, port }: RouteTarget, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const abort = () => settle(signal?.reason);
    const settle = (error?: unknown) => {
      signal?.removeEventListener("abort", abort);
      const { localAddress } = socket;
      socket.destroy();
      if (error === undefined && localAddress !== undefined) resolve(localAddress);
      else reject(error ?? new Error("the socket has no local address"));
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.on("error", settle);
    socket.once("connect", () => settle());
  });
}

/**
 * The local address from which the system would reach `target`.
 *
 * A UDP socket is connected, which sends nothing, and asked for its own address. Deno does not tell it; on it the interface whose
 * subnet holds the target decides, and for a target beyond all subnets one TCP handshake with it.
 *
 * @returns The IP address, IPv6 without brackets.
 * @throws {Error} When there is no route, or it cannot be found out; what `signal` aborted with when it did.
 */
export async function localAddressTo(
  target: RouteTarget,
  options: LocalAddressOptions = {},
): Promise<string> {
  const { signal, interfaces } = options;
  signal?.throwIfAborted();
  if (!("deno" in process.versions)) {
    const address = parseIp(await udpAddress(target));
    if (address !== undefined && !isUnspecified(address)) return address.text;
  }
  return subnetAddress(target, interfaces ?? permittedInterfaces()) ??
    await tcpAddress(target, signal);
}
