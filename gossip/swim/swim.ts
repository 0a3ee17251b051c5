import type { GossipContext, GossipCore, GossipStrategy } from "../strategy.ts";
import { SwimCore } from "./core.ts";
import { type SwimOptions, type SwimPreset, swimSettings } from "./options.ts";

/**
 * SWIM with Lifeguard, as ckit runs it over memberlist 0.5.3: on the wire a node of this strategy is indistinguishable from a Go
 * one, but for its refusal of what would crash or poison others.
 *
 * Failures are found by random probes, direct and through others; news spread epidemically with the probes and by gossip; whole
 * states are exchanged now and then to mend what was lost. Identity is a name and a generation: a newer life of a name evicts the
 * older one at once, wherever it lives.
 *
 * @example Usage
 * ```ts
 * import { swim } from "@ck/cluster/gossip/swim";
 * import { assertEquals } from "@std/assert";
 *
 * const core = swim("fast").create({
 *   name: "a",
 *   address: "10.0.0.1:8080",
 *   clusterName: "prod",
 *   generation: 1,
 *   random: () => 0.5,
 *   now: 0,
 * });
 * const effects = core.step({ type: "changeState", operation: 1, state: "participant" }, 0);
 *
 * assertEquals(core.peers, [
 *   { name: "a", addr: "10.0.0.1:8080", self: true, state: "participant" },
 * ]);
 * assertEquals(effects.filter(({ type }) => type === "done"), [
 *   { type: "done", operation: 1, count: 0 },
 * ]);
 * ```
 *
 * @param options Settings, or the name of a preset.
 * @throws {RangeError} When a setting is outside its range; the message names it.
 */
export function swim(options: SwimOptions | SwimPreset = {}): GossipStrategy {
  const settings = swimSettings(options);
  return Object.freeze({
    name: "swim",
    protocolVersion: 2, // as memberlist speaks by default
    create: (context: GossipContext): GossipCore => new SwimCore(settings, context),
  });
}
