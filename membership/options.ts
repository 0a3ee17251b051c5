/**
 * What a node is built from, and the checks before anything is.
 *
 * @module
 */
import { hostPort, isUnspecified, parseIp, splitHostPort } from "../advertise/ip.ts";
import type { Discovery } from "../discovery/discovery.ts";
import type { DnsResolver } from "../discovery/dns_resolver.ts";
import type { Address, GossipStrategy, Prng } from "../gossip/strategy.ts";
import { swim } from "../gossip/swim/mod.ts";
import type { Registry } from "../metrics/mod.ts";
import type { PeerState } from "../shard/peer.ts";
import { ring } from "../shard/ring.ts";
import type { Algorithm } from "../shard/placement.ts";
import { http2 } from "../transport/http2.ts";
import type { ClientTlsOptions, Hono } from "../transport/http2.ts";
import type { Transport } from "../transport/transport.ts";
import { cryptoRandom, systemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { checkCredentials } from "./credentials.ts";
import { logtape } from "./logger.ts";
import type { Logger } from "./logger.ts";
import { shown } from "./words.ts";

/** A transport, perhaps one that is mounted in a server. */
export interface NodeTransport extends Transport {
  /** The routes to mount, for a transport that lives in the user's HTTP server. */
  routes?(): Hono;
}

/** Bounds of what peers and slow networks can cost a node. */
export interface NodeLimits {
  /** How long {@link Node.stop} waits for the news of leaving to spread. 0 to 600,000 ms. @default {5000} */
  readonly leaveTimeoutMs?: number;
  /**
   * How long a peer may take to send its whole request on an exchange that it opened. 1 to 600,000 ms.
   *
   * @default {2000} or what the protocol says: with `scuttlebutt()`, its `streamTimeoutMs`
   */
  readonly requestTimeoutMs?: number;
  /**
   * How long an exchange that a peer opened may live in all. 1 to 600,000 ms.
   *
   * @default {10000} or, where the protocol says more of `requestTimeoutMs`, twice that
   */
  readonly acceptedTimeoutMs?: number;
  /** How many such exchanges may be open; more are refused. 1 to 65,536. @default {128} */
  readonly maxAcceptedExchanges?: number;
  /** How many packets may wait for the protocol core; more are dropped and counted. 1 to 1,048,576. @default {1024} */
  readonly maxWaitingPackets?: number;
}

/** Options of {@link Node}. */
export interface NodeOptions {
  /**
   * The unique name of the node: its identity. 1 to 255 bytes of UTF-8 without control characters. A node that comes back with its name
   * replaces itself, also at another address. Required, unless the `gossip` makes names, as `scuttlebutt()` does: nine random characters,
   * for a life that never comes back.
   */
  readonly name?: string;
  /**
   * Where peers reach the node: an IP address with a port, `10.0.0.1:8080` or `[2001:db8::1]:8080`. `advertiseAddress` of
   * `@ck/cluster/advertise` finds it.
   */
  readonly advertiseAddr: Address;
  /**
   * The name of the cluster, at most 255 bytes of UTF-8. Traffic with another name is refused before anything else, so that two clusters
   * cannot merge by accident. `""` means no name, and must be said.
   */
  readonly clusterName: string;
  /** The gossip protocol. @default {swim()} */
  readonly gossip?: GossipStrategy;
  /** How keys are placed on nodes. Nothing is computed before {@link Node.sharder} is read. @default {ring({ tokens: 512 })} */
  readonly sharder?: Algorithm;
  /** Moves the bytes. The node owns it: it is closed with the node, and serves no other. @default {http2({ tls })} */
  readonly transport?: NodeTransport;
  /** TLS of the default transport towards peers; not together with `transport`. @default {undefined} cleartext */
  readonly tls?: ClientTlsOptions;
  /** Knows where peers may be. Asked at every start and in every rejoin round. @default {undefined} only the addresses given to start */
  readonly discovery?: Discovery;
  /** Resolves host names among the addresses given to {@link Node.start}. @default {systemResolver()} */
  readonly resolver?: DnsResolver;
  /** Where the node logs. @default {logtape()} LogTape's category `["@ck/cluster"]`, silent unless configured */
  readonly logger?: Logger;
  /** Where the node registers its metrics; one registry serves one node. @default {new Registry()} */
  readonly registry?: Registry;
  /** Bounds on resources. */
  readonly limits?: NodeLimits;
  /**
   * Time between two rounds of looking for members that are missing, ± 10 %. A second at first, growing to this, while the node is
   * alone. 100 to 86,400,000 ms; `Infinity`: never. @default {60000}
   */
  readonly rejoinIntervalMs?: number;
  /**
   * How many addresses are joined at once, chosen at random when there are more. It does not limit the size of the cluster: one member
   * that answers tells of all others. 1 to 1,000. @default {5}
   */
  readonly maxJoinPeers?: number;
  /** How many members, itself included, the node must see before it is admitted, the first time. 1 to 1,000,000. @default {1} */
  readonly minClusterSize?: number;
  /** After how long the node is admitted all the same, in ms from the first start; 0 to 2,592,000,000. @default {undefined} never */
  readonly waitTimeoutMs?: number;
  /**
   * Which life of this name this is; a larger one replaces a smaller one. A safe integer of at least 0, never smaller than in the life
   * before: a persisted counter, or the time.
   *
   * @default {Date.now()} when the node is created; 1 for a name that was made just then
   */
  readonly generation?: number;
  /** Monotonic time. Not the time of the transport, which has its own. @default {systemClock()} */
  readonly clock?: Clock;
  /** Randomness. @default {cryptoRandom()} */
  readonly random?: Prng;
}

/** {@link NodeOptions}, checked and complete. */
export interface ResolvedNodeOptions
  extends
    Omit<Required<NodeOptions>, "discovery" | "resolver" | "tls" | "waitTimeoutMs" | "registry"> {
  readonly limits: Required<NodeLimits>;
  readonly discovery: Discovery | undefined;
  readonly resolver: DnsResolver | undefined;
  readonly registry: Registry | undefined;
  readonly waitTimeoutMs: number | undefined;
}

const known: { readonly [Option in keyof Required<NodeOptions>]: true } = {
  name: true,
  advertiseAddr: true,
  clusterName: true,
  gossip: true,
  sharder: true,
  transport: true,
  tls: true,
  discovery: true,
  resolver: true,
  logger: true,
  registry: true,
  limits: true,
  rejoinIntervalMs: true,
  maxJoinPeers: true,
  minClusterSize: true,
  waitTimeoutMs: true,
  generation: true,
  clock: true,
  random: true,
};

const knownLimits: {
  readonly [Limit in keyof Required<NodeLimits>]: readonly [number, number, number];
} = {
  leaveTimeoutMs: [0, 600_000, 5_000],
  requestTimeoutMs: [1, 600_000, 2_000],
  acceptedTimeoutMs: [1, 600_000, 10_000],
  maxAcceptedExchanges: [1, 65_536, 128],
  maxWaitingPackets: [1, 1_048_576, 1_024],
};

/**
 * Checks the options of a node and fills in the defaults. Creates a transport only after everything else was found in order.
 *
 * @throws {TypeError} When an option is missing, unknown, of the wrong kind, or contradicts another.
 * @throws {RangeError} When an option is outside its range. Every message names the option; nothing was started.
 */
export function resolveNodeOptions(options: NodeOptions): ResolvedNodeOptions {
  if (typeof options !== "object" || options === null) {
    fail(TypeError, "options", "must be an object", options);
  }
  for (const option of Object.keys(options)) {
    if (!Object.hasOwn(known, option)) {
      throw new TypeError(
        `Cannot create a node as there is no option '${option}': known are ${
          Object.keys(known).join(", ")
        }`,
      );
    }
  }
  const advertiseAddr = ownAddress(options.advertiseAddr);
  const clusterName = text("clusterName", options.clusterName, 0);

  if (options.random !== undefined && typeof options.random !== "function") {
    fail(TypeError, "random", "must be a function", options.random);
  }
  const gossip = methods("gossip", options.gossip, ["create"]) ?? swim();
  const random = options.random ?? cryptoRandom();
  const made = options.name === undefined ? gossip.newName?.(random) : undefined;
  const name = text("name", made ?? options.name, 1);
  const sharder = methods("sharder", options.sharder, ["place"]) ?? ring({ tokens: 512 });
  const discovery = methods("discovery", options.discovery, ["discover"]);
  const resolver = methods("resolver", options.resolver, ["resolve4", "resolve6"]);
  const logger = methods("logger", options.logger, ["debug", "info", "warn", "error"]) ?? logtape();
  const registry = methods("registry", options.registry, ["registerMetric", "metrics"]);
  const clock = methods("clock", options.clock, ["now", "setTimer"]) ?? systemClock();
  const ofProtocol = protocolLimits(gossip);
  const limits: Record<string, number> = {};
  const { limits: given = {} } = options;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    fail(TypeError, "limits", "must be an object", given);
  }
  for (const limit of Object.keys(given)) {
    if (!Object.hasOwn(knownLimits, limit)) {
      throw new TypeError(
        `Cannot create a node as there is no option 'limits.${limit}': known are ${
          Object.keys(knownLimits).join(", ")
        }`,
      );
    }
  }
  for (const [limit, [least, most, byDefault]] of Object.entries(knownLimits)) {
    const { [limit as keyof NodeLimits]: value = ofProtocol[limit] ?? byDefault } = given;
    limits[limit] = integer(`limits.${limit}`, value, least, most);
  }

  // Defaults are for what is absent: null is a wrong value.
  const { rejoinIntervalMs = 60_000, maxJoinPeers = 5, minClusterSize = 1 } = options;
  if (rejoinIntervalMs !== Infinity) integer("rejoinIntervalMs", rejoinIntervalMs, 100, 86_400_000);
  integer("maxJoinPeers", maxJoinPeers, 1, 1_000);
  integer("minClusterSize", minClusterSize, 1, 1_000_000);
  if (options.waitTimeoutMs !== undefined) {
    integer("waitTimeoutMs", options.waitTimeoutMs, 0, 2_592_000_000);
  }
  const { generation = made === undefined ? Date.now() : 1 } = options;
  integer("generation", generation, 0, Number.MAX_SAFE_INTEGER - 1);

  const own = methods("transport", options.transport, ["serve", "send", "dial", "close"]);
  if (own !== undefined && options.tls !== undefined) {
    throw new TypeError(
      "Cannot create a node as 'tls' belongs to the default transport: give it to the one in 'transport'",
    );
  }
  const transport = own ?? defaultTransport(options.tls);

  return Object.freeze({
    name,
    advertiseAddr,
    clusterName,
    gossip,
    sharder,
    transport,
    discovery,
    resolver,
    logger,
    registry,
    limits: Object.freeze(limits) as unknown as Required<NodeLimits>,
    rejoinIntervalMs,
    maxJoinPeers,
    minClusterSize,
    waitTimeoutMs: options.waitTimeoutMs,
    generation,
    clock,
    random,
  });
}

