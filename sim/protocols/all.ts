import type { Protocol } from "../protocol.ts";
import { swim } from "./swim.ts";

/** The protocols that can be played, by name. */
export const protocols: ReadonlyMap<string, Protocol> = new Map(
  [swim].map((protocol) => [protocol.name, protocol]),
);
