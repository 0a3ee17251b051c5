import { mixedCluster, type Scenario } from "../scenario.ts";

/** A cluster that speaks TLS only. */
export const tls: Scenario = {
  name: "tls",
  about: "a cluster over TLS forms, agrees, and sees one of each side leave",
  processes: 6,
  async run(lab) {
    const cluster = lab.cluster({ tls: lab.tls });
    const members = await mixedCluster(lab, cluster);
    await cluster.agree();
    for (const member of [members[1]!, members.at(-1)!]) {
      await cluster.state(member, "terminating");
      await cluster.agree({ keys: 0 });
      await cluster.stop(member);
      await cluster.agree({ keys: 500 });
    }
    const { nodes } = await cluster.agree();
    return `${members.length} nodes, ${members.length - nodes} left`;
  },
};
