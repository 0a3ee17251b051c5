import { between } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/**
 * A process dies, perhaps between two effects of one step; it comes back at once, late or never, where it was or elsewhere.
 */
export const crash: Fault = {
  name: "crash",
  weight: 3,
  draw: (random, { nodes, longestMs }) => {
    const back = between(random, 0, 3);
    return {
      forMs: 0,
      details: {
        node: between(random, 0, nodes - 1),
        effects: between(random, 0, 2) === 0 ? between(random, 1, 12) : 0,
        afterMs: back === 0
          ? -1
          : back === 1
          ? between(random, 0, 50)
          : between(random, 50, longestMs),
        moves: between(random, 0, 1),
      },
    };
  },
  begin: ({ cluster, nodes, boot, wanted, later }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const process = cluster.running(node);
    if (process === undefined) return;
    const afterMs = numberOf(details, "afterMs");
    const effects = numberOf(details, "effects");
    if (afterMs < 0) wanted.delete(node);
    if (effects === 0) process.crash();
    else process.effectsToLive = effects;
    if (afterMs < 0) return;
    later(afterMs, () => {
      cluster.running(node)?.crash();
      boot(node, { address: numberOf(details, "moves") === 1 ? "new" : "same" });
    });
  },
};