/**
 * Checks a state that a caller asks for.
 *
 * @throws {RangeError} When there is no such state.
 */
export function checkState(state: PeerState): void {
  if (state !== "viewer" && state !== "participant" && state !== "terminating") {
    throw new RangeError(
      `Cannot change the state as it must be viewer, participant or terminating: current value is ${
        shown(state)
      }`,
    );
  }
}

function protocolLimits({ exchangeTimeoutMs }: GossipStrategy): Readonly<Record<string, number>> {
  if (exchangeTimeoutMs === undefined) return {};
  const within = (ms: number) => Math.min(600_000, Math.max(1, Math.ceil(ms)));
  const requestTimeoutMs = within(exchangeTimeoutMs);
  const acceptedTimeoutMs = within(Math.max(10_000, 2 * exchangeTimeoutMs));
  return { requestTimeoutMs, acceptedTimeoutMs };
}

function defaultTransport(tls: ClientTlsOptions | undefined): NodeTransport {
  if (tls === undefined) return http2();
  if (typeof tls !== "object" || tls === null) fail(TypeError, "tls", "must be an object", tls);
  checkCredentials(tls);
  return http2({ tls });
}

function ownAddress(value: unknown): Address {
  const split = typeof value === "string" ? splitHostPort(value) : undefined;
  if (split === undefined) {
    fail(TypeError, "advertiseAddr", "must be an IP address with a port from 1 to 65535", value);
  }
  if (split.port === undefined) fail(TypeError, "advertiseAddr", "must have a port", value);
  if (split.host.includes("%")) {
    fail(TypeError, "advertiseAddr", "must be without a zone, which peers cannot know", value);
  }
  const ip = parseIp(split.host);
  if (ip === undefined) {
    fail(TypeError, "advertiseAddr", "must be an IP address with a port, not a host name", value);
  }
  if (isUnspecified(ip)) {
    fail(RangeError, "advertiseAddr", "must be an address that peers can dial", value);
  }
  return hostPort(ip.text, split.port);
}

