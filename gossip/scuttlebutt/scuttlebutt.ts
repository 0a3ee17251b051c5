import type { GossipContext, GossipStrategy, Prng } from "../strategy.ts";
import { ScuttlebuttCore } from "./core.ts";
import { type ScuttlebuttOptions, scuttlebuttSettings } from "./options.ts";

/** A {@link GossipStrategy} whose nodes own keys. */
export interface ScuttlebuttStrategy extends GossipStrategy {
  /** `scuttlebutt`. */
  readonly name: "scuttlebutt";
  /** Nine random characters of `[0-9a-z]`, as Kite's: one in 10^14 names. */
  newName(random: Prng): string;
  /** See {@link GossipStrategy.create}. */
  create(context: GossipContext): ScuttlebuttCore;
}

/**
 * Scuttlebutt (van Renesse, Dumitriu, Gough, Thomas 2008): every node owns keys, and all others come to hold them; failures are found by φ
 * accrual, and a watcher hears what changed. What Kite offers, on the same routes as SWIM.
 *
 * Each round a node compares digests with one other and both take what they lack. A write reaches 10, 100, 1000 nodes in 2.3, 4.5,
 * 6.3 rounds on average. Identity is a name and a generation: a newer life of a name replaces the older one at once.
 *
 * @example Usage
 * ```ts
 * import { scuttlebutt } from "@ck/cluster/gossip/scuttlebutt";
 * import { assertEquals } from "@std/assert";
 *
 * const core = scuttlebutt().create({
 *   name: "a",
 *   address: "10.0.0.1:7000",
 *   clusterName: "prod",
 *   generation: 1,
 *   random: () => 0.5,
 *   now: 0,
 * });
 * core.upsertLocal("version", "1.4.2", 0);
 *
 * assertEquals(core.localNode.entries, [
 *   { key: "version", value: "1.4.2", version: 1, internal: false, deleted: false },
 * ]);
 * ```
 *
 * @param options Settings; the defaults are Kite's.
 * @throws {RangeError} When a setting is outside its range; the message names it.
 * @throws {TypeError} When there is no such setting.
 */
export function scuttlebutt(options: ScuttlebuttOptions = {}): ScuttlebuttStrategy {
  const settings = scuttlebuttSettings(options);
  return Object.freeze({
    name: "scuttlebutt",
    protocolVersion: 1,
    exchangeTimeoutMs: settings.streamTimeoutMs,
    newName,
    create: (context: GossipContext): ScuttlebuttCore => new ScuttlebuttCore(settings, context),
  });
}

const NAME_LENGTH = 9;

/** Each character is one of 36 by its own random number: nothing is folded, so none is likelier than another. */
function newName(random: Prng): string {
  let name = "";
  while (name.length < NAME_LENGTH) name += Math.floor(random() * 36).toString(36);
  return name;
}
