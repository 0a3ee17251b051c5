import { between, oneOf } from "../draw.ts";
import { type Fault, numberOf } from "../fault.ts";

/** One process stalls for 2 to 30 s, now and then: its timers are late, its inbox fills. */
export const pause: Fault = {
  name: "pause",
  weight: 3,
  draw: (random, { nodes }) => ({
    forMs: 0,
    details: {
      node: between(random, 0, nodes - 1),
      pauseMs: between(random, 2000, oneOf(random, [5000, 30_000])),
      // As in one that swaps or collects garbage: some wake up just long enough to believe what they missed.
      awakeMs: between(random, 10, oneOf(random, [50, 300, 10_000])),
      times: between(random, 1, oneOf(random, [3, 12])),
    },
  }),
  begin: ({ cluster, nodes, later }, { details }) => {
    const node = numberOf(details, "node") % nodes;
    const pauseMs = numberOf(details, "pauseMs");
    const again = (times: number): void => {
      cluster.running(node)?.pause(pauseMs);
      if (times > 1) later(pauseMs + numberOf(details, "awakeMs"), () => again(times - 1));
    };
    again(numberOf(details, "times"));
  },
};
