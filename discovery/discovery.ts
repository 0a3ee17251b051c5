/**
 * The contract of everything that knows where peers may be.
 *
 * @module
 */

/** A source, or a part of one, that did not answer while others did. Frozen. */
export interface DiscoveryFailure {
  /** What failed: a host name, a path, or a whole source. */
  readonly source: string;
  /** Why. */
  readonly error: unknown;
}

/** Options of {@link Discovery.discover}. */
export interface DiscoverOptions {
  /** Ends the search; `discover` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told of every part that failed, also when others answered and `discover` resolves. Must not throw. */
  readonly onFailure?: (failure: DiscoveryFailure) => void;
}

/**
 * Knows where peers may be. Asked again before every attempt to join, for as long as the node lives; nothing is cached between two
 * calls, a failure least of all.
 */
export interface Discovery {
  /** One line for logs and the status page: `dns A/AAAA peers.example:8080`. */
  readonly source: string;
  /**
   * Looks for peers now.
   *
   * @returns `host:port` texts with IP addresses (IPv6 in brackets), each once. The own address may be among them. Empty: there is
   * nobody, which is normal for the first node.
   * @throws {AggregateError} When nothing at all could be found out. It holds every failure.
   */
  discover(options?: DiscoverOptions): Promise<readonly string[]>;
}
