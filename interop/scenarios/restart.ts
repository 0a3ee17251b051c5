import type { Cluster, Member } from "../cluster.ts";
import { type Lab, mixedCluster, type Scenario, secondsSince } from "../scenario.ts";

/** A name comes back from another address after it left. */
export const restartLeft: Scenario = {
  name: "restart-left",
  about: "a node that left comes back at another port, and is accepted at once",
  processes: 6,
  async run(lab) {
    const cluster = lab.cluster();
    const { seed, returning } = await cast(lab, cluster);
    for (const member of returning) {
      await cluster.stop(member);
      await cluster.agree({ keys: 0 });
      const again = await cluster.add(member.kind, member.name, [seed]);
      if (again.addr === member.addr) throw new Error("the same port was taken again");
      // News of its earlier state may still go round, and is taken for its state until the next exchange with it.
      await cluster.agree({ keys: 0 });
      await cluster.state(again, "participant");
      await cluster.agree({ keys: 500 });
    }
    const { nodes, answered } = await cluster.agree();
    return `${returning.length} of ${nodes} came back, ${answered} place alike`;
  },
};

/**
 * A name comes back from another address after it crashed. Its old record keeps the name until it is dead, 30 s old, and the probing has
 * gone round once more; until then both addresses claim it.
 */
export const restartCrashed: Scenario = {
  name: "restart-crashed",
  about:
    "a node that was killed comes back at another port, and is accepted once its old life is forgotten",
  processes: 6,
  async run(lab) {
    const cluster = lab.cluster();
    const { seed, returning } = await cast(lab, cluster);
    await Promise.all(returning.map((member) => cluster.kill(member)));
    await cluster.agree({ withinMs: 180_000, keys: 0 });
    const began = performance.now();
    const again = await Promise.all(
      returning.map((member) => cluster.add(member.kind, member.name, [seed])),
    );
    await cluster.agree({ withinMs: 300_000, keys: 0 });
    const accepted = secondsSince(began);
    await Promise.all(again.map((member) => cluster.state(member, "participant")));
    const { nodes } = await cluster.agree();
    return `${again.length} of ${nodes} came back, accepted everywhere after ${accepted}`;
  },
};

/** One node of every kind comes back; a Go node and two of ours watch. */
async function cast(
  lab: Lab,
  cluster: Cluster,
): Promise<{ seed: Member; returning: readonly Member[] }> {
  const [seed, ...others] = await mixedCluster(lab, cluster);
  const watching = await cluster.add(lab.ours[0]!, "watching", [seed!]);
  await cluster.state(watching, "participant");
  await cluster.agree({ keys: 500 });
  return { seed: seed!, returning: others.slice(1) };
}
