import type { Member } from "../cluster.ts";
import { addAll, mixedCluster, participate, type Scenario } from "../scenario.ts";

/** Graceful leave of both. */
export const leave: Scenario = {
  name: "leave",
  about: "Go nodes and ours leave, and the others drop them without suspicion",
  processes: 9,
  async run(lab) {
    const cluster = lab.cluster();
    const members = await mixedCluster(lab, cluster);
    const staying = await addAll(cluster, lab.ours, members.slice(0, 1), "staying");
    await participate(cluster, staying);
    await cluster.agree({ keys: 500 });
    const took: number[] = [];
    const leaves = async (member: Member) => {
      await cluster.stop(member);
      const began = performance.now();
      await cluster.agree({ keys: 0 });
      took.push(performance.now() - began);
    };
    for (const member of members.slice(1, -1)) {
      await cluster.state(member, "terminating");
      await cluster.agree({ keys: 0 });
      await leaves(member);
      await cluster.agree({ keys: 500 });
    }
    await leaves(members.at(-1)!); // without a word of warning
    const { nodes, answered } = await cluster.agree();
    // A crash takes more than 20 s to be declared; a leave is told, and but for bad luck heard at once.
    const median = took.sort((a, b) => a - b)[took.length >> 1]!;
    if (median > 10_000) {
      throw new Error(`the median leave took ${median.toFixed(0)} ms to be known`);
    }
    return `${
      members.length - 1
    } left, ${nodes} stayed, ${answered} place alike; known everywhere ${
      median.toFixed(0)
    } ms after the last word, at most ${took.at(-1)!.toFixed(0)} ms`;
  },
};
