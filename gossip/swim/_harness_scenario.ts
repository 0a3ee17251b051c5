/** What the scenarios ask of a {@link World}. */
import { World, type WorldNode } from "./_harness.ts";
import type { SwimOptions, SwimPreset } from "./options.ts";
import { swim } from "./swim.ts";

/** Seeds of the scenarios that are cheap enough to run several times. */
export const SEEDS: readonly number[] = [1, 2, 3];
/** Some seconds of work: Bun gives a test five unless told otherwise. */
export const LONG: { readonly timeout: number } = { timeout: 120_000 };

/** A world of nodes with these settings. */
export function world(seed: number, options: SwimOptions | SwimPreset = {}): World {
  return new World({ seed, strategy: swim(options) });
}

/** Their names. */
export function names(nodes: readonly WorldNode[]): readonly string[] {
  return nodes.map(({ name }) => name);
}

/** Names that anybody lost from view since an instant. */
export function lost(nodes: readonly WorldNode[], since = 0): readonly string[] {
  return nodes.flatMap((node) => node.lost.filter(({ at }) => at >= since).map(({ name }) => name));
}

/** How often something was counted by all of them. */
export function counted(
  nodes: readonly WorldNode[],
  counter: "suspicion" | "refutation" | "lateTimer",
): number {
  return nodes.reduce((sum, { counters }) => sum + (counters.get(counter) ?? 0), 0);
}

/** News reaches most by gossip at once; whom it missed by chance, the next push/pull tells. */
export function spreads(
  w: World,
  nodes: readonly WorldNode[],
  news: { readonly what: string; readonly known: (node: WorldNode) => boolean },
): void {
  const { what, known } = news;
  const most = Math.ceil(nodes.length * 3 / 4);
  w.until(() => nodes.filter(known).length >= most, 2000, `most know: ${what}`);
  w.until(() => nodes.every(known), 90_000, `all know: ${what}`);
}
