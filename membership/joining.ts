/**
 * From addresses and discovery to members: one search, and the join of what it found.
 *
 * @module
 */
import { abortable } from "@std/async";
import { NoAddressError } from "../discovery/_outcome.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { resolveAll } from "../discovery/resolve_all.ts";
import type { Address } from "../gossip/strategy.ts";
import { OperationError } from "./driver.ts";
import type { Outcome } from "./driver.ts";
import { JoinError } from "./errors.ts";
import type { JoinFailure } from "./errors.ts";
import type { DiscoveryHealth } from "./health.ts";
import type { ResolvedNodeOptions } from "./options.ts";
import { Rejoin, shuffled } from "./rejoin.ts";
import type { Reports } from "./reports.ts";
import { listed, shown } from "./words.ts";

/** What one search found. */
export interface Search {
  /** Addresses of others, as `ip:port`, each once. */
  readonly addresses: readonly Address[];
  /** Whether the own address was among them. */
  readonly self: boolean;
  /** What failed, one line each. */
  readonly failures: readonly string[];
  /** What failed, and was no answer without addresses. */
  readonly unresolved: readonly JoinFailure[];
}

/** How many addresses of earlier starts are kept beside those of the last one. */
const maxEarlierSeeds = 16;

/** What {@link Joining} works with. */
export interface JoiningHost {
  /** Where it says what came of it. */
  readonly reports: Reports;
  /** Joins through some addresses; rejects when none of them answers. */
  readonly join: (addresses: readonly Address[]) => Promise<Outcome>;
  /** Addresses of the members that are alive, the own one included. */
  readonly known: () => ReadonlySet<Address>;
}

const nowhere: Search = Object.freeze({
  addresses: [],
  self: false,
  failures: [],
  unresolved: [],
});

/** Finds peers and joins them, for one node. */
export class Joining {
  readonly #options: ResolvedNodeOptions;
  readonly #host: JoiningHost;
  readonly #rejoin: Rejoin | undefined;
  #seeds: readonly string[] = [];
  #last: (Omit<DiscoveryHealth, "ageMs"> & { readonly at: number }) | undefined;