function text(option: string, value: unknown, leastBytes: number): string {
  if (typeof value !== "string") fail(TypeError, option, "must be given as a string", value);
  if (!value.isWellFormed()) fail(RangeError, option, "must be well-formed Unicode", value);
  const bytes = new TextEncoder().encode(value).length;
  if (bytes < leastBytes || bytes > 255) {
    fail(RangeError, option, `must have ${leastBytes} to 255 bytes of UTF-8`, value);
  }
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value)) {
    fail(RangeError, option, "must not contain control characters", value);
  }
  return value;
}

function integer(option: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number") fail(TypeError, option, "must be a number", value);
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    fail(RangeError, option, `must be an integer from ${least} to ${most}`, value);
  }
  return value;
}

function methods<T>(option: string, value: T | undefined, names: readonly string[]): T | undefined {
  if (value === undefined) return undefined;
  const missing = typeof value !== "object" && typeof value !== "function" || value === null
    ? names
    : names.filter((name) => typeof (value as Record<string, unknown>)[name] !== "function");
  if (missing.length > 0) {
    fail(
      TypeError,
      option,
      `must have the method${missing.length > 1 ? "s" : ""} ${missing.join(", ")}`,
      value,
    );
  }
  return value;
}

function fail(
  Class: TypeErrorConstructor | RangeErrorConstructor,
  option: string,
  rule: string,
  value: unknown,
): never {
  throw new Class(`Cannot create a node as '${option}' ${rule}: current value is ${shown(value)}`);
}
