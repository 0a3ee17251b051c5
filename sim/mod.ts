/**
 * Clusters in virtual time, for tests: a seeded world of nodes that run the real protocol cores over a simulated network. See
 * `docs/simulator.md`.
 *
 * @module
 */
export { World, world } from "./world.ts";
export type { RestartOptions, WorldNode, WorldOptions } from "./world.ts";
export { ViolationError } from "./violation.ts";
export type { ViolationKind } from "./violation.ts";
