/**
 * What the tests of nodes with keys share.
 *
 * @module
 */
import { assert } from "@std/assert";
import { scuttlebutt } from "../gossip/scuttlebutt/mod.ts";
import type { ScuttlebuttOptions } from "../gossip/scuttlebutt/mod.ts";
import type { World } from "./_harness_world.ts";
import type { NodeEventMap } from "./events.ts";
import type { Node } from "./node.ts";
import type { NodeOptions } from "./options.ts";

/** A few rounds: what is waited for is virtual. */
export const NEWS_MS = 10_000;
/** Twenty heartbeats, and the last round of those who judge. */
export const SILENCE_MS = 30_000;

/** Options of a node with keys. */
export const keyed = (options: ScuttlebuttOptions = {}): Partial<NodeOptions> => ({
  gossip: scuttlebutt(options),
});

const types = [
  "join",
  "leave",
  "up",
  "down",
  "upsertKey",
  "deleteKey",
  "expired",
] as const satisfies readonly (keyof NodeEventMap)[];

/** Everything that a node tells, as `type id [key[=value]]`. */
export function watched(node: Node): string[] {
  const told: string[] = [];
  for (const type of types) {
    node.addEventListener(type, ({ detail }) => {
      const { id } = detail;
      assert(Object.isFrozen(detail) && detail.type === type);
      const key = "key" in detail ? ` ${detail.key}` : "";
      told.push(`${type} ${id}${key}${"value" in detail ? `=${detail.value}` : ""}`);
    });
  }
  return told;
}

/** Creates, starts and joins nodes with keys. */
export async function cluster(w: World, count: number, options = keyed()): Promise<Node[]> {
  return await w.cluster(count, options);
}
