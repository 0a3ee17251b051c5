import { addAll, mustFail, participate, type Scenario } from "../scenario.ts";

/** State changes from both sides. */
export const states: Scenario = {
  name: "states",
  about: "every kind of node changes its state, and nobody takes a forbidden step",
  processes: 5,
  async run(lab) {
    const cluster = lab.cluster();
    const seed = await cluster.add(lab.ours[0]!, "seed");
    const others = await addAll(cluster, [lab.go(0), lab.go(1), ...lab.ours.slice(1)], [seed]);
    const members = [seed, ...others];
    await cluster.agree({ keys: 100 });
    for (const member of members) {
      await mustFail(
        `viewer to terminating on ${member.name}`,
        member.program.request({ do: "state", state: "terminating" }),
      );
    }
    await participate(cluster, members);
    await cluster.agree();
    for (const member of members) {
      await mustFail(
        `participant to viewer on ${member.name}`,
        member.program.request({ do: "state", state: "viewer" }),
      );
    }
    for (const member of members.slice(0, -1)) {
      await cluster.state(member, "terminating");
      await cluster.agree({ keys: 500 });
    }
    const { nodes } = await cluster.agree();
    return `${nodes} nodes, ${2 * members.length - 1} changes seen by all, ${
      2 * members.length
    } refused`;
  },
};
