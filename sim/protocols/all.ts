import type { AnyProtocol } from "../protocol.ts";
import { raft } from "./raft.ts";
import { scuttlebutt } from "./scuttlebutt.ts";
import { swim } from "./swim.ts";

/** The protocols that can be played, by name. */
export const protocols: ReadonlyMap<string, AnyProtocol> = new Map(
  [swim, scuttlebutt, raft].map((protocol: AnyProtocol) => [protocol.name, protocol]),
);
