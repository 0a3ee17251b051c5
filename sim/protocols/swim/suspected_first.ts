import { suspicionTimeoutMs } from "../../../gossip/swim/formulas.ts";
import type { Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";
import type { Tapped } from "./tapped.ts";

/** Broadcasts among which a suspicion may wait for its turn until it is a death. */
const CROWD = 50;
/** What a verdict may be late besides, milliseconds. */
const GRACE_MS = 10_000;

/**
 * Nobody declares a node dead, by its own verdict, at an incarnation at which nobody suspected it: a suspicion that was refuted is over
 * (SWIM §4.2). Who slept in between may not have come to say what it suspected.
 */
export function suspectedFirst({ facts, tap, settings }: Tapped): Watcher {
  const suspected = new Map<string, number>();
  const suspect = (name: string, incarnation: number): void => {
    if (incarnation > (suspected.get(name) ?? 0)) suspected.set(name, incarnation);
  };
  const awake = (life: Life): boolean => {
    const longestMs = suspicionTimeoutMs(life.peers.length + 1, settings) *
        settings.suspicionMaxTimeoutMult * 2 + GRACE_MS;
    return facts.upsetAt(life.slot) < facts.now - longestMs * 1000;
  };
  return {
    sent(packet) {
      const { from } = packet;
      for (const message of tap.packet(packet)) {
        if (message.type === "suspect") suspect(message.node, message.incarnation);
        else if (message.type === "dead" && message.from !== message.node) {
          const { node, incarnation } = message;
          const most = suspected.get(node) ?? 0;
          if (incarnation <= most) continue;
          if (message.from === from.name && awake(from) && from.stats.queuedBroadcasts < CROWD) {
            throw new ViolationError(
              "suspected-first",
              `${from.name} declares ${node} dead at incarnation ${incarnation}, suspected it was up to ${most}`,
            );
          }
          suspect(node, incarnation);
        }
      }
    },
    written(written) {
      const message = tap.message(written);
      if (message.type !== "pushPull") return;
      for (const { name, state, incarnation } of message.nodes) {
        if (state !== 0) suspect(name, incarnation);
      }
    },
  };
}