  /** Creates it. */
  constructor(options: ResolvedNodeOptions, host: JoiningHost) {
    this.#options = options;
    this.#host = host;
    const { clock, random, rejoinIntervalMs: intervalMs, maxJoinPeers } = options;
    const { known, join, reports } = host;
    this.#rejoin = intervalMs === Infinity ? undefined : new Rejoin({
      clock,
      random,
      intervalMs,
      maxJoinPeers,
      known,
      join: async (addresses) => (await join(addresses)).count,
      discover: async (signal) => {
        const { addresses, failures } = await this.search(this.#seeds, signal);
        if (addresses.length === 0 && failures.length > 0) throw new Error(listed(failures, "; "));
        return addresses;
      },
      joined: (count) => reports.log("info", "missing peers were joined", { count }),
      failed: (error) => {
        // A stale record in DNS is no news every minute; being alone is.
        const level = known().size > 1 ? "debug" : "warn";
        reports.error(level, "missing peers could not be joined", error);
      },
    });
  }

  /** The last search. */
  get health(): DiscoveryHealth | undefined {
    if (this.#last === undefined) return undefined;
    const { at, source, addresses, failures } = this.#last;
    return Object.freeze({ source, ageMs: this.#options.clock.now() - at, addresses, failures });
  }

  /**
   * Looks for peers: resolves `given` and asks the discovery, both anew. Neither hides the other when it fails. What a discovery finds is
   * resolved too: the user's own may answer with host names, or with nonsense.
   *
   * @throws Only the signal's reason, when it aborts.
   */
  async search(
    given: readonly string[],
    signal: AbortSignal,
    { discovery }: { readonly discovery: Discovery | undefined } = this.#options,
  ): Promise<Search> {
    const { resolver, advertiseAddr, clock } = this.#options;
    if (given.length === 0 && discovery === undefined) return nowhere;
    const failures: string[] = [];
    const unresolved: JoinFailure[] = [];
    // What failed in parts was reported part by part; what failed as a whole repeats it.
    const onFailure = ({ source, error }: { source: string; error: unknown }) => {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(`${source}: ${reason}`);
      if (error instanceof NoAddressError) return;
      unresolved.push(Object.freeze({ address: source, cause: "lookup", reason }));
    };
    const ask = async (source: string, question: () => Promise<readonly string[]>) => {
      const before = failures.length;
      try {
        return await abortable(question(), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (failures.length === before) onFailure({ source, error });
        return [];
      }
    };
    const settings = { signal, onFailure, ...(resolver === undefined ? {} : { resolver }) };
    const answers = await Promise.all([
      given.length === 0 ? [] : ask("start", () => resolveAll(given, settings)),
      discovery === undefined ? [] : ask(discovery.source, async () => {
        const found: unknown = await discovery.discover({ signal, onFailure });
        if (Array.isArray(found)) return await resolveAll(found, settings);
        throw new TypeError(
          `Cannot discover peers as they must come in an array: current value is ${shown(found)}`,
        );
      }),
    ]);
    const found = [...new Set(answers.flat())];
    const addresses = found.filter((address) => address !== advertiseAddr);
    const sources = [...(given.length === 0 ? [] : ["start"]), discovery?.source ?? []].flat();
    this.#last = Object.freeze({
      source: sources.join(" and "),
      at: clock.now(),
      addresses: Object.freeze(addresses),
      failures: Object.freeze([...failures]), // one may still be told after the answer
    });
    const self = addresses.length < found.length;
    return Object.freeze({ addresses, self, failures: this.#last.failures, unresolved });
  }

  /**
   * Searches, and joins what was found: `maxJoinPeers` addresses at a time, in random order, until at least one answered.
   *
   * @throws {JoinError} When addresses were given, none of them the own one, and nothing at all could be joined.
   * @throws The signal's reason, when it aborts.
   */
  async start(given: readonly string[], signal: AbortSignal): Promise<void> {
    const { maxJoinPeers, random, discovery } = this.#options;
    const { reports } = this.#host;
    this.#remember(given);
    const { addresses, self, failures, unresolved } = await this.search(given, signal);
    const order = shuffled(addresses, random);
    let failure: unknown;
    for (let at = 0; at < order.length; at += maxJoinPeers) {
      try {
        const { count } = await this.#host.join(order.slice(at, at + maxJoinPeers));
        reports.log("info", "the node joined the cluster", { found: addresses.length, count });
        return;
      } catch (error) {
        failure = error;
      }
      signal.throwIfAborted();
    }
    const reasons = failure instanceof Error ? [...failures, failure.message] : failures;
    // One list of seeds for all nodes holds the own address, and somebody has to be the first. memberlist joins itself there.
    if (given.length > 0 && reasons.length > 0 && !self) {
      const failed = [...unresolved, ...failuresOf(failure)];
      throw new JoinError(given, listed(reasons, "; "), { cause: failure, failures: failed });
    }
    if (reasons.length > 0) {
      reports.error("warn", "the node starts alone", new Error(listed(reasons, "; ")));
    } else if (discovery !== undefined) {
      reports.log("warn", "the node starts alone", { error: "nobody was found" });
    }
  }

  /**
   * Joins through `given`, all addresses of every name among them; the names are asked again in the background from now on.
   *
   * @returns The names of the nodes that answered, in the order of `given`, the own one left out.
   * @throws {JoinError} When something was tried, and nothing answered. Names stay registered.
   * @throws The signal's reason, when it aborts.
   */
  async join(given: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const { reports } = this.#host;
    this.#remember(given);
    // The discovery is for `start` and the background: here only what was given counts.
    const { addresses, failures, unresolved } = await this.search(given, signal, {
      discovery: undefined,
    });
    let outcome: Outcome = { count: 0 };
    let failure: unknown;
    if (addresses.length > 0) {
      try {
        outcome = await this.#host.join(addresses);
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        failure = error;
      }
    }
    if (outcome.count > 0) {
      reports.log("info", "the node joined others", { count: outcome.count });
    } else if (failure !== undefined || unresolved.length > 0) {
      const reasons = failure instanceof Error ? [...failures, failure.message] : failures;
      const failed = [...unresolved, ...failuresOf(failure)];
      throw new JoinError(given, listed(reasons, "; "), { cause: failure, failures: failed });
    }
    if (failures.length > 0) {
      const error = new Error(listed(failures, "; "));
      reports.error("warn", "some addresses could not be found", error);
    }
    return Object.freeze([...outcome.names ?? []]);
  }

  /** Begins to look for missing members in the background: where the starts looked, and by the discovery. Idempotent. */
  keepOn(): void {
    this.#rejoin?.start();
  }

  #remember(given: readonly string[]): void {
    if (given.length === 0) return;
    const seeds = new Set([...given, ...this.#seeds]);
    this.#seeds = [...seeds].slice(0, given.length + maxEarlierSeeds);
  }

  /** Ends that. Idempotent. */
  async close(): Promise<void> {
    await this.#rejoin?.close();
  }
}

function failuresOf(error: unknown): readonly JoinFailure[] {
  return error instanceof OperationError ? error.failures ?? [] : [];
}
