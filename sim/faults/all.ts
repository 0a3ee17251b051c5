import type { Fault } from "../fault.ts";
import { bridge } from "./bridge.ts";
import { clockJump } from "./clock_jump.ts";
import { clockSkew } from "./clock_skew.ts";
import { corruption } from "./corruption.ts";
import { crash } from "./crash.ts";
import { duplication } from "./duplication.ts";
import { flapping } from "./flapping.ts";
import { foreignCluster } from "./foreign_cluster.ts";
import { heavyTail } from "./heavy_tail.ts";
import { joinStorm } from "./join_storm.ts";
import { latePackets } from "./late_packets.ts";
import { leave } from "./leave.ts";
import { loss } from "./loss.ts";
import { massRestart } from "./mass_restart.ts";
import { oneWayCut } from "./one_way_cut.ts";
import { partition } from "./partition.ts";
import { pause } from "./pause.ts";
import { recycledAddress } from "./recycled_address.ts";
import { reordering } from "./reordering.ts";
import { rollingRestart } from "./rolling_restart.ts";
import { slowLink } from "./slow_link.ts";
import { staleDiscovery } from "./stale_discovery.ts";
import { streamResets } from "./stream_resets.ts";
import { terminating } from "./terminating.ts";
import { twin } from "./twin.ts";
import { wallClock } from "./wall_clock.ts";

/** All faults. A new one goes to the end: plans are drawn by position. */
export const faults: readonly Fault[] = Object.freeze([
  loss,
  duplication,
  reordering,
  heavyTail,
  oneWayCut,
  partition,
  bridge,
  flapping,
  slowLink,
  corruption,
  streamResets,
  latePackets,
  crash,
  leave,
  recycledAddress,
  pause,
  clockSkew,
  clockJump,
  wallClock,
  twin,
  joinStorm,
  massRestart,
  rollingRestart,
  foreignCluster,
  terminating,
  staleDiscovery,
]);
