import { chance, oneOf } from "../draw.ts";
import type { WorldProtocol } from "../protocol.ts";
import { raftFaults } from "./raft/faults.ts";
import { playRaft } from "./raft/play_raft.ts";
import { drawSettings } from "./raft/settings.ts";
import { RAFT_SITUATIONS } from "./raft/situations.ts";

/** Raft: the shipped core over the shipped log, on machines and disks that fail. */
export const raft: WorldProtocol = Object.freeze(
  {
    name: "raft",
    faults: raftFaults,
    situations: RAFT_SITUATIONS,
    startMs: 1000,
    nodes: (random) => chance(random, 0.6) ? 3 : oneOf(random, [1, 2, 4, 5, 5, 7]),
    draw: drawSettings,
    play: (plan) => playRaft(plan),
  } satisfies WorldProtocol,
);
