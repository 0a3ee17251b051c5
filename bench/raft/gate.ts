import type { AppliedReply } from "./line_protocol.ts";

/**
 * The correctness gate: why a measurement does not count, or `undefined`. All nodes must have applied the same commands in the same
 * order, and as many as were acknowledged, give or take those whose outcome nobody knows.
 *
 * @param states Of all nodes that run, once all have applied the same index.
 * @param earlier Acknowledged by processes that no longer run.
 */
export function whyVoid(states: readonly AppliedReply[], earlier = 0): string | undefined {
  const first = states[0]!;
  if (states.some(({ applied, hash }) => applied !== first.applied || hash !== first.hash)) {
    return `the nodes differ: ${
      states.map(({ applied, hash }) => `${applied} ${hash}`).join(", ")
    }`;
  }
  const acknowledged = states.reduce((sum, state) => sum + state.acknowledged, earlier);
  const unknown = states.reduce((sum, state) => sum + state.unknown, 0);
  return first.applied < acknowledged || first.applied > acknowledged + unknown
    ? `${acknowledged} acknowledged and ${unknown} unknown, but ${first.applied} applied`
    : undefined;
}
