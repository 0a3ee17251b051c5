/**
 * Asking DNS: the interface that discovery uses, and the system's implementation.
 *
 * @module
 */
import { lookup, Resolver } from "node:dns/promises";
import { deadline } from "@std/async";

/** Options of one query. */
export interface ResolveOptions {
  /** Ends the query. */
  readonly signal?: AbortSignal;
}

/** One SRV record (RFC 2782). */
export interface SrvRecord {
  /** The host that offers the service. */
  readonly name: string;
  /** The port that it offers it at. */
  readonly port: number;
  /** Lower is asked first. */
  readonly priority: number;
  /** Share among those of equal priority. */
  readonly weight: number;
}

/** Answers questions about names. Every method asks anew, and rejects when there is no such record. */
export interface DnsResolver {
  /** All A records of `name`. */
  resolve4(name: string, options?: ResolveOptions): Promise<readonly string[]>;
  /** All AAAA records of `name`. */
  resolve6(name: string, options?: ResolveOptions): Promise<readonly string[]>;
  /** All SRV records of `name`. */
  resolveSrv(name: string, options?: ResolveOptions): Promise<readonly SrvRecord[]>;
  /** All addresses of `name` the way other programs find them (hosts file, search domains). Absent: there is no other way. */
  lookup?(name: string, options?: ResolveOptions): Promise<readonly string[]>;
}

/** Options of {@link systemResolver}. */
export interface SystemResolverOptions {
  /**
   * DNS servers to ask, `ip` or `ip:port`.
   *
   * @default {undefined} those of the system, read again for every query
   */
  readonly servers?: readonly string[];
  /**
   * How long one query may take in all, with its repetitions, milliseconds, 1 to 60000.
   *
   * @default {5000}
   */
  readonly timeoutMs?: number;
  /**
   * Whether to have {@link DnsResolver.lookup}. It reads `/etc/hosts` and knows search domains, but Node runs all lookups of a process
   * on a pool of four threads, so it is only asked where DNS has no answer.
   *
   * @default {true}
   */
  readonly lookup?: boolean;
}

/**
 * The resolver of `node:dns/promises`. Every query uses a resolver of its own: nothing is remembered, a changed `resolv.conf` counts at
 * once, and a query that is given up disturbs no other.
 *
 * @throws {RangeError} When `timeoutMs` is outside its range.
 *
 * @example Usage
 * ```ts
 * import { dnsPeers, systemResolver } from "@ck/cluster/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const resolver = systemResolver({ servers: ["10.96.0.10"], timeoutMs: 2000 });
 * assertEquals(dnsPeers({ name: "peers.test", port: 8080, resolver }).source, "dns A/AAAA peers.test:8080");
 * ```
 */
export function systemResolver(options: SystemResolverOptions = {}): DnsResolver {
  const { servers, timeoutMs = 5000 } = options;
  if (!(timeoutMs >= 1 && timeoutMs <= 60_000)) {
    throw new RangeError(
      `Cannot resolve names as timeoutMs must be from 1 to 60000: current value is ${timeoutMs}`,
    );
  }
  const bounded = <T>(answer: Promise<T>, signal: AbortSignal | undefined) =>
    deadline(answer, timeoutMs, signal === undefined ? {} : { signal });

  async function query<T>(
    ask: (resolver: Resolver) => Promise<T>,
    { signal }: ResolveOptions = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    // One try and one repetition that waits twice as long. The bound over both is `deadline`: Bun rounds the resolver's up to seconds.
    const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / 3), tries: 2 });
    if (servers !== undefined) resolver.setServers([...servers]);
    const answer = ask(resolver);
    try {
      return await bounded(answer, signal);
    } catch (error) {
      answer.catch(() => {});
      resolver.cancel();
      throw error;
    }
  }

  const asked: DnsResolver = {
    resolve4: (name, given) => query((resolver) => resolver.resolve4(name), given),
    resolve6: (name, given) => query((resolver) => resolver.resolve6(name), given),
    resolveSrv: (name, given) => query((resolver) => resolver.resolveSrv(name), given),
  };
  if (options.lookup === false) return asked;
  return {
    ...asked,
    async lookup(name, { signal } = {}) {
      signal?.throwIfAborted();
      const found = await bounded(lookup(name, { all: true }), signal);
      return found.map(({ address }) => address);
    },
  };
}
